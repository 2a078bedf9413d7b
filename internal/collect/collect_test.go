package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/google/go-cmp/cmp"
)

// truth returns the world's state without the values that Run does not read: IDs
// of keys, service credentials, forced resets, and session durations of roles.
func truth(s *stand) (org.Header, []*org.Account) {
	var h org.Header
	var all []*org.Account
	s.cloud.View(func(w *world.World) {
		header, accounts := w.Snapshot(s.cloud.Now())
		h = header
		for a := range accounts {
			all = append(all, a)
		}
	})
	for _, a := range all {
		a.Sort()
		a.Report = a.Report.Truncate(time.Second) // as answers have it
		for i := range a.Users {
			u := &a.Users[i]
			u.PasswordReset, u.Services = org.Unknown, nil
			for j := range u.Keys {
				u.Keys[j].ID = ""
			}
		}
		for i := range a.Roles {
			a.Roles[i].MaxSession, a.Roles[i].Used = 0, nil
		}
		for i := range a.Policies {
			if a.Policies[i].Name != baseline.PolicyName {
				a.Policies[i].Tags = nil // only those of our own are read
			}
		}
	}
	return h, all
}

// seen returns the collected data without its origin.
func seen(h org.Header, accounts []*org.Account) (org.Header, []*org.Account) {
	h.Taken, h.Caller, h.Accounts = time.Time{}, "", 0
	var all []*org.Account
	for _, a := range accounts {
		c := *a
		c.Caller = ""
		c.Roles = slices.Clone(a.Roles)
		for i := range c.Roles {
			c.Roles[i].Used = nil // collecting uses them
		}
		all = append(all, &c)
	}
	return h, all
}

func compare(t *testing.T, wantHeader, gotHeader org.Header, want, got []*org.Account) {
	t.Helper()
	wantHeader.Taken = time.Time{}
	sortHeader(&wantHeader)
	sortHeader(&gotHeader)
	if d := cmp.Diff(wantHeader, gotHeader); d != "" {
		t.Errorf("header (-world +collected):\n%s", d)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("accounts (-world +collected):\n%s", d)
	}
}

func sortHeader(h *org.Header) {
	for i := range h.Units {
		slices.Sort(h.Units[i].SCPs)
	}
	slices.SortFunc(h.Units, func(a, b org.Unit) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(h.SCPs, func(a, b org.SCP) int { return strings.Compare(a.ID, b.ID) })
}

// forget removes the values that Organizations returns, for accounts that cannot
// be entered.
func forget(a *org.Account, gaps ...org.Gap) {
	*a = org.Account{
		ID: a.ID, Name: a.Name, Partition: a.Partition, State: a.State, Unit: a.Unit, SCPs: a.SCPs,
		Management: a.Management, Gaps: gaps,
	}
}

func TestCollectedSnapshotEqualsTheWorld(t *testing.T) {
	for _, c := range []struct {
		name   string
		strict *emulator.Strict
		seed   uint64
	}{
		{"full pages", nil, 1},
		{"small pages, throttling and failures", emulator.AsTested(), 1},
		{"as before with other luck", emulator.AsTested(), 2},
		{"pages of one", &emulator.Strict{PageSize: 1}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company()
				s := newStand(t, h, accounts, emulator.Options{Strict: c.strict, Seed: c.seed})
				gotHeader, stream, err := Run(t.Context(), s.fleet(t, fleet.Options{}), Options{})
				if err != nil {
					t.Fatal(err)
				}
				got := collected(t, stream)
				if gotHeader.Accounts != 5 || gotHeader.Caller != "arn:aws:iam::111111111111:user/admin" {
					t.Errorf("%d accounts, caller %s", gotHeader.Accounts, gotHeader.Caller)
				}
				wantHeader, want := truth(s)
				forget(want[2], org.Gap{Account: invited, What: "assume OrganizationAccountAccessRole", Why: got[2].Gaps[0].Why})
				forget(want[3])
				if !strings.HasPrefix(got[2].Gaps[0].Why, "AccessDenied: ") {
					t.Errorf("why: %s", got[2].Gaps[0].Why)
				}
				for i := range want[0].Users { // the admin's key is used all the time
					want[0].Users[i].Keys = got[0].Users[i].Keys
				}
				gotHeader, got = seen(gotHeader, got)
				compare(t, wantHeader, gotHeader, want, got)
			})
		})
	}
}

func TestSampleOrganizationIsCollectedCompletely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, list := sample.Organization()
		var accounts []*org.Account
		for i := range list {
			accounts = append(accounts, &list[i])
		}
		start := time.Now()
		s := newStand(t, h, accounts, emulator.Options{
			Strict: emulator.AsTested(), Clock: func() time.Time { return h.Taken.Add(time.Since(start)) },
		})
		gotHeader, stream, err := Run(t.Context(), s.fleet(t, fleet.Options{}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		gotHeader, got := seen(gotHeader, collected(t, stream))
		wantHeader, want := truth(s)
		for i, a := range got {
			switch a.ID {
			case sample.Acquired, sample.Closed:
				if a.Read || (len(a.Gaps) == 0) != (a.Skipped() != "") || len(a.Gaps) > 1 {
					t.Errorf("%s: read %v, gaps %v, skipped %q", a.ID, a.Read, a.Gaps, a.Skipped())
				}
				want[i] = a
			}
			for j := range a.Users {
				want[i].Users[j] = onlyWhatReportsTell(want[i].Users[j], a.Users[j])
			}
		}
		compare(t, wantHeader, gotHeader, want, got)
	})
}

// onlyWhatReportsTell returns the expected user without the values that no
// single list contains: further devices of a user with a virtual one, and the
// last use of the reading key.
func onlyWhatReportsTell(want, got org.User) org.User {
	if len(want.Devices) > len(got.Devices) && len(got.Devices) > 0 {
		want.Devices = slices.DeleteFunc(slices.Clone(want.Devices), func(d org.Device) bool { return d.Kind != org.VirtualMFA })
	}
	for i := range want.Keys {
		if i < len(got.Keys) && want.Name == "admin" {
			want.Keys[i].Used, want.Keys[i].UsedRegion, want.Keys[i].UsedService = got.Keys[i].Used, got.Keys[i].UsedRegion, got.Keys[i].UsedService
		}
	}
	return want
}

func TestUsersNewerThanTheReportCostOneCallEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		calls := func() map[string]int {
			collectAll(t, s)
			n := map[string]int{}
			for _, c := range s.cloud.Counts() {
				n[c.Operation] += c.Calls
			}
			s.cloud.ResetCounts()
			return n
		}
		first := calls()
		time.Sleep(time.Hour)
		s.cloud.Update(func(w *world.World) {
			for i := range 300 {
				name := fmt.Sprintf("newcomer%03d", i)
				w.Edit(member).Users[name] = &world.User{Name: name, Path: "/", ID: w.NewID("AIDA"), Created: s.cloud.Now(), Login: &world.Login{Created: s.cloud.Now()}}
				w.AddKey(member, name, &world.Key{ID: w.NewID("AKIA"), Secret: "x", Active: true, Created: s.cloud.Now()})
			}
		})
		before := time.Now()
		if again := calls(); again["ListMFADevices"] != first["ListMFADevices"]+300 || again["GetLoginProfile"] != 0 || again["ListAccessKeys"] != 0 {
			t.Errorf("calls: %v", again)
		}
		if took := time.Since(before); took > 20*time.Second {
			t.Errorf("took %s", took)
		}
		got := collectAll(t, s)[1]
		u := got.User("newcomer299")
		if u.MFA != org.No || u.CredentialsKnown() || len(u.Keys) != 0 {
			t.Errorf("newcomer: %+v", u)
		}
		if len(got.Gaps) != 0 {
			t.Errorf("gaps: %v", got.Gaps)
		}
	})
}

func TestAUserNewerThanTheReportIsReadAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		first := collectAll(t, s)
		time.Sleep(time.Hour)
		s.cloud.Update(func(w *world.World) {
			u := &world.User{Name: "newcomer", Path: "/", ID: w.NewID("AIDA"), Created: s.cloud.Now(), Login: &world.Login{ResetRequired: true, Created: s.cloud.Now()}}
			w.Edit(member).Users["newcomer"] = u
			w.AddKey(member, "newcomer", &world.Key{ID: "AKIANEWCOMER00000000", Secret: "x", Active: true, Created: s.cloud.Now()})
			// A user with the same name as before and other credentials.
			w.Edit(member).Users["console"] = &world.User{Name: "console", Path: "/", ID: w.NewID("AIDA"), Created: s.cloud.Now()}
		})
		f := s.fleet(t, fleet.Options{})
		_, stream, err := Run(t.Context(), f, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := collected(t, stream)[1]
		if err := Detail(t.Context(), f, got, []string{"newcomer", "console"}); err != nil {
			t.Fatal(err)
		}
		if !got.Report.Equal(first[1].Report) {
			t.Fatalf("the report is of %s, want the one of %s", got.Report, first[1].Report)
		}
		created := s.cloud.Now()
		newcomer := got.User("newcomer")
		want := []org.AccessKey{{ID: "AKIANEWCOMER00000000", Active: true, Created: newcomer.Keys[0].Created}}
		if newcomer.Password != org.Yes || newcomer.PasswordReset != org.Yes || newcomer.MFA != org.No || !cmp.Equal(newcomer.Keys, want) {
			t.Errorf("newcomer: %+v", newcomer)
		}
		if c := got.User("console"); c.Password != org.No || !c.Created.Equal(created) {
			t.Errorf("the second user of the name: %+v", c)
		}
		if len(got.Gaps) != 0 {
			t.Errorf("gaps: %v", got.Gaps)
		}
	})
}

func collectAll(t *testing.T, s *stand) []*org.Account {
	t.Helper()
	_, stream, err := Run(t.Context(), s.fleet(t, fleet.Options{}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return collected(t, stream)
}

// replaceReport puts another report into the member account.
func replaceReport(s *stand, do func(*world.Report)) {
	s.cloud.Update(func(w *world.World) {
		r := *w.Account(member).Report
		do(&r)
		w.Edit(member).Report = &r
	})
}

func TestAUserThatTheReportLacksIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		collectAll(t, s)
		time.Sleep(time.Hour)
		replaceReport(s, func(r *world.Report) {
			lines := strings.SplitAfter(string(r.Content), "\n")
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "console,") || strings.HasPrefix(l, "virtual,") })
			r.Content = []byte(strings.Join(lines, ""))
		})
		got := collectAll(t, s)[1]
		if u := got.User("console"); u.Password != org.Unknown || u.MFA != org.Unknown || u.CredentialsKnown() {
			t.Errorf("console: %+v", u)
		}
		if u := got.User("virtual"); u.Password != org.Unknown || u.MFA != org.Yes || len(u.Devices) != 1 {
			t.Errorf("virtual: %+v", u)
		}
		want := []org.Gap{{Account: member, What: "iam:GetCredentialReport of console, virtual", Why: "the credential report does not contain this user"}}
		if d := cmp.Diff(want, got.Gaps); d != "" {
			t.Error(d)
		}
	})
}

func TestAReportThatIsNeverReadyIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		collectAll(t, s)
		replaceReport(s, func(r *world.Report) { r.Ready, r.Polls = s.cloud.Now().Add(time.Hour), 0 })
		before := time.Now()
		got := collectAll(t, s)[1]
		if waited := time.Since(before); waited < 50*time.Second || waited > time.Minute {
			t.Errorf("waited %s", waited)
		}
		if len(got.Gaps) != 1 || got.Gaps[0].What != "iam:GetCredentialReport" || !strings.HasPrefix(got.Gaps[0].Why, "no report after 5") {
			t.Errorf("gaps: %v", got.Gaps)
		}
		if u := got.User("console"); u.Password != org.Unknown || u.MFA != org.Unknown {
			t.Errorf("console: %+v", u)
		}
		if !got.Read || !got.Report.IsZero() || got.Root.Password != org.Yes {
			t.Errorf("read %v, report %s, root %+v", got.Read, got.Report, got.Root)
		}
	})
}

// Whoever has less time says how long to wait for the report.
func TestTheWaitForAReportHasAGivenLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		collectAll(t, s)
		replaceReport(s, func(r *world.Report) { r.Ready, r.Polls = s.cloud.Now().Add(time.Hour), 0 })
		before := time.Now()
		_, stream, err := Run(t.Context(), s.fleet(t, fleet.Options{}), Options{ReportPatience: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		got := collected(t, stream)[1]
		if waited := time.Since(before); waited > 15*time.Second || len(got.Gaps) != 1 || got.Gaps[0].What != "iam:GetCredentialReport" {
			t.Errorf("waited %s, gaps %v", waited, got.Gaps)
		}
	})
}

func TestTheIDsOfKeysAreReadOnlyWithLongTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		for _, long := range []bool{false, true} {
			_, stream, err := Run(t.Context(), s.fleet(t, fleet.Options{}), Options{LongTerm: long})
			if err != nil {
				t.Fatal(err)
			}
			keys := collected(t, stream)[1].User("hardware").Keys
			if len(keys) != 2 || (keys[0].ID != "") != long || (keys[1].ID != "") != long || !keys[1].Active || keys[1].UsedService != "s3" {
				t.Errorf("LongTerm %v: %+v", long, keys)
			}
		}
	})
}

func TestOldReportIsGeneratedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		first := collectAll(t, s)[1]
		time.Sleep(5 * time.Hour)
		again := collectAll(t, s)[1]
		if age := again.Report.Sub(first.Report); age < 5*time.Hour {
			t.Errorf("the second report is %s younger", age)
		}
		if len(again.Gaps) != 0 {
			t.Error(again.Gaps)
		}
	})
}

func TestDeviceRemovedAfterTheReportIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		collectAll(t, s)
		s.cloud.Update(func(w *world.World) {
			w.RemoveDevice(member, "GAHT"+member)
			w.Edit(member).Devices["arn:aws:iam::222222222222:mfa/left"].User = "console"
		})
		got := collectAll(t, s)[1]
		if u := got.User("hardware"); u.MFA != org.No || len(u.Devices) != 0 {
			t.Errorf("hardware: %+v", u)
		}
		if u := got.User("console"); u.MFA != org.Yes || len(u.Devices) != 1 {
			t.Errorf("console: %+v", u)
		}
	})
}

// allowOnly replaces the permissions of the role in the member account.
func allowOnly(s *stand, actions ...string) {
	s.cloud.Update(func(w *world.World) {
		r := w.Edit(member).Roles["organizationaccountaccessrole"]
		r.Attached = nil
		r.Inline = map[string]string{"some": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}]}`}
	})
}

func TestForbiddenReadsAreGapsAndUnknown(t *testing.T) {
	all := []string{
		"iam:GetAccountAuthorizationDetails", "iam:GenerateCredentialReport", "iam:GetCredentialReport", "iam:ListVirtualMFADevices",
		"iam:ListMFADevices", "iam:GetAccountSummary", "iam:ListAccountAliases", "iam:GetPolicy", "iam:GetPolicyVersion",
	}
	for _, c := range []struct {
		without string
		what    []string // of the gaps
		check   func(*org.Account) bool
	}{
		{"iam:GetAccountAuthorizationDetails", []string{"iam:GetAccountAuthorizationDetails"}, func(a *org.Account) bool {
			return !a.Read && a.Users == nil && a.Root == org.Root{}
		}},
		{"iam:GenerateCredentialReport", []string{"iam:GenerateCredentialReport"}, func(a *org.Account) bool {
			return a.User("console").Password == org.Unknown && a.User("virtual").MFA == org.Yes
		}},
		{"iam:GetCredentialReport", []string{"iam:GetCredentialReport"}, func(a *org.Account) bool {
			return a.User("console").MFA == org.Unknown && a.Report.IsZero()
		}},
		{"iam:ListVirtualMFADevices", []string{"iam:ListVirtualMFADevices"}, func(a *org.Account) bool {
			return a.Root.HardwareMFA == org.Unknown && len(a.User("virtual").Devices) == 1 && a.Unassigned == nil
		}},
		{"iam:ListMFADevices", []string{"iam:ListMFADevices of fido, hardware"}, func(a *org.Account) bool {
			return a.User("fido").MFA == org.Yes && a.User("fido").Devices == nil
		}},
		{"iam:GetAccountSummary", []string{"iam:GetAccountSummary"}, func(a *org.Account) bool {
			return a.Quotas == org.Quotas{} && a.Root.MFA == org.Yes && a.Root.AccessKeys == org.No && a.Root.Password == org.Unknown
		}},
		{"iam:ListAccountAliases", []string{"iam:ListAccountAliases"}, func(a *org.Account) bool { return a.Alias == "" }},
		{"iam:GetPolicyVersion", []string{"iam:GetPolicyVersion " + supportARN}, func(a *org.Account) bool { return a.Policy(supportARN) == nil }},
	} {
		t.Run(c.without, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company()
				// Nobody else may have read the policy for this account.
				accounts[4].User("virtual").Attached = nil
				s := newStand(t, h, accounts, emulator.Options{})
				allowOnly(s, slices.DeleteFunc(slices.Clone(all), func(action string) bool { return action == c.without })...)
				got := collectAll(t, s)[1]
				var what []string
				for _, g := range got.Gaps {
					what = append(what, g.What)
					if g.Account != member || !strings.HasPrefix(g.Why, "AccessDenied: ") {
						t.Errorf("gap %+v", g)
					}
				}
				if d := cmp.Diff(c.what, what); d != "" {
					t.Error(d)
				}
				if !c.check(got) {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestAWSManagedPoliciesAreReadOncePerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		got := collectAll(t, s)
		calls := 0
		for _, c := range s.cloud.Counts() {
			if c.Operation == "GetPolicyVersion" {
				calls += c.Calls
			}
		}
		if calls != 2 {
			t.Errorf("GetPolicyVersion was called %d times, want once for each of two policies", calls)
		}
		for _, a := range []*org.Account{got[1], got[4]} {
			if p := a.Policy(supportARN); p == nil || p.Versions[0].Document != nothing {
				t.Errorf("account %s: %+v", a.ID, p)
			}
		}
	})
}

func TestAnInterruptEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, stream, err := Run(ctx, s.fleet(t, fleet.Options{Concurrency: 1}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		var last error
		n := 0
		for a, err := range stream {
			if err != nil {
				last = err
				continue
			}
			if n++; a.ID == management {
				cancel()
			}
		}
		if !errors.Is(last, context.Canceled) || n != 1 {
			t.Errorf("%d accounts, then %v", n, last)
		}
		if waited := time.Since(started); waited > 5*time.Second {
			t.Errorf("it took %s to stop", waited)
		}
	})
}

func TestStoppingTheStreamLeavesNothingRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a goroutine left behind fails the bubble
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{Strict: emulator.AsTested()})
		_, stream, err := Run(t.Context(), s.fleet(t, fleet.Options{Concurrency: 2}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range stream {
			break
		}
	})
}

func TestProgressCountsAccountsAndCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		var told []Progress
		_, stream, err := Run(t.Context(), s.fleet(t, fleet.Options{}), Options{Progress: func(p Progress) { told = append(told, p) }})
		if err != nil {
			t.Fatal(err)
		}
		collected(t, stream)
		for i, p := range told {
			if p.Done != i+1 || p.Of != 5 || p.Calls == 0 || i > 0 && p.Account <= told[i-1].Account {
				t.Errorf("%d: %+v", i, p)
			}
		}
		if len(told) != 5 {
			t.Errorf("sent %d times", len(told))
		}
		total := 0
		for _, c := range s.cloud.Counts() {
			total += c.Calls
		}
		if told[4].Calls != int64(total) {
			t.Errorf("%d calls told, %d made", told[4].Calls, total)
		}
	})
}

func TestFiveThousandUsersAreCollectedCompletely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		crowd(accounts[1], 4995)
		s := newStand(t, h, accounts, emulator.Options{Strict: &emulator.Strict{PageSize: 400, Throttle: 0.1}})
		got := collectAll(t, s)[1]
		_, want := truth(s)
		_, clean := seen(org.Header{}, []*org.Account{got})
		if len(got.Users) != 5000 || len(got.Gaps) != 0 {
			t.Errorf("%d users, gaps %v", len(got.Users), got.Gaps)
		}
		if d := cmp.Diff(want[1], clean[0]); d != "" {
			t.Error(d)
		}
	})
}

func TestDetailReadsTheCurrentCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		accounts[1].User("hardware").Services = &org.ServiceCredentials{ServiceSpecific: []string{"codecommit.amazonaws.com"}, SSHKeys: 2}
		accounts[1].User("console").PasswordReset = org.Yes
		s := newStand(t, h, accounts, emulator.Options{Strict: emulator.AsTested()})
		got := collectAll(t, s)[1]
		report := *got.User("hardware")
		if err := Detail(t.Context(), s.fleet(t, fleet.Options{}), got, []string{"hardware", "console", "hardware"}); err != nil {
			t.Fatal(err)
		}
		u := got.User("hardware")
		if d := cmp.Diff(&org.ServiceCredentials{ServiceSpecific: []string{"codecommit.amazonaws.com"}, SSHKeys: 2}, u.Services); d != "" {
			t.Error(d)
		}
		for i, k := range u.Keys {
			if !strings.HasPrefix(k.ID, "AKIA") {
				t.Errorf("key %d has no ID: %+v", i, k)
			}
			k.ID = ""
			if d := cmp.Diff(report.Keys[i], k); d != "" {
				t.Error(d)
			}
		}
		if u.PasswordReset != org.No || got.User("console").PasswordReset != org.Yes || got.User("nobody").PasswordReset != org.Unknown {
			t.Errorf("forced resets: %s %s %s", u.PasswordReset, got.User("console").PasswordReset, got.User("nobody").PasswordReset)
		}
		if len(got.Gaps) != 0 {
			t.Error(got.Gaps)
		}
	})
}

func TestDetailOfAMissingUserIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		err := Detail(t.Context(), s.fleet(t, fleet.Options{}), accounts[1], []string{"ghost"})
		if err == nil || err.Error() != "read user ghost: account 222222222222 has no such user" {
			t.Errorf("error %v", err)
		}
	})
}

func TestForbiddenDetailIsAGapAndUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		got := collectAll(t, s)[1]
		allowOnly(s, "iam:ListMFADevices")
		u := got.User("console")
		u.PasswordReset, u.Services = org.No, &org.ServiceCredentials{} // as they were read before
		if err := Detail(t.Context(), s.fleet(t, fleet.Options{}), got, []string{"console", "hardware"}); err != nil {
			t.Fatal(err)
		}
		var what []string
		for _, g := range got.Gaps {
			what = append(what, g.What)
		}
		want := []string{
			"iam:GetLoginProfile of console, hardware", "iam:ListAccessKeys of console, hardware",
			"iam:ListServiceSpecificCredentials of console, hardware",
		}
		slices.Sort(what)
		if d := cmp.Diff(want, what); d != "" {
			t.Error(d, got.Gaps)
		}
		if u.PasswordReset != org.Unknown || u.Services != nil || u.CredentialsKnown() {
			t.Errorf("%+v", u)
		}
	})
}

func TestUserReadsTheCurrentStateOfOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{Strict: emulator.AsTested()})
		cfg, _, err := s.fleet(t, fleet.Options{}).Enter(t.Context(), member)
		if err != nil {
			t.Fatal(err)
		}
		got, gaps, err := User(t.Context(), cfg, "virtual")
		if err != nil || len(gaps) != 0 {
			t.Fatal(err, gaps)
		}
		var want *org.User
		s.cloud.View(func(w *world.World) {
			_, all := w.Snapshot(time.Time{})
			for a := range all {
				if a.ID == member {
					a.Sort()
					want = a.User("virtual")
				}
			}
		})
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		_, _, err = User(t.Context(), cfg, "ghost")
		if err == nil || !strings.HasPrefix(err.Error(), "read user ghost: ") || !strings.Contains(err.Error(), "NoSuchEntity") {
			t.Errorf("error %v", err)
		}
	})
}

// The password policy is read only where passwords expire.
func TestExpiringPasswordsAreReadWithTheirPolicy(t *testing.T) {
	for _, row := range []struct {
		name    string
		policy  *world.PasswordPolicy
		expires bool
		hard    org.Tri
	}{
		{"no policy", nil, false, org.Unknown},
		{"passwords that never expire", &world.PasswordPolicy{HardExpiry: true}, false, org.Unknown},
		{"passwords that expire", &world.PasswordPolicy{MaxAge: 90}, true, org.No},
		{"passwords that expire for good", &world.PasswordPolicy{MaxAge: 90, HardExpiry: true}, true, org.Yes},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company()
				s := newStand(t, h, accounts, emulator.Options{})
				s.cloud.Update(func(w *world.World) { w.Edit(member).PasswordPolicy = row.policy })
				got := collectAll(t, s)[1]
				if u := got.User("console"); (u.PasswordExpires != nil) != row.expires || got.HardExpiry != row.hard {
					t.Errorf("expires %v, hard expiry %q", u.PasswordExpires, got.HardExpiry)
				}
			})
		})
	}
}
