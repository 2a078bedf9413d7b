package cli

import (
	"context"
	"fmt"
	"io"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/org"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

// An organization is a survey of the target of a verb.
type organization struct {
	*target
	*survey.Survey
}

// openOrganization reads config and credentials and starts to read the organization.
func (s *shared) openOrganization(ctx context.Context) (*organization, error) {
	t, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return t.survey(ctx)
}

// survey starts to read the organization.
func (t *target) survey(ctx context.Context) (*organization, error) {
	progress := t.ProgressLine()
	s, err := survey.Open(ctx, survey.Options{
		Fleet: t.fleet, Baseline: t.baseline, Now: t.Env.Now(), Partial: t.filtered(), Strict: t.strict, CheckProofs: t.checkProofs, Progress: progress.Show,
	})
	if err != nil {
		progress.Done()
		return nil, err
	}
	return &organization{t, s}, nil
}

// exit ends a verb with the worst of the statuses and of what could not be read.
func (o *organization) exit(statuses ...int) error {
	status := command.Worst(append(statuses, o.incomplete())...)
	if status != command.StatusOK && o.NothingRead() {
		return &command.Error{Status: status, Hint: nothingReadHint}
	}
	return command.Exit(status)
}

const nothingReadHint = "nothing could be read: use a role that can read IAM and assume the member role, see docs/permissions.md"

// incomplete is the status for what could not be read or decided.
func (o *organization) incomplete() int {
	if !o.Complete() {
		return command.StatusIncomplete
	}
	return command.StatusOK
}

// home is the account that the question before a change names: the management account,
// or the only one. Its alias is requested unless it was read.
func (o *organization) home(ctx context.Context) (id, alias string, err error) {
	if id, alias, read := o.ManagementAccount(); read {
		return id, alias, nil
	}
	return o.target.home(ctx)
}

// facts are what a verb's exit status is made of, as members of their own in JSON.
type facts struct {
	Unread   []org.Gap `json:"unread"`
	Skipped  []org.Gap `json:"skipped"`  // accounts that are suspended or closed
	Complete bool      `json:"complete"` // everything was read, and every user decided
	Blocked  int       `json:"blocked"`  // steps
}

func (o *organization) facts(blocked int) facts {
	return facts{append([]org.Gap{}, o.Unread...), append([]org.Gap{}, o.Skipped...), o.Complete(), blocked}
}

// notRead prints what was not read, and the accounts that were skipped.
func (o *organization) notRead(w io.Writer) {
	view.Unread(w, o.Style(), o.Unread)
	view.Skipped(w, o.Style(), o.Skipped)
}

// noSuchUser is the error for a user that was not found. It may exist in an account that
// could not be read.
func (o *organization) noSuchUser(name string) error {
	view.Unread(o.Stderr(), o.Style(), o.Unread)
	if o.NothingRead() {
		return &command.Error{Status: command.StatusIncomplete, Err: fmt.Errorf("user %q not found: no account could be read", name), Hint: nothingReadHint}
	}
	return command.WithHint(fmt.Errorf("user %q not found in %s", name, view.Count(o.Readable(), "readable account")), `"forcemfa audit --all" lists the users`)
}
