package baseline_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

var today = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestDraftListsTheUsersToDecideAbout(t *testing.T) {
	used := today.AddDate(0, 0, -1)
	workload := org.User{Name: "123", Password: org.No, MFA: org.No, Keys: []org.AccessKey{{Active: true, Used: &used, UsedService: "s3"}}}
	d := baseline.NewDraft(&org.Header{Caller: "arn:aws:sts::111111111111:assumed-role/Admin/ada", Units: []org.Unit{{ID: "r-ab12", Name: "Root"}, {ID: "ou-ab12-00000000", Name: "Closed", Parent: "r-ab12"}, {ID: "ou-ab12-11111111", Name: "Platform\n\u202e\u200bx", Parent: "r-ab12"}}}, today)
	person, idle, service := workload, workload, workload
	person.Name, person.Password = "ada", org.Yes
	idle.Name, idle.Keys = "idle", []org.AccessKey{{Active: true, Used: &used, UsedService: "sts"}}
	service.Name, service.Tags = "ci", []org.Tag{{Key: "usertype", Value: "service"}}
	d.Add(&org.Account{ID: "111111111111", Unit: "ou-ab12-11111111", Read: true, Users: []org.User{workload, person, idle, service, {Name: "Break-Glass-1"}}})
	d.Add(&org.Account{ID: "222222222222", Unit: "ou-ab12-00000000"}) // cannot be entered
	const want = `# The configuration of forcemfa for this organization. "forcemfa schema" describes every key.
# Written by "forcemfa init" on 2026-11-02 from 5 users in 1 accounts.
# Lines that begin with # and a key are suggestions: remove the # to use one.
version: 1

# Group: through one group managed by forcemfa. Others: groups, user, scp.
attach: group

# Options of the policy, with their defaults.
#policy:
#  self_service: enroll
#  enrollment: console
#  max_session_age: none

# Users without ForceMFA, with an owner and a reason. MFA is enforced for all other users.
exemptions:
  # Users with this tag: 1. Principals that can tag users can exempt them: see exemption-tag-settable in the audit.
  - match: {tag: "userType=Service"}
    owner: "Admin/ada"
    reason: service users, as without a config file
# These users are probably service accounts. A role is better than an exemption: decide for each.
#  # 111111111111/123: key used for s3 on 2026-11-01, no password, no device.
#  - match: {account: "111111111111", name: "123"}
#    owner: "Admin/ada"
#    reason: reason for the exemption
#    expires: 2027-05-02

# Emergency users: exempt, and expected to have a console password. Keep two, with sealed credentials.
#break_glass:
#  # 111111111111/Break-Glass-1: its name says so.
#  - match: {account: "111111111111", name: "Break-Glass-1"}
#    owner: "Admin/ada"
#    reason: reason for the exemption

# A roll-out in waves. The first wave that matches a user decides; a user in no wave starts with the last.
#waves:
#  - name: pilot
#    match: {ou: "ou-ab12-11111111"} # Platform???x
#    from: 2026-11-09
#  - name: everybody
#    from: 2026-11-30
`
	if diff := cmp.Diff(want, string(d.Text())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// suggestion is the mark before a line that is a suggestion.
var suggestion = regexp.MustCompile(`(?m)^#(\s*(- )?[a-z_]+:)`)

// Whoever is in an organization: the draft is a config file that says what
// holds without one, and with every suggestion it exempts all candidates.
func TestADraftIsAConfigFileWithAndWithoutItsSuggestions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		used := today.AddDate(0, 0, -3)
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9_+=,.@-]{1,12}`), 0, 8, strings.ToLower).Draw(rt, "names")
		a := &org.Account{ID: "111111111111", Read: true}
		for _, name := range names {
			u := org.User{Name: name, Path: "/", ARN: "arn:aws:iam::111111111111:user/" + name, Password: org.No, MFA: org.No}
			if rapid.Bool().Draw(rt, "workload") {
				u.Keys = []org.AccessKey{{Active: true, Used: &used, UsedService: "s3"}}
			}
			if rapid.Bool().Draw(rt, "service") {
				u.Tags = []org.Tag{{Key: "userType", Value: "Service"}}
			}
			a.Users = append(a.Users, u)
		}
		h := &org.Header{}
		if rapid.Bool().Draw(rt, "units") {
			h.Units = []org.Unit{{ID: "r-ab12"}, {ID: "ou-ab12-11111111", Parent: "r-ab12", Name: rapid.String().Draw(rt, "unit")}}
		}
		d := baseline.NewDraft(h, today)
		d.Add(a)
		b, err := baseline.Parse("draft", d.Text())
		if err != nil {
			rt.Fatalf("%v in\n%s", err, d.Text())
		}
		followed := suggestion.ReplaceAllString(string(d.Text()), "$1")
		all, err := baseline.Parse("followed", []byte(followed))
		if err != nil {
			rt.Fatalf("%v in\n%s", err, followed)
		}
		if len(all.Waves) != 2 {
			rt.Errorf("waves %v", all.Waves)
		}
		for i := range a.Users {
			u := &a.Users[i]
			at := baseline.PlaceOf(h, a)
			without, now := baseline.Default().Exempt(at, u, today) != nil, b.Exempt(at, u, today) != nil
			if without != now {
				rt.Errorf("%s: exempt without a file %v, with the draft %v", u.Name, without, now)
			}
			if candidate := strings.Contains(string(d.Text()), "/"+u.Name+":"); candidate && all.Exempt(at, u, today) == nil {
				rt.Errorf("%s is a candidate, and not exempt with the suggestions", u.Name)
			}
		}
	})
}

func TestWavesDecideWhoWaits(t *testing.T) {
	b, err := baseline.Parse("c.yaml", []byte(`
version: 1
waves:
  - {name: pilot, match: {ou: Platform}, from: 2026-11-02}
  - {name: workloads, match: {tag: "team=workloads"}, from: 2026-11-10}
  - {name: some, percent: 30, from: 2026-11-20}
  - {name: prod, match: {account: "222222222222"}, from: 2026-12-01}
`))
	if err != nil {
		t.Fatal(err)
	}
	u := serviceUser("x")
	u.ARN = "arn:aws:iam::111111111111:user/user-2"
	tagged := *u
	tagged.Tags = []org.Tag{{Key: "Team", Value: "Workloads"}}
	lucky := *u
	lucky.ARN = "arn:aws:iam::111111111111:user/user-7"
	platform := baseline.Place{Account: "111111111111", Units: []string{"ou-ab12-11111111", "Platform"}}
	other, prod := baseline.Place{Account: "111111111111"}, baseline.Place{Account: "222222222222"}
	for _, row := range []struct {
		name string
		at   baseline.Place
		u    *org.User
		want string
	}{
		{"its day is today", platform, u, ""},
		{"by tag", other, &tagged, "workloads"},
		{"the first that matches decides", platform, &tagged, ""},
		{"by account", prod, u, "prod"},
		{"in none: with the last", other, u, "users in no wave, with prod"},
		{"in the share", other, &lucky, "some"},
	} {
		got := ""
		if w := b.Scheduled(row.at, row.u, today); w != nil {
			got = w.Name
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	if w := b.Scheduled(other, u, today.AddDate(0, 2, 0)); w != nil {
		t.Errorf("after all days: %v", w)
	}
	if w := baseline.Default().Scheduled(other, u, today); w != nil {
		t.Errorf("without waves: %v", w)
	}
}

func TestAShareIsStableAndHoldsTheSmallerOnes(t *testing.T) {
	at, in := baseline.Place{}, map[int]int{}
	for n := range 2000 {
		u := &org.User{ARN: "arn:aws:iam::111111111111:user/" + strings.Repeat("x", n%7) + string(rune('a'+n%26)) + time.Duration(n).String()}
		before := false
		for _, percent := range []int{1, 10, 50, 100} {
			w := &baseline.Wave{Percent: percent}
			now := w.Holds(at, u)
			if before && !now {
				t.Fatalf("%s is in a smaller share and not in %d %%", u.ARN, percent)
			}
			if before = now; now {
				in[percent]++
			}
		}
	}
	for percent, n := range in {
		if off := n - 20*percent; off < -150 || off > 150 {
			t.Errorf("%d %% holds %d of 2000", percent, n)
		}
	}
}
