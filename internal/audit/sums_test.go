package audit_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

func TestCountsAndTotalsAreSums(t *testing.T) {
	counts := audit.Counts{Users: 10, Enforced: 1, Exempt: 2, Open: 3, Unknown: 4, NewerThanReport: 5}
	var all audit.Totals
	all.Add(&audit.Audited{Summary: audit.Account{Read: true, Counts: counts}, Findings: []audit.Finding{{Rule: "user-unknown", Severity: audit.High}, {Rule: "user-open", Severity: audit.High}}})
	all.Add(&audit.Audited{Summary: audit.Account{Skipped: "suspended", Counts: counts}})
	all.Add(&audit.Audited{Summary: audit.Account{Counts: counts}, Findings: []audit.Finding{{Rule: "account-unreadable", Severity: audit.Low}}})
	want := audit.Totals{Counts: audit.Counts{Users: 30, Enforced: 3, Exempt: 6, Open: 9, Unknown: 12, NewerThanReport: 15}, AccountsRead: 1, AccountsSkipped: 1, AccountsUnread: 1,
		Findings: map[audit.Severity]int{audit.High: 2, audit.Low: 1}, Undecided: map[audit.Severity]int{audit.High: 1, audit.Low: 1}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPolicyWhoseVersionWasNotReadIsDrift(t *testing.T) {
	a := quiet(t)
	a.Policies[0].Versions = nil
	got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
	only(t, found(got, "policy-drift"), "high: the default version of "+baseline.PolicyARN("aws", account)+" could not be read")
}

// Devices matter to users that have to use them: not to workloads that are exempt,
// nor to users without the credential.
func TestFindingsAboutDevicesAreForThoseWhoNeedThem(t *testing.T) {
	exempt := func(u *org.User) { u.Tags = []org.Tag{{Key: "userType", Value: "Service"}} }
	for _, row := range []struct {
		name           string
		change         func(*org.User)
		none, codeless int
	}{
		{"a key without a device", func(u *org.User) { u.Password, u.MFA, u.Devices = org.No, org.No, nil }, 1, 0},
		{"an exempt key without a device", func(u *org.User) { u.Password, u.MFA, u.Devices = org.No, org.No, nil; exempt(u) }, 0, 0},
		{"a security key and an access key", func(u *org.User) { u.Devices[0].Kind = org.FIDO }, 0, 1},
		{"a security key and no access key", func(u *org.User) { u.Devices[0].Kind, u.Keys = org.FIDO, nil }, 0, 0},
		{"a security key and an exempt access key", func(u *org.User) { u.Devices[0].Kind, u.Password = org.FIDO, org.No; exempt(u) }, 0, 0},
		{"a virtual device and an access key", func(*org.User) {}, 0, 0},
	} {
		a := quiet(t)
		row.change(&a.Users[0])
		got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
		if n, c := len(found(got, "no-device")), len(found(got, "cli-lockout")); n != row.none || c != row.codeless {
			t.Errorf("%s: %d no-device, %d cli-lockout; want %d and %d", row.name, n, c, row.none, row.codeless)
		}
	}
}

// A tag that exempts only together with a name is no way to exempt oneself, and
// break-glass users may set one.
func TestTagsThatExemptAlone(t *testing.T) {
	for _, row := range []struct {
		name, config string
		want         int
	}{
		{"a tag", "exemptions: [{match: {tag: workload=yes}, owner: a, reason: r}]", 1},
		{"a tag and a name", "exemptions: [{match: {tag: workload=yes, name: ci}, owner: a, reason: r}]", 0},
		{"a tag in two exemptions", "exemptions: [{match: {tag: workload=yes}, owner: a, reason: r}, {match: {tag: Workload=yes}, owner: b, reason: s}]", 1},
		{"set by a break-glass user", "exemptions: [{match: {tag: workload=yes}, owner: a, reason: r}]\nbreak_glass: [{match: {name: bob}, owner: a, reason: r}]", 0},
		{"set by an exempt user", "exemptions: [{match: {tag: workload=yes}, owner: a, reason: r}, {match: {name: bob}, owner: a, reason: r}]", 1},
	} {
		a := quiet(t)
		a.Groups[1].Inline[0].Document = allow("*")
		a.Users[0].Groups = []string{"people"}
		got, _ := run(t, &org.Header{Partition: "aws"}, configOf(t, row.config), a)
		if list := found(got, "exemption-tag-settable"); len(list) != row.want {
			t.Errorf("%s: %q", row.name, list)
		}
	}
}

// A tag is set on users: a permission on the session of the role itself sets none.
func TestARoleThatMayTagItsSessionExemptsNobody(t *testing.T) {
	a := quiet(t)
	a.Groups[1].Inline[0].Document = allow("s3:*")
	a.Roles = []org.Role{{Name: "R", Path: "/", ARN: "arn:aws:iam::" + account + ":role/R",
		Trust:  `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`,
		Inline: []org.InlinePolicy{{Name: "own", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:TagUser","Resource":["arn:aws:sts::*:assumed-role/*","arn:aws:iam::*:role/*"]}}`}}}}
	got, _ := run(t, &org.Header{Partition: "aws"}, configOf(t, "exemptions: [{match: {tag: workload=yes}, owner: a, reason: r}]"), a)
	if list := found(got, "exemption-tag-settable"); len(list) != 0 {
		t.Errorf("%q", list)
	}
}

// Several sinks get each item of the stream.
func TestSinksGetEveryItem(t *testing.T) {
	var a, b recording
	both := audit.Sinks{&a, &b}
	both.User(audit.User{Name: "bob"})
	both.Finding(audit.Finding{Rule: "open"})
	both.Gap(org.Gap{What: "roles"})
	both.Account(audit.Account{})
	for _, r := range []recording{a, b} {
		if len(r.users) != 1 || len(r.findings) != 1 || len(r.gaps) != 1 || len(r.accounts) != 1 {
			t.Errorf("%+v", r)
		}
	}
}

// AWS's own policies are not those of the account, so nobody corrects them.
func TestPoliciesOfAWSOnRolesAreNoFindings(t *testing.T) {
	const deny = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}`
	for arn, want := range map[string]int{"arn:aws:iam::aws:policy/Odd": 0, "arn:aws:iam::" + account + ":policy/Odd": 1} {
		a := quiet(t)
		a.Policies = append(a.Policies, org.Policy{ARN: arn, Name: "Odd", Path: "/", Default: "v1", Versions: []org.Version{{ID: "v1", Document: deny}}})
		a.Roles = []org.Role{{Name: "R", Path: "/", ARN: "arn:aws:iam::" + account + ":role/R", Attached: []string{arn},
			Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`}}
		got, _ := run(t, &org.Header{Partition: "aws"}, baseline.Default(), a)
		if list := found(got, "role-policy-mfa"); len(list) != want {
			t.Errorf("%s: %q", arn, list)
		}
	}
}

// The enforcement that a user can disable includes what is attached to the user.
func TestReachIncludesPoliciesOfTheUserItself(t *testing.T) {
	a := quiet(t)
	a.Groups[1].Inline[0].Document = allow("*")
	u := &a.Users[0]
	u.Groups, u.Attached = []string{"people"}, []string{baseline.PolicyARN("aws", account), "arn:aws:iam::aws:policy/ReadOnlyAccess"}
	u.Inline = []org.InlinePolicy{{Name: baseline.InlinePolicyName, Document: wanted(t).Document("aws")}, {Name: "own", Document: allow("s3:*")}}
	var actions []string
	for _, s := range audit.New(new(org.Header), wanted(t), now).Reach(a, u).Switches {
		actions = append(actions, s.Action)
	}
	for _, want := range []string{"iam:DetachUserPolicy", "iam:DeleteUserPolicy", "iam:PutUserPolicy"} {
		if !slices.Contains(actions, want) {
			t.Errorf("%v lack %s", actions, want)
		}
	}
}

// The inline policy of forcemfa counts by its name, among others, also while it does not enforce; one of another name
// counts only where a proof rests on it.
func TestReachIncludesTheInlinePolicyOfForcemfa(t *testing.T) {
	for _, row := range []struct {
		names []string
		want  bool
	}{
		{[]string{baseline.InlinePolicyName}, true},
		{[]string{baseline.InlinePolicyName, "own"}, true},
		{[]string{"own", baseline.InlinePolicyName}, true},
		{[]string{"own"}, false},
		{nil, false},
	} {
		a := quiet(t)
		a.Groups[1].Inline[0].Document = allow("*")
		u := &a.Users[0]
		u.Groups, u.Attached, u.Inline = []string{"people"}, nil, nil
		for _, name := range row.names {
			u.Inline = append(u.Inline, org.InlinePolicy{Name: name, Document: allow("s3:*")})
		}
		got := false
		for _, s := range audit.New(new(org.Header), wanted(t), now).Reach(a, u).Switches {
			got = got || s.Action == "iam:DeleteUserPolicy"
		}
		if got != row.want {
			t.Errorf("%q: iam:DeleteUserPolicy %v, want %v", row.names, got, row.want)
		}
	}
}

// A tag that exempts users is one that a user can set on itself.
func TestReachIncludesTheTagsOfExemptions(t *testing.T) {
	a := quiet(t)
	a.Groups[1].Inline[0].Document = allow("*")
	a.Users[0].Groups = []string{"people"}
	b := wanted(t)
	b.Exemptions = append(b.Exemptions, baseline.Exemption{Match: baseline.Match{Tag: "kind=workload"}, Owner: "ops", Reason: "test"})
	b.Window.Tag = "enroll-until"
	tags := map[string]bool{}
	for _, s := range audit.New(new(org.Header), b, now).Reach(a, &a.Users[0]).Switches {
		if s.Action == "iam:TagUser" {
			tags[s.What] = true
		}
	}
	if !tags["set the tag kind"] || !tags["set the tag enroll-until"] {
		t.Errorf("%v", tags)
	}
}

// An example on a bucket names one that some policy of the account names.
func TestAnExampleNamesABucketOfTheAccount(t *testing.T) {
	a := quiet(t)
	a.Users[0].Groups = []string{"people"}
	a.Users = append(a.Users, org.User{Name: "zoe", Path: "/", ARN: "arn:aws:iam::" + account + ":user/zoe", Password: org.No, MFA: org.No,
		Inline: []org.InlinePolicy{{Name: "wages", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::wages/*"}]}`}}})
	got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
	if e := got.users[0].Example; e == nil || e.Resource != "arn:aws:s3:::wages/example" {
		t.Errorf("%v", e)
	}
}

// The example is made with a credential that the user has.
func TestTheExampleIsMadeWithACredentialOfTheUser(t *testing.T) {
	for _, row := range []struct {
		change func(*org.User)
		want   policy.Credential
	}{
		{func(u *org.User) { u.Keys = nil }, policy.ConsolePassword},
		{func(u *org.User) { u.Password = org.No }, policy.LongTermKey},
	} {
		a := quiet(t)
		a.Users[0].Groups = []string{"people"}
		row.change(&a.Users[0])
		got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
		if e := got.users[0].Example; e == nil || e.Credential != row.want {
			t.Errorf("%v, want one by %v", e, row.want)
		}
	}
}
