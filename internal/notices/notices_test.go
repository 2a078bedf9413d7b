package notices_test

import (
	"io"
	"net/mail"
	"strings"
	"testing"
	"time"

	"encoding/base64"
	"encoding/csv"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/notices"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

const account = "111111111111"

var now = time.Date(2026, time.December, 20, 9, 0, 0, 0, time.UTC)

// A scene is the users of one account, with the options.
type scene struct {
	config  string
	options notices.Options
	users   []audit.User
}

func user(name string, change ...func(*audit.User)) audit.User {
	used := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	u := audit.User{
		Name: name, ARN: "arn:aws:iam::" + account + ":user/" + name, Account: account, State: audit.Open, MFA: org.Yes, Console: org.Yes, ActiveKeys: 1,
		Keys: []org.AccessKey{{ID: "AKIAIOSFODNN7EXAMPLE", Active: true, Used: &used, UsedService: "s3", UsedRegion: "eu-west-1"}},
		Read: &org.User{Name: name, ARN: "arn:aws:iam::" + account + ":user/" + name},
	}
	for _, c := range change {
		c(&u)
	}
	return u
}

func tagged(key, value string) func(*audit.User) {
	return func(u *audit.User) { u.Read.Tags = append(u.Read.Tags, org.Tag{Key: key, Value: value}) }
}
func service(u *audit.User)  { u.Console, u.MFA = org.No, org.No }
func noDevice(u *audit.User) { u.MFA = org.No }

func (s *scene) notices(t *testing.T) []notices.Notice {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+s.config))
	if err != nil {
		t.Fatal(err)
	}
	s.options.Now = now
	s.options.NameTags, s.options.AddressTags, s.options.OwnerTags = []string{"Name"}, []string{"Email"}, []string{"Owner"}
	c := notices.New(&org.Header{Format: org.Format, Partition: "aws"}, b, s.options)
	a := &org.Account{ID: account, Alias: "acme", Read: true}
	for i := range s.users {
		c.Add(a, &s.users[i])
	}
	return c.Notices()
}

func TestEverybodyWhoWillNeedMFAGetsOneNotice(t *testing.T) {
	enforced := func(u *audit.User) { u.State = audit.Enforced }
	exempt := func(u *audit.User) { u.State = audit.Exempt }
	without := func(u *audit.User) { u.Console, u.ActiveKeys, u.Keys = org.No, 0, nil }
	s := scene{
		config: `waves: [{name: pilot, match: {name: "ada"}, from: 2027-01-10}, {name: all, from: 2027-02-01}]`,
		users: []audit.User{
			user("ada", tagged("Name", "Ada Lovelace"), tagged("Email", "ada@example.com")), user("bob@example.com", noDevice), user("done", enforced), user("robby", exempt), user("ghost", without),
			user("ci", service, tagged("Owner", "team@example.com")), user("backup", service, tagged("owner", "Team@example.com")), user("old", service),
		},
	}
	var got []string
	for _, n := range s.notices(t) {
		line := n.Kind + " " + n.File + " to " + n.To.Address + " from " + n.First() + ":"
		for _, u := range n.Subjects {
			line += " " + u.User
		}
		got = append(got, line)
	}
	want := []string{
		"person people/111111111111-ada to ada@example.com from 2027-01-10: ada",
		"person people/111111111111-bob@example.com to bob@example.com from 2027-02-01: bob@example.com",
		"owner owners/111111111111 to  from 2027-02-01: old",
		"owner owners/team@example.com to Team@example.com from 2027-02-01: backup ci",
		"account accounts/111111111111 to  from 2027-01-10: ada backup bob@example.com ci old",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("notices (-want +got):\n%s", d)
	}
}

func TestNoticeSaysWhatStopsAndWhatToDo(t *testing.T) {
	step := plan.NewStep(plan.AddUserToGroup, account, "arn:aws:iam::"+account+":user/bob", "ForceMFA", plan.State{}, plan.State{Present: true})
	step.Block("no sign-in path", "give bob a password")
	s := scene{users: []audit.User{user("bob", noDevice)}, options: notices.Options{Help: "the channel #mfa", From: now.AddDate(0, 1, 0), Plan: &plan.Plan{Steps: []plan.Step{step}}}}
	text := render(t, notices.Markdown, &s.notices(t)[0], nil)
	for _, part := range []string{
		"from 2027-01-20 on, your IAM user bob in the AWS account acme (111111111111)", "- requests signed with access key AKIA…MPLE, last used on 2026-11-01 for s3 in eu-west-1",
		"- the console, except enrolling an MFA device", "1. Sign in to the console of acme", "2. Choose Assign MFA device, and name it bob.", "4. Run `forcemfa login` each morning",
		"because: no sign-in path", `Questions: the channel \#mfa`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
	if strings.Contains(text, "IOSFODNN7") {
		t.Error("the whole ID of the key is in the message")
	}
}

func render(t *testing.T, format string, n *notices.Notice, texts map[string]string) string {
	t.Helper()
	all, err := notices.ParseTemplates(format, texts)
	if err != nil {
		t.Fatal(err)
	}
	text, err := all.Render(n, "forcemfa@example.com", now)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTextFromAWSIsNoMarkupAndNoFormula(t *testing.T) {
	s := scene{users: []audit.User{user("=cmd", tagged("Name", "＝HYPERLINK(1)\n# [x](http://evil.example) <b>"), tagged("Email", "a@b.example\r\nBcc: c@d.example"))}}
	all := s.notices(t)
	if all[0].To.Address != "" || strings.ContainsAny(all[0].File, "=/\\") && !strings.HasPrefix(all[0].File, "people/") {
		t.Errorf("notice %+v", all[0])
	}
	text := render(t, notices.Markdown, &all[0], nil)
	if strings.Contains(text, "[x](") || strings.Contains(text, "<b>") || strings.Contains(text, "\n# [") {
		t.Errorf("markup:\n%s", text)
	}
	var merge strings.Builder
	if err := notices.Merge(&merge, all); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(merge.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range rows[1] {
		if strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "＝") {
			t.Errorf("formula %q", cell)
		}
	}
}

// Backquotes enclose a command only in pairs of one: a run of three closes no run of one.
func TestBackquotesEncloseOnlyCommands(t *testing.T) {
	for name, want := range map[string]string{
		"run `a [b](c)` or `<d>`":   "run `a [b](c)` or `<d>`",
		"` [x](//evil.example) ```": `\` + "` \\[x\\](//evil.example) " + strings.Repeat("\\`", 3),
		"``[x](y)``":                strings.Repeat("\\`", 2) + `\[x\](y)` + strings.Repeat("\\`", 2),
		"a`b":                       "a\\`b",
		"\\`":                       "\\\\\\`",
	} {
		s := scene{users: []audit.User{user("ada", tagged("Name", name))}}
		if got := render(t, notices.Markdown, &s.notices(t)[0], map[string]string{notices.ForPerson: "{{esc .To.Name}}"}); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestMessageFileIsReadByMailPrograms(t *testing.T) {
	s := scene{users: []audit.User{user("ada", tagged("Name", "Ada, Jürgen"), tagged("Email", "ada@example.com"))}}
	m, err := mail.ReadMessage(strings.NewReader(render(t, notices.Mail, &s.notices(t)[0], nil)))
	if err != nil {
		t.Fatal(err)
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Name != "Ada, Jürgen" || to[0].Address != "ada@example.com" {
		t.Errorf("to %v, error %v", to, err)
	}
	body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	if err != nil || !strings.Contains(string(body), "Hello Ada, Jürgen,") || strings.Contains(string(body), "`") || strings.HasPrefix(string(body), "#") {
		t.Errorf("%v\n%s", err, body)
	}
}

func TestTemplatesCanBeEdited(t *testing.T) {
	s := scene{users: []audit.User{user("ada")}}
	n := &s.notices(t)[0]
	if got := render(t, notices.Text, n, map[string]string{notices.ForPerson: "{{.User.User}} of {{.User.Account}}"}); got != "ada of 111111111111" {
		t.Errorf("got %q", got)
	}
	if _, err := notices.ParseTemplates(notices.Text, map[string]string{notices.ForOwner: "\n{{.To"}); err == nil || !strings.Contains(err.Error(), "owner.md:2") {
		t.Errorf("error %v", err)
	}
	all, err := notices.ParseTemplates(notices.Text, map[string]string{notices.ForPerson: "{{.Nothing}}"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.Body(n); err == nil || !strings.Contains(err.Error(), "person.md:1") {
		t.Errorf("error %v", err)
	}
}

func TestRemindersAreBeforeTheFirstDay(t *testing.T) {
	s := scene{users: []audit.User{user("ada", tagged("Email", "ada@example.com"))}, options: notices.Options{From: time.Date(2026, time.December, 28, 0, 0, 0, 0, time.UTC)}}
	var out strings.Builder
	if err := notices.Reminders(&out, s.notices(t)[:1], now); err != nil {
		t.Fatal(err)
	}
	want := "on,days_before,first_day,wave,kind,address,name,file\n" +
		"2026-12-21,7,2026-12-28,,person,ada@example.com,ada,people/111111111111-ada\n" +
		"2026-12-27,1,2026-12-28,,person,ada@example.com,ada,people/111111111111-ada\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestContactsAreReadWithTheirLines(t *testing.T) {
	contacts, err := notices.ReadContacts("people.csv", strings.NewReader("address, user, account, name\nada@example.com,Ada,,Ada L\nowner@example.com,,111111111111,Owner\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := scene{users: []audit.User{user("ada", tagged("Email", "other@example.com"))}, options: notices.Options{Contacts: contacts}}
	all := s.notices(t)
	if all[0].To != (notices.Recipient{Name: "Ada L", Address: "ada@example.com"}) || all[1].To.Address != "owner@example.com" {
		t.Errorf("recipients %v and %v", all[0].To, all[1].To)
	}
	for text, want := range map[string]string{
		"":                                 "people.csv: read the header: the file is empty",
		"user,mail\n":                      `people.csv:1: unknown column "mail"; the columns are account, user, name, address`,
		"user\n":                           "people.csv:1: the column address is missing",
		"user,address\n\nada,x\n":          `people.csv:3: "x" is not an e-mail address`,
		"user,address\n,a@b.example\n":     "people.csv:2: the row has neither an account nor a user",
		"user,address\na,a@b.c\nA,a@b.c\n": `people.csv:3: a second row for account "", user "A"`,
		"user,address\na\n":                "people.csv: record on line 2: wrong number of fields",
	} {
		if _, err := notices.ReadContacts("people.csv", strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	if _, err := notices.ReadContacts("people.csv", endless{}); err == nil || err.Error() != "people.csv: larger than 128 MiB" {
		t.Errorf("a file without an end: %v", err)
	}
}

type endless struct{}

func (endless) Read(to []byte) (int, error) { return len(to), nil }
