package collect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// pageSize is the most that IAM gives in a page; it may give less.
// Source: IAM API, MaxItems.
const pageSize = 1000

// A reader reads into one account.
type reader struct {
	iam *iam.Client
	to  *org.Account

	mu sync.Mutex
	// failed is which users an operation failed for, by operation and reason,
	// so that five hundred of them are one gap.
	failed map[org.Gap][]string
}

func newReader(cfg aws.Config, a *org.Account) *reader {
	return &reader{iam: iam.NewFromConfig(cfg), to: a, failed: map[org.Gap][]string{}}
}

// account reads everything that [Run] promises of one account.
func (r *reader) account(ctx context.Context, c *collector) {
	// AWS may take a while over the report: it is asked for first and fetched
	// last.
	requested := r.requestReport(ctx)
	if !r.entities(ctx) {
		return
	}
	devices := r.virtualDevices(ctx)
	r.summary(ctx)
	r.alias(ctx)
	report := r.report(ctx, requested, c.options.ReportPatience)
	r.credentials(ctx, report, devices)
	r.root(report, devices)
	r.awsManaged(ctx, c.managed)
	r.close()
}

func (r *reader) gap(what string, err error) {
	r.to.Gaps = append(r.to.Gaps, org.Gap{Account: r.to.ID, What: what, Why: fleet.Why(err)})
}

// fail notes that an operation failed for one user.
func (r *reader) fail(operation, user string, err error) {
	g := org.Gap{Account: r.to.ID, What: operation, Why: fleet.Why(err)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[g] = append(r.failed[g], user)
}

// close turns what failed for users into gaps.
func (r *reader) close() {
	gaps := slices.SortedFunc(maps.Keys(r.failed), func(a, b org.Gap) int {
		return strings.Compare(a.What+a.Why, b.What+b.Why)
	})
	for _, g := range gaps {
		users := r.failed[g]
		g.What += " of " + some(users)
		r.to.Gaps = append(r.to.Gaps, g)
	}
	clear(r.failed)
}

// some is the first few names and the number of the others.
func some(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
