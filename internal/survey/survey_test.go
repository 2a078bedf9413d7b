package survey_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/survey"
)

var now = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

// options are those of a survey of the sample organization with its own config.
func options(t *testing.T, o fleet.Options) survey.Options {
	t.Helper()
	box, err := rehearse.OpenSandbox(rehearse.Sample, emulator.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	box.CompleteReports()
	return optionsOf(t, box, o)
}

func optionsOf(t *testing.T, box *rehearse.Sandbox, o fleet.Options) survey.Options {
	t.Helper()
	b, err := box.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	o.Rate, o.Now = -1, box.Cloud.Now
	f, err := fleet.New(box.Config, o)
	if err != nil {
		t.Fatal(err)
	}
	return survey.Options{Fleet: f, Baseline: b, Now: now, Partial: len(o.Accounts) > 0}
}

func open(t *testing.T, o survey.Options) *survey.Survey {
	t.Helper()
	s, err := survey.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A log collects an audit.
type log struct {
	users    []audit.User
	findings []audit.Finding
	unread   []org.Gap
	accounts []audit.Account
}

func (l *log) User(u audit.User)       { l.users = append(l.users, u) }
func (l *log) Finding(f audit.Finding) { l.findings = append(l.findings, f) }
func (l *log) Gap(g org.Gap)           { l.unread = append(l.unread, g) }
func (l *log) Account(a audit.Account) { l.accounts = append(l.accounts, a) }

func TestAuditReportsEveryAccountAndCountsWhatItReports(t *testing.T) {
	o := options(t, fleet.Options{})
	var mu sync.Mutex
	var read, progress []string
	o.Account = func(a *org.Account) { read = append(read, a.ID) }
	o.Progress = func(what string, _, _ int) {
		mu.Lock()
		defer mu.Unlock()
		progress = append(progress, what)
	}
	s := open(t, o)
	var l log
	if err := s.Audit(t.Context(), &l); err != nil {
		t.Fatal(err)
	}
	want := []string{sample.Legacy, sample.Identity, sample.Dev, sample.Staging, sample.Prod, sample.Acquired, sample.Closed, sample.Archive}
	slices.Sort(read)
	if d := cmp.Diff(want, read); d != "" {
		t.Errorf("accounts (-want +got):\n%s", d)
	}
	if !slices.Contains(progress, "accounts read:") {
		t.Error("no progress was reported")
	}
	if s.Readable() != 6 || s.NothingRead() || s.Complete() {
		t.Errorf("readable = %d, nothing read = %v, complete = %v; want 6, false, false", s.Readable(), s.NothingRead(), s.Complete())
	}
	if d := cmp.Diff(l.unread, s.Unread); d != "" || len(s.Unread) == 0 {
		t.Errorf("unread (-reported +counted):\n%s", d)
	}
	if got := s.Totals; got.AccountsRead != 6 || got.AccountsUnread != 1 || got.AccountsSkipped != 1 || got.Findings[audit.Critical] == 0 {
		t.Errorf("totals %+v; want 6 accounts read, 1 unread, 1 skipped, and critical findings", got)
	}
	if got := got(s.Skipped); got != sample.Closed {
		t.Errorf("skipped %s, want %s", got, sample.Closed)
	}
	var total audit.Counts
	for _, a := range l.accounts {
		total.Add(a.Counts)
	}
	if d := cmp.Diff(total, s.Totals.Counts); d != "" || len(l.users) == 0 {
		t.Errorf("counts (-sum of the accounts +survey), %d users:\n%s", len(l.users), d)
	}
}

// got are the accounts of a list.
func got(list []org.Gap) string {
	var ids []string
	for _, g := range list {
		ids = append(ids, g.Account)
	}
	return strings.Join(ids, " ")
}

// A suspended account is skipped: it makes no run incomplete, unless the run is strict.
func TestASuspendedAccountIsSkipped(t *testing.T) {
	for strict, want := range map[bool]bool{false: true, true: false} {
		o := options(t, fleet.Options{Accounts: []string{sample.Archive, sample.Closed}})
		o.Strict = strict
		s := open(t, o)
		if err := s.Audit(t.Context(), &log{}); err != nil {
			t.Fatal(err)
		}
		if s.Complete() != want || len(s.Unread) != 0 || got(s.Skipped) != sample.Closed || s.Totals.Users != 2 {
			t.Errorf("strict %v: complete %v, unread %v, skipped %v, %d users", strict, s.Complete(), s.Unread, s.Skipped, s.Totals.Users)
		}
	}
}

func TestManagementAccountIsKnownOnceItWasRead(t *testing.T) {
	s := open(t, options(t, fleet.Options{}))
	if id, _, read := s.ManagementAccount(); id != sample.Legacy || read {
		t.Errorf("before: %s, read %v", id, read)
	}
	for _, err := range s.Accounts() {
		if err != nil {
			t.Fatal(err)
		}
	}
	if id, alias, read := s.ManagementAccount(); id != sample.Legacy || alias != "acme-legacy" || !read {
		t.Errorf("after: %s %q, read %v", id, alias, read)
	}
	s.Header.Organization = nil
	if id, _, read := s.ManagementAccount(); id != "" || read {
		t.Errorf("without an organization: %q, read %v", id, read)
	}
}

func TestAnAccountThatCannotBeEnteredIsUnread(t *testing.T) {
	s := open(t, options(t, fleet.Options{Accounts: []string{sample.Acquired}}))
	for _, err := range s.Accounts() {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !s.NothingRead() || s.Complete() || s.Unread[0].Account != sample.Acquired {
		t.Errorf("nothing read = %v, unread = %v", s.NothingRead(), s.Unread)
	}
}

func TestAccountsStopsWhenTheCallerDoes(t *testing.T) {
	s := open(t, options(t, fleet.Options{}))
	for range s.Accounts() {
		break
	}
	if len(s.Unread)+s.Readable() == 0 {
		t.Error("the account that was read is not counted")
	}
}

func TestReadAddsTheDetailsOfTheNamedUsers(t *testing.T) {
	s := open(t, options(t, fleet.Options{Accounts: []string{sample.Identity}}))
	accounts, err := s.Read(t.Context(), func(a *org.Account) []string { return []string{"anna"} })
	if err != nil || len(accounts) != 1 {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
	if anna := accounts[0].User("anna"); len(anna.Devices) == 0 || anna.Keys[0].ID == "" {
		t.Errorf("anna without details: %+v", anna)
	}
	if s.Readable() != 1 {
		t.Errorf("readable = %d, want 1", s.Readable())
	}
}

func TestPlanIsTheSameForTheSameOrganization(t *testing.T) {
	planned := func(o survey.PlanOptions) *plan.Plan {
		p, err := open(t, options(t, fleet.Options{})).Plan(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, second := planned(survey.PlanOptions{}), planned(survey.PlanOptions{})
	if d := cmp.Diff(first.Steps, second.Steps); d != "" || first.Digest != second.Digest {
		t.Errorf("two plans, digests %s and %s (-first +second):\n%s", first.Digest, second.Digest, d)
	}
	if len(first.Steps) == 0 || first.Digest == "" {
		t.Errorf("%d steps, digest %q", len(first.Steps), first.Digest)
	}
	if removal := planned(survey.PlanOptions{Remove: true}); !removal.Remove || len(removal.Steps) >= len(first.Steps) {
		t.Errorf("removal of what was never applied has %d steps", len(removal.Steps))
	}
}

func TestExplainCoversPoliciesFindingsStepsAndRoles(t *testing.T) {
	for _, row := range []struct {
		user    string
		account string // empty: no such user
		layers  []string
		roles   bool
		disable bool
		steps   bool
	}{
		{user: "nobody"},
		{user: "admin", account: sample.Legacy, layers: []string{"identity"}, roles: true, disable: true, steps: true},
		{user: "anna", account: sample.Identity, layers: []string{"identity", "scp"}, steps: true},
	} {
		t.Run(row.user, func(t *testing.T) {
			found, err := open(t, options(t, fleet.Options{})).Explain(t.Context(), row.user)
			if err != nil {
				t.Fatal(err)
			}
			if row.account == "" {
				if len(found) > 0 {
					t.Errorf("found %v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Account != row.account {
				t.Fatalf("found %+v", found)
			}
			e := found[0]
			var layers []string
			for _, d := range e.Documents {
				layers = append(layers, d.Layer)
			}
			slices.Sort(layers)
			if d := cmp.Diff(row.layers, slices.Compact(layers)); d != "" {
				t.Errorf("layers (-want +got):\n%s", d)
			}
			if got := len(e.Roles) > 0; got != row.roles {
				t.Errorf("roles = %v", e.Roles)
			}
			if got := len(e.Switches) > 0; got != row.disable {
				t.Errorf("disabling requests = %v", e.Switches)
			}
			if got := len(e.Steps) > 0; got != row.steps {
				t.Errorf("steps = %v", e.Steps)
			}
			for _, f := range e.Findings {
				if f.Subject != "user/"+row.user {
					t.Errorf("finding of %s", f.Subject)
				}
			}
		})
	}
}

// An account of its own: MFA conditions with and without a SID, a boundary that is not
// JSON, and a group.
func TestExplainShowsConditionsOnMFAAndUnreadableDocuments(t *testing.T) {
	const account = "123456789012"
	statements := `{"Version":"2012-10-17","Statement":[
		{"Sid":"NoMFA","Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}},
		{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"aws:multifactorauthage":"3600"}}}]}`
	boundary := "arn:aws:iam::" + account + ":policy/Boundary"
	u := org.User{Name: "bob", Path: "/", ARN: "arn:aws:iam::" + account + ":user/bob", Groups: []string{"Devs"}, Boundary: boundary,
		Inline: []org.InlinePolicy{{Name: "inline", Document: statements}}}
	a := &org.Account{
		ID: account, Partition: "aws", State: "ACTIVE", Read: true, Users: []org.User{u},
		Roles: []org.Role{{Name: "ForceMFAAdministrator", Path: "/", ARN: "arn:aws:iam::" + account + ":role/ForceMFAAdministrator",
			Trust:  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`,
			Inline: []org.InlinePolicy{{Name: "all", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}}}},
		Groups:   []org.Group{{Name: "Devs", Path: "/", ARN: "arn:aws:iam::" + account + ":group/Devs", Attached: []string{boundary}}},
		Policies: []org.Policy{{ARN: boundary, Name: "Boundary", Path: "/", Default: "v1", Versions: []org.Version{{ID: "v1", Document: "{"}}}},
	}
	w, err := world.Load(org.Header{Format: org.Format, Partition: "aws"}, func(yield func(*org.Account, error) bool) { yield(a, nil) }, 0)
	if err != nil {
		t.Fatal(err)
	}
	box, err := rehearse.NewSandbox(w, emulator.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	box.CompleteReports()
	o := optionsOf(t, box, fleet.Options{})
	found, err := open(t, o).Explain(t.Context(), "bob")
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	var mfa []string
	unreadable := 0
	for _, d := range found[0].Documents {
		mfa = append(mfa, d.MFA...)
		if d.Unreadable != "" {
			unreadable++
		}
	}
	want := []string{
		"NoMFA: deny if aws:MultiFactorAuthPresent is false, or missing",
		"statement 2: allow if aws:multifactorauthage is less than 3600",
	}
	if d := cmp.Diff(want, mfa); d != "" {
		t.Errorf("conditions (-want +got):\n%s", d)
	}
	if unreadable != 2 {
		t.Errorf("%d unreadable documents, want the boundary and the policy of the group", unreadable)
	}
}

func TestAnAccountIsAuditedAgainWithDetails(t *testing.T) {
	o := options(t, fleet.Options{Accounts: []string{sample.Identity}})
	s := open(t, o)
	for read, err := range s.Accounts() {
		if err != nil {
			t.Fatal(err)
		}
		a := survey.NewAccount(o, s.Header, read)
		users := a.NeedDetail()
		if len(users) == 0 {
			t.Fatal("no user needs details")
		}
		before := a.Audited
		if err := a.ReadDetail(t.Context(), nil); err != nil || a.Audited != before {
			t.Errorf("no users: audited again, %v", err)
		}
		if err := a.ReadDetail(t.Context(), users); err != nil || a.Audited == before {
			t.Errorf("with users: not audited again, %v", err)
		}
		if len(a.Plan()) == 0 {
			t.Error("no steps")
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.ReadDetail(canceled, users); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
	}
}

func TestACanceledSurveyEndsWithTheError(t *testing.T) {
	for _, row := range []struct {
		name string
		run  func(context.Context, *survey.Survey) error
	}{
		{"audit", func(ctx context.Context, s *survey.Survey) error { return s.Audit(ctx, &log{}) }},
		{"read", func(ctx context.Context, s *survey.Survey) error {
			_, err := s.Read(ctx, func(*org.Account) []string { return nil })
			return err
		}},
		{"plan", func(ctx context.Context, s *survey.Survey) error {
			_, err := s.Plan(ctx, survey.PlanOptions{})
			return err
		}},
		{"explain", func(ctx context.Context, s *survey.Survey) error {
			_, err := s.Explain(ctx, "anna")
			return err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s, err := survey.Open(ctx, options(t, fleet.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := row.run(ctx, s); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := survey.Open(canceled, options(t, fleet.Options{})); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("open: %v", err)
	}
}

func TestCheckProofsDoesNotChangeTheCounts(t *testing.T) {
	counts := func(check bool) audit.Counts {
		o := options(t, fleet.Options{Accounts: []string{sample.Archive}})
		o.CheckProofs = check
		s := open(t, o)
		if err := s.Audit(t.Context(), &log{}); err != nil {
			t.Fatal(err)
		}
		return s.Totals.Counts
	}
	if d := cmp.Diff(counts(false), counts(true)); d != "" {
		t.Errorf("counts (-without +with the checker):\n%s", d)
	}
}
