package traffic

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// newReplace is the verb keys replace.
func newReplace(e *command.Env) *cobra.Command {
	o := replaceOptions{logOptions: newLogOptions(e)}
	c := &cobra.Command{
		Use:   "replace KEY",
		Short: "Print the policy that a role needs to replace an access key",
		Long: `replace prints a policy document with just what an access key did, for the role that
replaces it. The calls come from CloudTrail: --trail reads logs as impact does; with
--sandbox it is the log of the sample's last month.

The document is proved before it is printed: it allows every recorded call, and nothing
beyond the pattern. The pattern "region" allows each recorded action in the Regions in
which it was recorded, "action" in every Region, "service" every action of the recorded
services in the recorded Regions. Calls that AWS refused and calls that a service
forwarded are left out. CloudTrail names resources for few calls, so the resource is *,
except for the roles that the key assumed: narrow it down where you know more.
` + command.StatusHelp,
		Example: `  forcemfa keys replace AKIAIOSFODNN7EXAMPLE --trail logs
  forcemfa keys replace AKIAIOSFODNN7EXAMPLE --trail logs --pattern action >role-policy.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runReplace(c.Context(), &o, args[0]) },
	}
	o.Add(c)
	o.addTrail(c)
	c.Flags().StringVar(&o.pattern, "pattern", string(keys.PatternRegion), "how far the document goes: region, action or service")
	return c
}

type replaceOptions struct {
	logOptions
	pattern string
}

func runReplace(ctx context.Context, o *replaceOptions, id string) error {
	if err := command.OneOf("pattern", o.pattern, keys.Patterns()...); err != nil {
		return err
	}
	if o.lookup.only = id; slices.Contains(o.sources, lookupSource) {
		o.longTerm = true // tells whose key it is
	}
	_, report, err := o.read(ctx, func(*org.Account) {})
	if err != nil {
		return err
	}
	o.ProgressLine().Done()
	o.printUnread(o.Stderr(), report)
	calls := o.tally.Recorded(id)
	if len(calls) == 0 {
		return command.WithHint(fmt.Errorf("the log has no call of access key %s that AWS authorized", id), "name the log in --trail; data events, such as calls on S3 objects, are in a log only if its trail records them")
	}
	r, err := keys.Replace(calls, o.tally.RolesOf(id), keys.Pattern(o.pattern))
	if err != nil {
		return err
	}
	if o.JSON() {
		if err := view.JSON(o.Stdout(), r); err != nil {
			return err
		}
		return incomplete(report)
	}
	if _, err := fmt.Fprintln(o.Stdout(), r.Document); err != nil {
		return err
	}
	first, last := span(calls)
	o.Remark("proved: it allows each of %s (%s of calls, %s to %s), and only %d of the %s of the catalog", view.Count(r.Calls, "recorded call"), view.Count(r.Distinct, "kind"), first, last, r.Allowed, view.Count(r.Allowed+r.Refused, "action"))
	if len(r.Unmapped) > 0 {
		o.Remark("WARNING: the catalog does not have %s: check the names", view.Clean(strings.Join(r.Unmapped, ", ")))
	}
	return incomplete(report)
}

// span is the first and the last day of calls.
func span(calls []impact.Recorded) (first, last string) {
	from, to := calls[0].First, calls[0].Last
	for _, c := range calls {
		from, to = min(from, c.First), max(to, c.Last)
	}
	day := func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateOnly) }
	return day(from), day(to)
}
