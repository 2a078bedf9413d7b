package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
)

// pageSize is the largest page that IAM returns; a page may be smaller.
// Source: IAM API, MaxItems.
const pageSize = 1000

// A reader reads one account.
type reader struct {
	iam *iam.Client
	to  *org.Account

	mu sync.Mutex
	// failed holds the failures for single users by operation and error code, so
	// that five hundred of them become one gap.
	failed map[failure]map[string]error // by user
}

type failure struct{ operation, code string }

func newReader(cfg aws.Config, a *org.Account) *reader {
	return &reader{iam: client(cfg), to: a, failed: map[failure]map[string]error{}}
}

func client(cfg aws.Config) *iam.Client {
	return iam.NewFromConfig(cfg, func(o *iam.Options) { o.APIOptions = append(o.APIOptions, fleet.WholeAnswers) })
}

// account reads everything that [Run] returns of one account.
func (r *reader) account(ctx context.Context, c *collector) {
	// AWS may take a while to generate the report: it is requested first and
	// fetched last.
	requested := r.requestReport(ctx)
	if !r.entities(ctx) {
		return
	}
	devices := r.virtualDevices(ctx)
	r.fingerprint(ctx)
	r.summary(ctx)
	r.alias(ctx)
	report := r.report(ctx, requested, c.options.ReportPatience)
	r.credentials(ctx, report, devices, c.options.LongTerm)
	if c.options.LongTerm {
		r.longTerm(ctx)
	}
	r.passwordPolicy(ctx)
	r.root(report, devices)
	r.awsManaged(ctx, c.managed)
	r.close()
}

func (r *reader) gap(what string, err error) {
	r.to.Gaps = append(r.to.Gaps, org.Gap{Account: r.to.ID, What: what, Why: fleet.Reason(err)})
}

// fail records that an operation failed for one user.
func (r *reader) fail(operation, user string, err error) {
	f := failure{operation: operation}
	var api smithy.APIError
	if errors.As(err, &api) {
		f.code = api.ErrorCode()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed[f] == nil {
		r.failed[f] = map[string]error{}
	}
	r.failed[f][user] = err
}

// close turns the failures for users into gaps, each with the reason of its
// first user.
func (r *reader) close() {
	failures := slices.SortedFunc(maps.Keys(r.failed), func(a, b failure) int {
		return cmp.Or(cmp.Compare(a.operation, b.operation), cmp.Compare(a.code, b.code))
	})
	for _, f := range failures {
		users := slices.Sorted(maps.Keys(r.failed[f]))
		r.gap(f.operation+" of "+firstNames(users), r.failed[f][users[0]])
	}
	clear(r.failed)
}

// firstNames returns the first few names and the number of the others.
func firstNames(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
