package baseline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

func TestMatch(t *testing.T) {
	u := &org.User{
		Name: "ci-deploy", Path: "/workloads/ci/", ARN: "arn:aws:iam::111111111111:user/workloads/ci/ci-deploy",
		Tags: []org.Tag{{Key: "team", Value: "platform"}, {Key: "UserType", Value: "SERVICE"}, {Key: "empty"}},
	}
	for _, row := range []struct {
		match baseline.Match
		want  bool
	}{
		{baseline.Match{Tag: "userType=Service"}, true},
		{baseline.Match{Tag: "usertype=*"}, true},
		{baseline.Match{Tag: "user*=serv?ce"}, true},
		{baseline.Match{Tag: "empty="}, true},
		{baseline.Match{Tag: "team=service"}, false},
		{baseline.Match{Tag: "userType=Servic"}, false},
		{baseline.Match{Tag: "userTyp=Service"}, false},
		{baseline.Match{Name: "ci-deploy"}, true},
		{baseline.Match{Name: "ci-*"}, true},
		{baseline.Match{Name: "*-dep*oy"}, true},
		{baseline.Match{Name: "CI-deploy"}, false},
		{baseline.Match{Name: "ci"}, false},
		{baseline.Match{Name: "ci-deploy?"}, false},
		{baseline.Match{Path: "/workloads/*"}, true},
		{baseline.Match{Path: "/workloads/"}, false},
		{baseline.Match{ARN: "arn:aws:iam::111111111111:user/workloads/ci/ci-deploy"}, true},
		{baseline.Match{ARN: "arn:*:iam::*:user/workloads/*"}, true},
		{baseline.Match{Account: "111111111111"}, true},
		{baseline.Match{Account: "1111*"}, true},
		{baseline.Match{Account: "222222222222"}, false},
		{baseline.Match{Name: "ci-*", Account: "111111111111", Tag: "team=platform"}, true},
		{baseline.Match{Name: "ci-*", Account: "222222222222"}, false},
		{baseline.Match{Name: "x*", Account: "111111111111"}, false},
		{baseline.Match{Name: "regex:ci-(deploy|build)"}, true},
		{baseline.Match{Name: "regex:deploy"}, false},
		{baseline.Match{Name: "regex:ci|x"}, false},
		{baseline.Match{Name: "regex:("}, false},
		{baseline.Match{Path: "regex:/workloads/[a-z]+/"}, true},
		{baseline.Match{ARN: "regex:arn:aws:iam::1{12}:user/.*"}, true},
		{baseline.Match{Account: "regex:1+"}, true},
		{baseline.Match{Account: "regex:1"}, false},
		{baseline.Match{Tag: "userType=regex:serv(ice|ant)"}, true},
		{baseline.Match{Tag: "userType=regex:serv"}, false},
		{baseline.Match{OU: "ou-ab12-11111111"}, true},
		{baseline.Match{OU: "Workloads"}, true},
		{baseline.Match{OU: "r-ab12"}, true},
		{baseline.Match{OU: "regex:ou-.*"}, true},
		{baseline.Match{OU: "ou-ab12-22222222"}, false},
		{baseline.Match{OU: "Workloads", Name: "x*"}, false},
	} {
		if got := row.match.Matches(baseline.Place{Account: "111111111111", Units: []string{"ou-ab12-11111111", "Workloads", "r-ab12", "Root"}}, u); got != row.want {
			t.Errorf("%v: %v, want %v", row.match, got, row.want)
		}
	}
}

func TestExemptionHoldsThroughItsLastDay(t *testing.T) {
	e := baseline.Exemption{Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
	for at, want := range map[string]bool{
		"2027-01-30T12:00:00Z":      false,
		"2027-01-31T23:59:59Z":      false,
		"2027-02-01T00:00:00Z":      true,
		"2027-02-01T00:30:00+02:00": false,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Expired(now); got != want {
			t.Errorf("at %s expired: %v, want %v", at, got, want)
		}
	}
	if (&baseline.Exemption{}).Expired(time.Now()) {
		t.Error("one without a date expires")
	}
}

func TestFirstUnexpiredExemptionHolds(t *testing.T) {
	b, err := baseline.Parse("c.yaml", []byte(`
version: 1
exemptions:
  - {match: {name: "ci-*"}, owner: a, reason: old, expires: 2026-01-01}
  - {match: {path: "/workloads/*"}, owner: b, reason: by path}
  - {match: {name: ci-deploy}, owner: c, reason: by name, expires: 2030-01-01}
break_glass:
  - {match: {name: glass}, owner: d, reason: envelope}
`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		user   org.User
		exempt string
		lapsed []string
	}{
		{org.User{Name: "ci-deploy", Path: "/"}, "exemption name ci-deploy, owner c: by name, until 2030-01-01",
			[]string{"exemption name ci-*, owner a: old, until 2026-01-01"}},
		{org.User{Name: "ci-deploy", Path: "/workloads/"}, "exemption path /workloads/*, owner b: by path",
			[]string{"exemption name ci-*, owner a: old, until 2026-01-01"}},
		{org.User{Name: "ci-test", Path: "/"}, "<nil>", []string{"exemption name ci-*, owner a: old, until 2026-01-01"}},
		{org.User{Name: "glass", Path: "/"}, "break-glass name glass, owner d: envelope", nil},
		{org.User{Name: "bob", Path: "/"}, "<nil>", nil},
	} {
		if got := fmt.Sprint(b.Exempt(baseline.Place{Account: "111111111111"}, &row.user, now)); got != row.exempt {
			t.Errorf("%s%s: %s, want %s", row.user.Path, row.user.Name, got, row.exempt)
		}
		var lapsed []string
		for _, e := range b.Lapsed(baseline.Place{Account: "111111111111"}, &row.user, now) {
			lapsed = append(lapsed, e.String())
		}
		if diff := cmp.Diff(row.lapsed, lapsed); diff != "" {
			t.Errorf("%s%s, lapsed (-want +got):\n%s", row.user.Path, row.user.Name, diff)
		}
	}
}

// The guard SCP names the key of an exempting tag. A key with a letter that only
// Unicode folds to the same is another key, which the guard need not refuse.
func TestOnlyASCIILettersOfATagKeyAreFolded(t *testing.T) {
	m := baseline.Match{Tag: "mfa-skip=true"}
	for key, want := range map[string]bool{"mfa-skip": true, "MFA-Skip": true, "mfa-s\u212aip": false, "mfa-sk\u0130p": false, "mfa-\u017fkip": false} {
		if got := m.MatchesTag([]org.Tag{{Key: key, Value: "true"}}); got != want {
			t.Errorf("%q exempts: %v", key, got)
		}
	}
}

func TestDefaultExemptsServiceUsersByTag(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]bool{"Service": true, "service": true, "Human": false, "": false} {
		u := &org.User{Name: "x", Tags: []org.Tag{{Key: "usertype", Value: value}}}
		if got := baseline.Default().Exempt(baseline.Place{Account: "111111111111"}, u, now) != nil; got != want {
			t.Errorf("userType %q is exempt: %v, want %v", value, got, want)
		}
	}
}

func TestWindowIsOpenThroughItsDay(t *testing.T) {
	w := baseline.Default().Window
	now := time.Date(2026, 5, 1, 23, 0, 0, 0, time.UTC)
	value := w.Value(now)
	if value != "2026-05-03" {
		t.Fatalf("the value is %q", value)
	}
	day := func(d, h int) time.Time { return time.Date(2026, 5, d, h, 0, 0, 0, time.UTC) }
	for _, row := range []struct {
		tag  org.Tag
		at   time.Time
		want string
	}{
		{org.Tag{Key: "forcemfa-enrollment", Value: value}, day(3, 23), "open"},
		{org.Tag{Key: "ForceMFA-Enrollment", Value: value}, day(4, 0), "expired"},
		{org.Tag{Key: "forcemfa-enrollment", Value: "2026-05-03T10:00:00+02:00"}, day(3, 7), "open"},
		{org.Tag{Key: "forcemfa-enrollment", Value: "2026-05-03T10:00:00+02:00"}, day(3, 8), "expired"},
		{org.Tag{Key: "forcemfa-enrollment", Value: "next week"}, day(1, 0), "expired"},
		{org.Tag{Key: "forcemfa", Value: value}, day(1, 0), "none"},
	} {
		got := "none"
		if open, ok := w.Of([]org.Tag{{Key: "team", Value: value}, row.tag}); ok && open.Expired(row.at) {
			got = "expired"
		} else if ok {
			got = "open"
		}
		if got != row.want {
			t.Errorf("%v at %v: %s, want %s", row.tag, row.at, got, row.want)
		}
	}
}

func TestAcknowledged(t *testing.T) {
	var list []baseline.Acknowledgement
	for _, s := range []string{"lockout:222222222222/Fiona", "lockout:lena", "trust:Admin"} {
		a, err := baseline.ParseAcknowledgement(s)
		if err != nil {
			t.Fatal(err)
		}
		if a.String() != s {
			t.Errorf("%q prints as %q", s, a)
		}
		list = append(list, a)
	}
	b := &baseline.Baseline{Acknowledge: list}
	for _, row := range []struct {
		guard, account, name string
		want                 bool
	}{
		{baseline.GuardLockout, "222222222222", "fiona", true},
		{baseline.GuardLockout, "111111111111", "fiona", false},
		{baseline.GuardLockout, "111111111111", "lena", true},
		{baseline.GuardTrust, "222222222222", "fiona", false},
		{baseline.GuardTrust, "333333333333", "Admin", true},
		{baseline.GuardLockout, "333333333333", "Admin", false},
	} {
		if got := b.Acknowledged(row.guard, row.account, row.name); got != row.want {
			t.Errorf("%s %s/%s: %v, want %v", row.guard, row.account, row.name, got, row.want)
		}
	}
}

func TestExemptionsOfEverybodyAreRefused(t *testing.T) {
	for match, refused := range map[string]bool{
		`{path: "/"}`: true, `{path: "regex:/|/bots/"}`: true, `{path: "/", account: "111111111111"}`: false, `{path: "/", name: "ci-*"}`: false,
		`{path: "/*"}`: true, `{path: "*/"}`: true, `{path: "*"}`: true, `{path: "regex:/.*"}`: true, `{path: "regex:.*/"}`: true,
		`{name: "?*"}`: true, `{name: "*?"}`: true, `{name: "??*"}`: true, `{name: "regex:.+"}`: true, `{name: "regex:[^/]{3,}"}`: true, `{name: "regex:(?i)[a-z0-9_+=,.@-]*"}`: true,
		`{arn: "arn:*"}`: true, `{arn: "*:user/*"}`: true, `{arn: "arn:aws:iam::*:user/*"}`: true, `{arn: "arn:aws-us-gov:*"}`: true, `{arn: "arn:*:iam::????????????:user/*"}`: true, `{arn: "regex:arn:.*"}`: true,
		`{arn: "arn:aws:iam::*:user/?*"}`: true, `{tag: "*=*"}`: true, `{tag: "?*=*"}`: true, `{tag: "*=regex:.*"}`: true,
		`{account: "????????????"}`: true, `{account: "regex:[0-9]{12}"}`: true, `{ou: "?*"}`: true, `{ou: "regex:.+"}`: true, `{path: "/*", name: "?*"}`: true, `{path: "/*", account: "*", tag: "*=*"}`: true,
		`{name: "regex:[a-zA-Z].*"}`: true, `{name: "regex:[a-z].+"}`: true, `{name: "regex:[A-Za-z]{2,}"}`: true, `{name: "regex:[A-Za-z]\\w*"}`: true,
		`{ou: Root}`: true, `{ou: "r-ab12"}`: true, `{ou: "r-acme"}`: true, `{ou: "r-*"}`: true, `{ou: "regex:r-.+"}`: true, `{ou: "R*"}`: true, `{path: "/*", ou: Root}`: true,

		`{name: "regex:[a-z]+-[0-9]+"}`: false, `{name: "regex:[a-z]+\\.bot"}`: false, `{ou: "Roots"}`: false, `{ou: Root, name: "ci-*"}`: false, `{ou: Root, tag: "userType=Service"}`: false,
		`{path: "/workloads/*"}`: false, `{path: "/r*/"}`: false, `{name: "a*"}`: false, `{name: "*-ci"}`: false, `{name: "regex:ci-.+"}`: false, `{arn: "arn:aws:iam::*:user/workloads/*"}`: false,
		`{arn: "arn:aws:iam::111111111111:user/*"}`: false, `{arn: "*ci*"}`: false, `{account: "1*"}`: false, `{tag: "userType=*"}`: false, `{tag: "*=Service"}`: false, `{path: "/*", account: "111111111111"}`: false,
		`{ou: "ou-*"}`: false, `{name: "?*", tag: "a=b"}`: false,
	} {
		_, err := baseline.Parse("c.yaml", []byte("version: 1\nexemptions:\n  - {match: "+match+", owner: a, reason: b}\n"))
		if got := err != nil && strings.Contains(err.Error(), "c.yaml:3:") && strings.Contains(err.Error(), "match would exempt everybody"); got != refused {
			t.Errorf("%s: %v, want refused: %v", match, err, refused)
		}
		_, err = baseline.Parse("c.yaml", []byte("version: 1\nbreak_glass:\n  - {match: "+match+", owner: a, reason: b}\n"))
		if refused && err == nil {
			t.Errorf("break_glass %s is accepted", match)
		}
	}
	for match, want := range map[string]bool{`{arn: "arn:*", account: "111111111111"}`: true, `{name: "?*", account: "111111111111"}`: true, `{name: "glass-*"}`: false} {
		_, err := baseline.Parse("c.yaml", []byte("version: 1\nbreak_glass:\n  - {match: "+match+", owner: a, reason: b}\n"))
		if got := err != nil && strings.Contains(err.Error(), "break_glass[0]: match must contain name or arn"); got != want {
			t.Errorf("break_glass %s: %v", match, err)
		}
	}
}
