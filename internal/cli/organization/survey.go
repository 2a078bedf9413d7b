package organization

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

// A Survey is a survey of the target of a verb.
type Survey struct {
	*Target
	*survey.Survey
}

// OpenSurvey reads config and credentials and starts to read the organization.
func (s *Flags) OpenSurvey(ctx context.Context) (*Survey, error) {
	t, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	return t.Survey(ctx)
}

// Survey starts to read the organization.
func (t *Target) Survey(ctx context.Context) (*Survey, error) {
	progress := t.ProgressLine()
	s, err := survey.Open(ctx, survey.Options{
		Fleet: t.Fleet, Baseline: t.Baseline, Now: t.Env.Now(), Partial: t.Filtered(), Strict: t.Strict, CheckProofs: t.CheckProofs, LongTerm: t.LongTerm, Progress: progress.Show,
	})
	if err != nil {
		progress.Done()
		return nil, err
	}
	return &Survey{t, s}, nil
}

// Exit ends a verb with the worst of the statuses and of what could not be read.
func (o *Survey) Exit(statuses ...int) error {
	status := command.Worst(append(statuses, o.incomplete())...)
	if status != command.StatusOK && o.NothingRead() {
		return &command.Error{Status: status, Hint: o.nothingReadHint()}
	}
	return command.Exit(status)
}

// ExitZero is Exit of a verb with --exit-zero: neither the statuses nor what was not read
// count, unless nothing could be read.
func (o *Survey) ExitZero(zero bool, statuses ...int) error {
	if zero && !o.NothingRead() {
		return nil
	}
	return o.Exit(statuses...)
}

// nothingReadHint is what to do when nothing could be read. An IAM user whom a policy
// denies everything is enforced: the same user may be able to read with MFA.
func (o *Survey) nothingReadHint() string {
	denied := func(g org.Gap) bool { return strings.Contains(g.Why, "explicit deny") }
	if caller, err := arn.Parse(o.Header.Caller); err == nil && strings.HasPrefix(caller.Resource, "user/") && slices.ContainsFunc(o.Unread, denied) {
		return "nothing could be read: a policy denies it to " + caller.Resource + "; if it requires MFA, use an MFA session: forcemfa exec PROFILE -- forcemfa audit"
	}
	return "nothing could be read: use a role that can read IAM and assume the member role, see docs/permissions.md"
}

// incomplete is the status for what could not be read or decided.
func (o *Survey) incomplete() int {
	if !o.Complete() {
		return command.StatusIncomplete
	}
	return command.StatusOK
}

// Home is the account that the question before a change names: the management account,
// or the only one. Its alias is requested unless it was read.
func (o *Survey) Home(ctx context.Context) (id, alias string, err error) {
	if id, alias, read := o.ManagementAccount(); read {
		return id, alias, nil
	}
	return o.Target.Home(ctx)
}

// Facts are what a verb's exit status is made of, as members of their own in JSON, and
// the head of the output.
type Facts struct {
	Unread   []org.Gap     `json:"unread"`
	Skipped  []org.Gap     `json:"skipped"`  // accounts that are suspended or closed
	Complete bool          `json:"complete"` // everything was read, and every user decided
	Blocked  int           `json:"blocked"`  // steps
	Head     view.Headline `json:"head"`
}

// Facts are those of this survey and of a number of blocked steps.
func (o *Survey) Facts(blocked int) Facts {
	return Facts{append([]org.Gap{}, o.Unread...), append([]org.Gap{}, o.Skipped...), o.Complete(), blocked, o.Headline()}
}

// PrintUnread prints what was not read, and the accounts that were skipped.
func (o *Survey) PrintUnread(w io.Writer) {
	view.Unread(w, o.Style(), o.Unread)
	view.Skipped(w, o.Style(), o.Skipped)
}

// NoSuchUser is the error for a user that was not found. It may exist in an account that
// could not be read.
func (o *Survey) NoSuchUser(name string) error {
	view.Unread(o.Stderr(), o.Style(), o.Unread)
	if o.NothingRead() {
		return &command.Error{Status: command.StatusIncomplete, Err: fmt.Errorf("user %q not found: no account could be read", name), Hint: o.nothingReadHint()}
	}
	return command.WithHint(fmt.Errorf("user %q not found in %s", name, view.Count(o.Readable(), "readable account")), `"forcemfa audit --all" lists the users`)
}

// Conclusion is what an audit ends with.
func (o *Survey) Conclusion(findings int) view.Conclusion {
	return view.Conclusion{Head: o.RunHead(), End: o.RunEnd(findings), Next: o.Next}
}

// RunHead is the head of the run of the verb.
func (o *Survey) RunHead() run.Head {
	h := run.Head{
		Format: run.Format, Verb: o.Invoked.Verb, Flags: o.Invoked.Flags, Organization: o.ID(), Partition: o.Header.Partition, Time: o.Now.UTC(),
		Caller: o.Header.Caller, Version: offline.Build().Version, Config: o.Target.Baseline.Hash(), ConfigFile: o.Target.Baseline.Name,
		Sandbox: o.Sandbox != "", Filtered: o.Filtered(),
	}
	if o.Header.Organization != nil {
		h.Management = o.Header.Organization.ManagementAccount
	} else if caller, err := arn.Parse(o.Header.Caller); err == nil {
		h.Management = caller.Account
	}
	return h
}

// Headline is the head of an output of the verb.
func (o *Survey) Headline() view.Headline {
	head, end := o.RunHead(), o.RunEnd(0)
	return view.Headed(&head, &end)
}

// RunEnd is the end of the run of the verb, with the number of findings that change the
// exit status.
func (o *Survey) RunEnd(findings int) run.End {
	e := run.End{Totals: o.Totals, Complete: o.Complete(), Failing: findings}
	if _, alias, _ := o.ManagementAccount(); alias != "" {
		e.Name = alias
	} else if o.Header.Organization != nil {
		e.Name = o.Names()[o.Header.Organization.ManagementAccount]
	}
	return e
}

// ID is the ID of the organization; empty for an account without one.
func (o *Survey) ID() string {
	if o.Header.Organization == nil {
		return ""
	}
	return o.Header.Organization.ID
}
