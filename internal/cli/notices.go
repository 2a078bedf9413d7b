package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/filefault"
	"forcemfa/internal/notices"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

func newNotices(e *command.Env) *cobra.Command {
	o := noticesOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "notices",
		Short: "Write the messages that people get before a roll-out",
		Long: `notices reads the organization and writes a message for each person who will need
MFA, one for each owner of service accounts, and a summary for each account: from
when, what stops without MFA, and what to do before. It changes nothing in AWS, and
sends nothing without --send.

The directory of --out gets people/, owners/ and accounts/, merge.csv for mail merge,
and reminders.csv with the days on which to remind whom.

Names and addresses come from --contacts, a CSV file with the columns account, user,
name and address, or from tags of the users. A row without a user is the owner of the
account. With --plan, blocked steps are mentioned; with --impact, recorded calls are.

--write-templates writes the built-in templates to a directory. Edit them, and name
the directory with --templates.

--send sends each message to its address through notify: mail: of the config, after a
confirmation. A message that was sent from this directory is not sent again.
` + command.StatusHelp,
		Example: `  forcemfa notices --out notices
  forcemfa notices --out notices --contacts people.csv --from 2027-01-15 --ask "the #mfa channel"
  forcemfa notices --out notices --impact impact.json --format mail
  forcemfa notices --write-templates templates
  forcemfa notices --sandbox --out notices`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runNotices(c.Context(), &o) },
	}
	o.add(c)
	return c
}

type noticesOptions struct {
	organization.Flags
	out, format          string
	templates, write     string
	contacts, from, ask  string
	plan, impact         string
	names, mails, owners []string
	send, yes            bool
	texts                map[string]string // the administrator's templates by kind
}

func (o *noticesOptions) add(c *cobra.Command) {
	o.Add(c)
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "write the messages to this `directory`")
	f.StringVar(&o.format, "format", notices.Markdown, "markdown, text or mail (message files for mail programs)")
	f.StringVar(&o.templates, "templates", "", "`directory` with your person.md, owner.md and account.md")
	f.StringVar(&o.write, "write-templates", "", "write the built-in templates to this `directory`, and do nothing else")
	f.StringVar(&o.contacts, "contacts", "", "CSV `file` with the columns account, user, name, address")
	f.StringVar(&o.from, "from", "", "first `day` for users without a wave, as 2027-01-15")
	f.StringVar(&o.ask, "ask", "", "whom to ask, as `text` in the messages")
	f.StringVar(&o.plan, "plan", "", "a `file` of plan --out: blocked steps are mentioned")
	f.StringVar(&o.impact, "impact", "", "a `file` of impact --save: recorded calls are mentioned")
	f.StringSliceVar(&o.names, "name-tag", []string{"Name"}, "tag `keys` with the name of a person")
	f.StringSliceVar(&o.mails, "address-tag", []string{"Email", "Mail"}, "tag `keys` with the address of a person")
	f.StringSliceVar(&o.owners, "owner-tag", []string{"Owner", "Email"}, "tag `keys` with the address of a service account's owner")
	f.BoolVar(&o.send, "send", false, "send the messages through notify: mail: of the config")
	f.BoolVar(&o.yes, "yes", false, "with --send, skip the confirmation")
	f.BoolVar(&o.Loopback, "loopback", false, "allow channels on this machine without TLS, for tests")
	_ = f.MarkHidden("loopback")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{notices.Markdown, notices.Text, notices.Mail}, cobra.ShellCompDirectiveNoFileComp))
}

func runNotices(ctx context.Context, o *noticesOptions) error {
	if o.write != "" {
		return o.writeTemplates()
	}
	options, templates, err := o.inputs()
	if err != nil {
		return err
	}
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	if options.Impact, err = readImpact(o.impact, s); err != nil {
		return err
	}
	sink := &peopleSink{collection: notices.New(s.Header, s.Baseline, *options)}
	s.Survey.Options.Account = func(a *org.Account) { sink.account = a }
	if err := s.Audit(ctx, sink); err != nil {
		return err
	}
	written := &written{all: sink.collection.Notices(), options: o, templates: templates, from: s.Baseline.Notify.Mail.From}
	if err := written.save(); err != nil {
		return err
	}
	status := command.StatusOK
	if o.send {
		if status, err = written.sendAll(ctx, s); err != nil {
			return err
		}
	}
	if err := written.show(s); err != nil {
		return err
	}
	s.PrintUnread(o.Stderr())
	return s.Exit(status)
}

// inputs reads everything that a flag names, before AWS is read.
func (o *noticesOptions) inputs() (*notices.Options, *notices.Templates, error) {
	switch {
	case o.out == "":
		return nil, nil, command.WithHint(errors.New("notices: --out is missing"), "name a directory for the messages: forcemfa notices --out notices")
	case o.send && o.Sandbox != "":
		return nil, nil, command.WithHint(errors.New("notices: --send with --sandbox: the sample organization has no people"), "leave one of them out")
	}
	if err := command.OneOf("format", o.format, notices.Markdown, notices.Text, notices.Mail); err != nil {
		return nil, nil, err
	}
	options := &notices.Options{Now: o.Env.Now(), Help: o.ask, NameTags: o.names, AddressTags: o.mails, OwnerTags: o.owners}
	var err error
	if o.from != "" {
		if options.From, err = time.Parse(time.DateOnly, o.from); err != nil {
			return nil, nil, command.WithHint(fmt.Errorf("notices: --from %q is not a day", o.from), "write it as 2027-01-15")
		}
	}
	if options.Contacts, err = readContacts(o.contacts); err != nil {
		return nil, nil, err
	}
	if o.plan != "" {
		if options.Plan, err = command.ReadPlan(o.plan, "plan"); err != nil {
			return nil, nil, err
		}
	}
	if o.texts, err = readTemplates(o.templates); err != nil {
		return nil, nil, err
	}
	templates, err := notices.ParseTemplates(o.format, o.texts)
	if err != nil {
		err = command.WithHint(fmt.Errorf("notices: %w", err), "correct the template, or write the built-in ones with --write-templates")
	}
	return options, templates, err
}

func readContacts(name string) (notices.Contacts, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, command.FileError("read contacts", err)
	}
	defer file.Close()
	all, err := notices.ReadContacts(name, file)
	if err != nil {
		return nil, command.WithHint(err, "the first row names the columns: account,user,name,address")
	}
	return all, nil
}

// mostTemplate is more than a message holds.
const mostTemplate = 1 << 20

func readTemplates(dir string) (map[string]string, error) {
	texts := map[string]string{}
	if dir == "" {
		return texts, nil
	}
	for _, kind := range notices.Kinds() {
		text, err := filefault.Read(filepath.Join(dir, kind+".md"), mostTemplate)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, command.FileError("read template", err)
		}
		texts[kind] = string(text)
	}
	if len(texts) == 0 {
		return nil, command.WithHint(fmt.Errorf("%s has no templates", dir), "it needs one of person.md, owner.md and account.md; --write-templates writes the built-in ones")
	}
	return texts, nil
}

func (o *noticesOptions) writeTemplates() error {
	if err := os.MkdirAll(o.write, 0o755); err != nil {
		return command.FileError("make the directory of the templates", err)
	}
	for _, kind := range notices.Kinds() {
		name := filepath.Join(o.write, kind+".md")
		if _, err := os.Lstat(name); err == nil {
			return command.WithHint(fmt.Errorf("%s exists", name), "name another directory, or delete the file")
		}
		if err := command.WriteFile(name, []byte(notices.BuiltIn(kind)), 0o644); err != nil {
			return err
		}
		o.Remark("%s is written", name)
	}
	return nil
}

// A peopleSink collects the users of an audit, whose accounts come just before them.
type peopleSink struct {
	collection *notices.Collection
	account    *org.Account
}

func (s *peopleSink) User(u audit.User)     { s.collection.Add(s.account, &u) }
func (s *peopleSink) Finding(audit.Finding) {}
func (s *peopleSink) Gap(org.Gap)           {}
func (s *peopleSink) Account(audit.Account) {}

// written are the notices of a run, and their files.
type written struct {
	all       []notices.Notice
	options   *noticesOptions
	templates *notices.Templates
	from      string // the sender in message files
	sent      int
	failed    []string
}

// save writes a file for each notice, and the two tables. The files are for their owner
// only: they name people without MFA.
func (w *written) save() error {
	now := w.options.Env.Now()
	for _, dir := range []string{"people", "owners", "accounts"} {
		if err := os.MkdirAll(filepath.Join(w.options.out, dir), 0o700); err != nil {
			return command.FileError("make the directory of the messages", err)
		}
	}
	for i := range w.all {
		n := &w.all[i]
		text, err := w.templates.Render(n, w.from, now)
		if err != nil {
			return command.WithHint(fmt.Errorf("notices: %s: %w", n.File, err), "correct the template")
		}
		if err := command.WriteFile(w.path(n), text, 0o600); err != nil {
			return err
		}
	}
	var merge, reminders strings.Builder
	if err := errors.Join(notices.Merge(&merge, w.all), notices.Reminders(&reminders, w.all, now)); err != nil {
		return err
	}
	if err := command.WriteFile(filepath.Join(w.options.out, "merge.csv"), []byte(merge.String()), 0o600); err != nil {
		return err
	}
	return command.WriteFile(filepath.Join(w.options.out, "reminders.csv"), []byte(reminders.String()), 0o600)
}

func (w *written) path(n *notices.Notice) string {
	return filepath.Join(w.options.out, filepath.FromSlash(n.File)+notices.Endings[w.options.format])
}

// counts are the numbers of notices, and of those without an address, by kind.
func (w *written) counts() (all, without map[string]int) {
	all, without = map[string]int{}, map[string]int{}
	for i := range w.all {
		all[w.all[i].Kind]++
		if w.all[i].To.Address == "" {
			without[w.all[i].Kind]++
		}
	}
	return all, without
}

func (w *written) show(s *organization.Survey) error {
	o := w.options
	all, without := w.counts()
	if o.JSON() {
		return view.JSON(o.Stdout(), struct {
			Directory      string           `json:"directory"`
			Counts         map[string]int   `json:"counts"`
			WithoutAddress map[string]int   `json:"without_address"`
			Sent           int              `json:"sent"`
			Failed         []string         `json:"failed"`
			Notices        []notices.Notice `json:"notices"`
			organization.Facts
		}{o.out, all, without, w.sent, append([]string{}, w.failed...), append([]notices.Notice{}, w.all...), s.Facts(0)})
	}
	var b strings.Builder
	for _, kind := range notices.Kinds() {
		fmt.Fprintf(&b, "%6d  %-8s %d without an address\n", all[kind], kind, without[kind])
	}
	fmt.Fprintf(&b, "\n%s written to %s, with merge.csv and reminders.csv.", view.Count(len(w.all), "message"), view.Clean(o.out))
	if o.send {
		fmt.Fprintf(&b, " %d sent, %d failed.", w.sent, len(w.failed))
	} else {
		b.WriteString(" Nothing was sent.")
	}
	if slices.ContainsFunc(w.all, func(n notices.Notice) bool { return n.First() == "" }) {
		b.WriteString("\nSome have no first day: give --from, or waves in the config file.")
	}
	_, err := fmt.Fprintln(o.Stdout(), b.String())
	return err
}
