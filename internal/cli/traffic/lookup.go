package traffic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/impact"
	"forcemfa/internal/trail"
	"forcemfa/internal/traillookup"
	"forcemfa/internal/view"
)

// lookupSource is the source that reads the Event history of every account.
const lookupSource = "lookup"

// lookup is what is asked of the Event history.
type lookup struct {
	asked bool
	only  string // the user or key that is looked up, by name, ARN or ID; empty: all users
}

// lookupDays checks the days of a lookup: the Event history has no older ones.
func (o *logOptions) lookupDays() error {
	today := o.Env.Now().UTC().Truncate(24 * time.Hour)
	oldest := today.AddDate(0, 0, -traillookup.Days)
	if !o.first.IsZero() && o.first.Before(oldest) {
		return command.WithHint(fmt.Errorf("--since %s: the Event history has only the last %d days", o.since, traillookup.Days), "read the logs of a trail, or use --since "+fmt.Sprint(traillookup.Days)+"d")
	}
	if o.first.IsZero() {
		o.first = today.AddDate(0, 0, -bucketDays)
		o.Remark("looking up the last %d days of the Event history; --since looks up to %d", bucketDays, traillookup.Days)
	}
	return nil
}

// lookUp adds the calls in the Event history to a tally.
func (o *logOptions) lookUp(ctx context.Context, s *organization.Survey, tally *impact.Tally, summary *trail.Summary) error {
	if err := o.lookupDays(); err != nil {
		return err
	}
	in := traillookup.Options{Since: o.first, Until: o.Env.Now(), Regions: o.regionsOf(s.Header.Partition)}
	if !o.last.IsZero() {
		in.Until = minTime(in.Until, o.last.AddDate(0, 0, 1).Add(-time.Second))
	}
	if in.Users, in.Keys = o.lookupNames(); len(in.Users)+len(in.Keys) == 0 {
		return command.WithHint(fmt.Errorf("user or access key %q not found", o.lookup.only), `"forcemfa keys" lists them`)
	}
	in.Enter = func(ctx context.Context, account string) (aws.Config, error) {
		cfg, _, err := s.Fleet.Enter(ctx, account)
		return cfg, err
	}
	o.announce(in)
	progress := o.ProgressLine()
	in.Progress = func(done, total int) { progress.Show("lookups:", done, total) }
	result, err := traillookup.Read(ctx, in, o.within(tally.Add))
	progress.Done()
	if err != nil {
		return err
	}
	for _, p := range result.Read {
		tally.Covered(p.Account, p.Region, in.Since, in.Until)
	}
	if result.Lost {
		tally.Incomplete()
	}
	if n := len(result.Disabled); n > 0 {
		o.Remark("%s not enabled and not looked up", view.Count(n, "Region of an account"))
	}
	summary.Records += result.Records
	summary.Problems = append(summary.Problems, result.Problems...)
	return nil
}

// lookupNames are the users and keys to look up, by account.
func (o *logOptions) lookupNames() (users, keys map[string][]string) {
	users = o.judge.Callers()
	if o.lookup.only == "" {
		return users, nil
	}
	if account := o.judge.Owner(o.lookup.only); account != "" {
		return nil, map[string][]string{account: {o.lookup.only}}
	}
	for account, names := range users {
		users[account] = slices.DeleteFunc(names, func(name string) bool {
			id, of, isARN := strings.Cut(o.lookup.only, ":user/")
			return name != o.lookup.only && !(isARN && strings.HasSuffix(id, ":"+account) && (of == name || strings.HasSuffix(of, "/"+name)))
		})
	}
	maps.DeleteFunc(users, func(_ string, names []string) bool { return len(names) == 0 })
	return users, nil
}

// announce says how long the lookups take at least: AWS takes two a second in each Region
// of an account, and Regions and accounts are asked at the same time.
func (o *logOptions) announce(in traillookup.Options) {
	most, users := 0, 0
	for _, names := range in.Users {
		most, users = max(most, len(names)), users+len(names)
	}
	if users == 0 {
		return
	}
	least := ""
	if o.Rate >= 0 {
		least = fmt.Sprintf(", at least %s at two a second", (time.Duration(most) * time.Second / 2).Round(time.Second))
	}
	o.Remark("looking up %s in %s%s", view.Count(users, "user"), view.Count(len(in.Regions), "Region"), least)
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
