package organization

import (
	"context"
	"fmt"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/history"
	"forcemfa/internal/org"
)

// Begin begins the run of the verb, with the accounts that left the organization since
// earlier runs of this machine. An unreadable list of those makes the run incomplete.
func (o *Survey) Begin(ctx context.Context, results *stream.Results) {
	head := o.RunHead()
	results.Begin(head, o.Target.Baseline)
	if head.Sandbox || head.Organization == "" || o.Env.StateDir == "" {
		return
	}
	accounts, err := history.OpenAccounts(o.Env.HistoryDir(), &head)
	if err != nil {
		o.Miss(org.Gap{Account: head.Management, What: "accounts of earlier runs",
			Why: fmt.Sprintf("%v: accounts that left the organization are not known; move the file away to begin a new list", command.FileError("read", err))})
		return
	}
	o.Departed = accounts.Departed(o.Listed, o.Now)
	results.Remember(func() error { return accounts.Update(ctx, o.Listed, o.UsersRead(), o.Now) })
}
