package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

const (
	account = "111111111111"
	bobARN  = "arn:aws:iam::" + account + ":user/bob"
	object  = "arn:aws:s3:::example-bucket/example"
	admin   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	withMFA = `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const config = `
version: 1
exemptions:
  - {match: {tag: "userType=Service"}, owner: a, reason: workloads}
  - {match: {name: temp}, owner: b, reason: for a while, expires: 2026-04-01}
break_glass:
  - {match: {name: glass}, owner: c, reason: envelope}
`

func wanted(t *testing.T) *baseline.Baseline {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// quiet is an account without findings: bob and an administrator are enforced
// through the group and have devices.
func quiet(t *testing.T) *org.Account {
	t.Helper()
	ours := baseline.PolicyARN("aws", account)
	member := func(name string, groups ...string) org.User {
		return org.User{
			Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":user/" + name, Groups: append(groups, baseline.GroupName),
			Password: org.Yes, MFA: org.Yes, Keys: []org.AccessKey{{Slot: 1, Active: true}},
			Devices: []org.Device{{Serial: "arn:aws:iam::" + account + ":mfa/" + name, Kind: org.VirtualMFA}},
		}
	}
	a := &org.Account{
		ID: account, Name: "test", Alias: "acme-test", Partition: "aws", State: "ACTIVE", Read: true, Report: now.Add(-time.Hour),
		Root:  org.Root{MFA: org.Yes, HardwareMFA: org.Yes, AccessKeys: org.No, Password: org.Yes},
		Users: []org.User{member("bob")},
		Groups: []org.Group{
			{Name: "ForceMFA", Path: "/forcemfa/", ARN: baseline.GroupARN("aws", account), Attached: []string{ours}},
			{Name: "people", Path: "/", ARN: "arn:aws:iam::" + account + ":group/people", Inline: []org.InlinePolicy{{Name: "some", Document: allow("s3:*")}}},
		},
		Policies: []org.Policy{policyOf(ours, "ForceMFA", "/forcemfa/", wanted(t).Document("aws"))},
	}
	return a
}

// runAll audits accounts into a sink as survey does: the header's unread parts first.
func runAll(ctx context.Context, header *org.Header, accounts org.Accounts, b *baseline.Baseline, at time.Time, sink audit.Sink) (audit.Counts, error) {
	var total audit.Counts
	for _, g := range header.Gaps {
		sink.Gap(g)
	}
	for audited, err := range audit.New(header, b, at).Accounts(ctx, accounts) {
		if err != nil {
			return total, fmt.Errorf("audit accounts: %w", err)
		}
		audited.Send(sink)
		total.Add(audited.Summary.Counts)
	}
	return total, nil
}

func allow(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
}

func policyOf(arn, name, path, document string) org.Policy {
	return org.Policy{ARN: arn, Name: name, Path: path, Default: "v1", Versions: []org.Version{{ID: "v1", Document: document}}}
}

func role(path, name, principal, condition string) org.Role {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return org.Role{Name: name, Path: path, ARN: "arn:aws:iam::" + account + ":role" + path + name,
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}]}`}
}

// A recording is a Sink that keeps the stream.
type recording struct {
	users    []audit.User
	findings []audit.Finding
	gaps     []org.Gap
	accounts []audit.Account
	order    []string
}

func (r *recording) User(u audit.User) {
	r.users = append(r.users, u)
	r.order = append(r.order, "user "+u.Account+"/"+u.Name)
}

func (r *recording) Finding(f audit.Finding) {
	r.findings = append(r.findings, f)
	r.order = append(r.order, "finding "+f.ID)
}

func (r *recording) Gap(g org.Gap) {
	r.gaps = append(r.gaps, g)
	r.order = append(r.order, "gap "+g.Account+" "+g.What)
}

func (r *recording) Account(a audit.Account) {
	r.accounts = append(r.accounts, a)
	r.order = append(r.order, "account "+a.ID)
}

func stream(accounts ...*org.Account) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for _, a := range accounts {
			if !yield(a, nil) {
				return
			}
		}
	}
}

func run(t *testing.T, h *org.Header, b *baseline.Baseline, accounts ...*org.Account) (*recording, audit.Counts) {
	t.Helper()
	r := new(recording)
	for _, a := range accounts {
		a.Sort()
	}
	counts, err := runAll(context.Background(), h, stream(accounts...), b, now, r)
	if err != nil {
		t.Fatal(err)
	}
	return r, counts
}

// finding is a finding with the remedy and references of its rule.
func finding(severity audit.Severity, rule, subject, arn, what string) audit.Finding {
	i := slices.IndexFunc(audit.Rules, func(r audit.Rule) bool { return r.Name == rule })
	return audit.Finding{
		ID: rule + "/" + account + "/" + subject, Rule: rule, Severity: severity, Account: account, AccountName: "test",
		Subject: subject, ARN: arn, What: what, Remedy: audit.Rules[i].Remedy, Refs: audit.Rules[i].Refs,
	}
}

func seen(f audit.Finding, w *prove.Counterexample) audit.Finding {
	f.Example = w
	return f
}

func TestFindings(t *testing.T) {
	const root = "arn:aws:iam::" + account + ":root"
	byKey := &prove.Counterexample{Action: "s3:GetObject", Resource: object, Credential: policy.LongTermKey,
		AllowedBy: "inline policy some of group people, statement 1"}
	byPassword := &prove.Counterexample{Action: "s3:GetObject", Resource: object, Credential: policy.ConsolePassword, AllowedBy: byKey.AllowedBy}
	latent := &prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: bobARN, Credential: policy.LongTermKey}
	bob := func(a *org.Account) *org.User { return &a.Users[0] }
	accountPrincipal := `{"AWS":"` + account + `"}`
	for _, row := range []struct {
		name   string
		change func(*org.Account)
		want   []audit.Finding
	}{
		{"nothing", func(*org.Account) {}, nil},
		{"open with credentials", func(a *org.Account) { bob(a).Groups = []string{"people"} }, []audit.Finding{
			seen(finding(audit.Critical, "user-open", "user/bob", bobARN, "allowed: "+byKey.String()), byKey),
		}},
		{"open without credentials", func(a *org.Account) {
			bob(a).Groups, bob(a).Password, bob(a).Keys = []string{"people"}, org.No, nil
		}, []audit.Finding{
			seen(finding(audit.High, "user-open", "user/bob", bobARN, "allowed: "+byKey.String()), byKey),
		}},
		{"open with a password alone", func(a *org.Account) { bob(a).Groups, bob(a).Keys = []string{"people"}, nil }, []audit.Finding{
			seen(finding(audit.Critical, "user-open", "user/bob", bobARN, "allowed: "+byPassword.String()), byPassword),
		}},
		{"devices not read", func(a *org.Account) { bob(a).MFA, bob(a).Devices = org.Unknown, nil }, nil},
		{"open but not exploitable, in no group", func(a *org.Account) { bob(a).Groups = nil }, []audit.Finding{
			finding(audit.Low, "no-group", "user/bob", bobARN, "bob is in no group"),
			seen(finding(audit.Medium, "user-open", "user/bob", bobARN, "not denied, although nothing allows it today: "+latent.String()), latent),
		}},
		{"an unread policy", func(a *org.Account) {
			bob(a).Groups = []string{"people"}
			bob(a).Boundary = "arn:aws:iam::" + account + ":policy/gone"
		}, []audit.Finding{
			finding(audit.High, "user-unknown", "user/bob", bobARN, "could not decide whether MFA is enforced for bob: permissions boundary arn:aws:iam::111111111111:policy/gone: "+
				"could not be read: the document of policy arn:aws:iam::111111111111:policy/gone was not read (iam:AttachUserPolicy by access key)"),
		}},
		{"no device, console", func(a *org.Account) { bob(a).MFA, bob(a).Devices = org.No, nil }, []audit.Finding{
			finding(audit.Medium, "no-device", "user/bob", bobARN, "bob has a console password but no MFA device"),
		}},
		{"no device, key", func(a *org.Account) { bob(a).MFA, bob(a).Devices, bob(a).Password = org.No, nil, org.No }, []audit.Finding{
			finding(audit.Low, "cannot-enroll", "user/bob", bobARN, "bob cannot enroll an MFA device today: policy "+baseline.PolicyARN("aws", account)+
				" of group ForceMFA, statement 6 denies iam:CreateVirtualMFADevice"),
			finding(audit.Low, "no-device", "user/bob", bobARN, "bob has an active access key but no MFA device"),
		}},
		{"security key and access key", func(a *org.Account) { bob(a).Devices[0].Kind = org.FIDO }, []audit.Finding{
			finding(audit.Medium, "cli-lockout", "user/bob", bobARN, "bob has an active access key, but only MFA devices that do not generate codes"),
		}},
		{"exempt with a console password", func(a *org.Account) {
			bob(a).Tags = []org.Tag{{Key: "usertype", Value: "service"}}
		}, []audit.Finding{
			finding(audit.High, "exempt-interactive", "user/bob", bobARN,
				"bob is exempt and has a console password: exemption tag userType=Service, owner a: workloads"),
		}},
		{"break-glass with a console password", func(a *org.Account) { bob(a).Name, bob(a).Groups = "glass", nil }, nil},
		{"expired exemption", func(a *org.Account) {
			bob(a).Name, bob(a).ARN = "temp", "arn:aws:iam::"+account+":user/temp"
		}, []audit.Finding{
			finding(audit.Medium, "exemption-expired", "user/temp", "arn:aws:iam::"+account+":user/temp",
				"expired: exemption name temp, owner b: for a while, until 2026-04-01"),
		}},
		{"open enrollment window", func(a *org.Account) {
			bob(a).MFA, bob(a).Devices, bob(a).Password = org.No, nil, org.No
			bob(a).Tags = []org.Tag{{Key: "forcemfa-enrollment", Value: "2026-05-05"}}
		}, []audit.Finding{
			finding(audit.Low, "no-device", "user/bob", bobARN, "bob has an active access key but no MFA device"),
			finding(audit.Medium, "window-open", "user/bob", bobARN, "bob can enroll a device with an access key until 2026-05-05"),
		}},
		{"expired enrollment window: the key can enroll, so the user is open", func(a *org.Account) {
			bob(a).MFA, bob(a).Devices, bob(a).Password = org.No, nil, org.No
			bob(a).Tags = []org.Tag{{Key: "forcemfa-enrollment", Value: "2026-04-05"}}
		}, []audit.Finding{
			finding(audit.Low, "no-device", "user/bob", bobARN, "bob has an active access key but no MFA device"),
			seen(finding(audit.Critical, "user-open", "user/bob", bobARN, "allowed: iam:EnableMFADevice without MFA by access key on "+bobARN),
				&prove.Counterexample{Action: "iam:EnableMFADevice", Resource: bobARN, Credential: policy.LongTermKey,
					AllowedBy: "policy " + baseline.PolicyARN("aws", account) + " of group ForceMFA, statement AllowManageOwnMFA"}),
			finding(audit.High, "window-expired", "user/bob", bobARN, "the enrollment window of bob ended on 2026-04-05, but its tag is still set"),
		}},
		{"enrollment window of a user with a device", func(a *org.Account) {
			bob(a).Tags = []org.Tag{{Key: "forcemfa-enrollment", Value: "2026-05-05"}}
		}, []audit.Finding{
			finding(audit.High, "window-expired", "user/bob", bobARN, "the enrollment window of bob is open (tag forcemfa-enrollment), although the user has a device"),
		}},
		{"policies of the user's own", func(a *org.Account) {
			bob(a).Inline = []org.InlinePolicy{{Name: "mine", Document: allow("ec2:*")}}
			bob(a).Attached = []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", baseline.PolicyARN("aws", account)}
			a.Policies = append(a.Policies, policyOf("arn:aws:iam::aws:policy/ReadOnlyAccess", "ReadOnlyAccess", "/", allow("s3:Get*")))
		}, []audit.Finding{
			finding(audit.Low, "direct-policies", "user/bob", bobARN, "bob has policies attached directly or inline: mine, ReadOnlyAccess"),
		}},
		{"drifted policy", func(a *org.Account) {
			a.Policies[0].Versions[0].Document = strings.Replace(a.Policies[0].Versions[0].Document, `"iam:GetUser",`, "", 1)
		}, []audit.Finding{
			finding(audit.High, "policy-drift", "policy/ForceMFA", baseline.PolicyARN("aws", account),
				baseline.PolicyARN("aws", account)+" differs from the document of the config file"),
		}},
		{"policy of an older config file", func(a *org.Account) {
			document := strings.Replace(a.Policies[0].Versions[0].Document, `"iam:GetUser",`, "", 1)
			a.Policies[0].Versions[0].Document = strings.ReplaceAll(document, ",", ", ")
			a.Policies[0].Tags = []org.Tag{{Key: "forcemfa-fingerprint", Value: baseline.Fingerprint(document)}}
		}, []audit.Finding{
			finding(audit.High, "policy-drift", "policy/ForceMFA", baseline.PolicyARN("aws", account),
				baseline.PolicyARN("aws", account)+" differs from the document of the config file: it is unchanged since forcemfa wrote it, with another config file or version"),
		}},
		{"edited policy", func(a *org.Account) {
			a.Policies[0].Tags = []org.Tag{{Key: "forcemfa-fingerprint", Value: baseline.Fingerprint(a.Policies[0].Versions[0].Document)}}
			a.Policies[0].Versions[0].Document = strings.Replace(a.Policies[0].Versions[0].Document, `"iam:GetUser",`, "", 1)
		}, []audit.Finding{
			finding(audit.High, "policy-drift", "policy/ForceMFA", baseline.PolicyARN("aws", account),
				baseline.PolicyARN("aws", account)+" differs from the document of the config file: it was changed after forcemfa wrote it, or a run was interrupted"),
		}},
		{"policy with white space", func(a *org.Account) {
			a.Policies[0].Versions[0].Document = strings.ReplaceAll(a.Policies[0].Versions[0].Document, ",", ",\n  ")
		}, nil},
		{"drifted inline policy", func(a *org.Account) {
			bob(a).Inline = []org.InlinePolicy{{Name: "ForceMFA", Document: allow("iam:GetUser")}}
		}, []audit.Finding{
			finding(audit.High, "policy-drift", "user/bob/ForceMFA", bobARN, "the inline policy ForceMFA of bob differs from the document of the config file"),
		}},
		{"an inline policy with a name collision", func(a *org.Account) {
			bob(a).Inline = []org.InlinePolicy{{Name: "ForceMFA", Document: allow("ec2:*")}}
		}, []audit.Finding{
			finding(audit.Medium, "policy-name-collision", "user/bob/ForceMFA", bobARN, "the inline policy ForceMFA of bob is not managed by forcemfa: it grants permissions that no forcemfa document grants"),
		}},
		{"name collisions", func(a *org.Account) {
			a.Policies = append(a.Policies, policyOf("arn:aws:iam::"+account+":policy/forcemfa", "forcemfa", "/", allow("s3:*")))
			a.Groups[1] = org.Group{Name: "forceMFA", Path: "/old/", ARN: "arn:aws:iam::" + account + ":group/old/forceMFA"}
		}, []audit.Finding{
			finding(audit.Medium, "policy-name-collision", "group/old/forceMFA", "arn:aws:iam::"+account+":group/old/forceMFA",
				"the group arn:aws:iam::111111111111:group/old/forceMFA is not managed by forcemfa"),
			finding(audit.Medium, "policy-name-collision", "policy/forcemfa", "arn:aws:iam::"+account+":policy/forcemfa",
				"the policy arn:aws:iam::111111111111:policy/forcemfa is not managed by forcemfa; the managed policy is arn:aws:iam::111111111111:policy/forcemfa/ForceMFA"),
		}},
		{"root without MFA", func(a *org.Account) { a.Root.MFA, a.Root.HardwareMFA = org.No, org.No }, []audit.Finding{
			finding(audit.Critical, "root-no-mfa", "root", root, "the root user has no MFA device"),
		}},
		{"root without credentials", func(a *org.Account) {
			a.Root = org.Root{MFA: org.No, HardwareMFA: org.No, AccessKeys: org.No, Password: org.No}
		}, nil},
		{"root with a virtual device and a key", func(a *org.Account) { a.Root.HardwareMFA, a.Root.AccessKeys = org.No, org.Yes }, []audit.Finding{
			finding(audit.Critical, "root-access-key", "root", root, "the root user has an access key"),
			finding(audit.Low, "root-no-hardware-mfa", "root", root, "a virtual MFA device can sign in as the root user"),
		}},
		{"an orphan", func(a *org.Account) {
			a.Unassigned = []org.Device{{Serial: "arn:aws:iam::" + account + ":mfa/phones/old", Kind: org.VirtualMFA}}
		}, []audit.Finding{
			finding(audit.Low, "orphan-device", "device/phones/old", "arn:aws:iam::"+account+":mfa/phones/old", "the virtual MFA device phones/old is not assigned to a user"),
		}},
		{"no report", func(a *org.Account) { a.Report = time.Time{} }, []audit.Finding{
			finding(audit.Medium, "report-missing", "account", "", "there is no credential report"),
		}},
		{"an old report", func(a *org.Account) { a.Report = now.Add(-25 * time.Hour) }, []audit.Finding{
			finding(audit.Low, "report-stale", "account", "", "the credential report was generated at 2026-04-30T11:00:00Z"),
		}},
		{"roles", func(a *org.Account) {
			a.Roles = []org.Role{
				role("/", "account", accountPrincipal, ""),
				role("/", "everybody", `"*"`, ""),
				role("/", "external", accountPrincipal, `{"StringEquals":{"sts:ExternalId":"x"}}`),
				role("/", "federated", `{"Federated":"arn:aws:iam::111111111111:saml-provider/okta"}`, ""),
				role("/", "fresh", accountPrincipal, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`),
				role("/", "if-exists", accountPrincipal, `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`),
				role("/", "mfa", accountPrincipal, withMFA),
				role("/", "role", `{"AWS":"arn:aws:iam::111111111111:role/mfa"}`, ""),
				role("/", "service", `{"Service":"ec2.amazonaws.com"}`, ""),
				role("/aws-reserved/sso.amazonaws.com/", "sso", accountPrincipal, ""),
				role("/team/", "user", `{"AWS":"`+bobARN+`"}`, ""),
				{Name: "broken", Path: "/", ARN: "arn:aws:iam::" + account + ":role/broken", Trust: "{"},
			}
			denied := role("/", "denied", accountPrincipal, "")
			denied.Trust = strings.Replace(denied.Trust, `"Statement":[`,
				`"Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}},`, 1)
			a.Roles = append(a.Roles, denied)
		}, []audit.Finding{
			finding(audit.Info, "role-trust-federated", "role/federated", "arn:aws:iam::111111111111:role/federated",
				"federated can be assumed through arn:aws:iam::111111111111:saml-provider/okta, and AWS cannot require MFA there"),
			finding(audit.Medium, "role-trust-open", "role/account", "arn:aws:iam::111111111111:role/account", "account can be assumed without MFA by account 111111111111"),
			finding(audit.High, "role-trust-open", "role/everybody", "arn:aws:iam::111111111111:role/everybody", "everybody can be assumed without MFA by everybody"),
			finding(audit.Low, "role-trust-open", "role/external", "arn:aws:iam::111111111111:role/external", "external can be assumed without MFA by account 111111111111"),
			finding(audit.Medium, "role-trust-open", "role/team/user", "arn:aws:iam::111111111111:role/team/user", "user can be assumed without MFA by "+bobARN),
			finding(audit.Medium, "role-trust-unknown", "role/broken", "arn:aws:iam::111111111111:role/broken", ""),
			finding(audit.High, "role-trust-weak", "role/if-exists", "arn:aws:iam::111111111111:role/if-exists",
				"if-exists has a condition on MFA for account 111111111111 that is also true without MFA: BoolIfExists aws:MultiFactorAuthPresent true"),
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := quiet(t)
			row.change(a)
			got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
			for i := range got.findings {
				if got.findings[i].Rule == "role-trust-unknown" {
					if !strings.HasPrefix(got.findings[i].What, "the trust policy of broken could not be read: ") {
						t.Error(got.findings[i].What)
					}
					got.findings[i].What = ""
				}
			}
			if diff := cmp.Diff(row.want, got.findings); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Forms of MFA conditions, and the rule that each violates.
// Source: IAM User Guide, "AWS global condition context keys",
// aws:MultiFactorAuthPresent and aws:MultiFactorAuthAge.
func TestWeakConditions(t *testing.T) {
	for _, row := range []struct{ effect, condition, want string }{
		{"Deny", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, ""},
		{"Deny", `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`, "deny-bool"},
		{"Deny", `{"Bool":{"aws:multifactorauthpresent":false}}`, "deny-bool"},
		{"Deny", `{"Null":{"aws:MultiFactorAuthPresent":"true"}}`, "deny-bool"},
		{"Deny", `{"Null":{"aws:MultiFactorAuthAge":"true"}}`, ""},
		{"Deny", `{"StringNotEquals":{"aws:MultiFactorAuthPresent":"true"}}`, ""},
		{"Deny", `{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}}`, "deny-bool"},
		{"Deny", `{"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}`, ""},
		{"Deny", `{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`, ""},
		{"Allow", `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, ""},
		{"Allow", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`, "allow-if-exists"},
		{"Allow", `{"Null":{"aws:MultiFactorAuthPresent":"false"}}`, "allow-if-exists"},
		{"Allow", `{"ForAllValues:Bool":{"aws:MultiFactorAuthPresent":"true"}}`, "allow-if-exists"},
		{"Allow", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, ""},
		{"Allow", `{"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}`, "allow-if-exists"},
		{"Allow", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, ""},
		{"Allow", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, ""},
	} {
		a := quiet(t)
		a.Groups[1].Inline[0].Document = `{"Version":"2012-10-17","Statement":[{"Effect":"` + row.effect + `","Action":"ec2:*","Resource":"*","Condition":` + row.condition + `}]}`
		got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
		var ids, want []string
		for _, f := range got.findings {
			ids = append(ids, f.ID)
		}
		if row.want != "" {
			want = []string{row.want + "/" + account + "/group/people/some"}
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", row.effect, row.condition, diff)
		}
	}
}

func TestTwoDeniesTogetherAreNotWeak(t *testing.T) {
	a := quiet(t)
	const deny = `{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":`
	a.Groups[1].Inline[0].Document = `{"Version":"2012-10-17","Statement":[` +
		deny + `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}},` + deny + `{"Null":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	if got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a); len(got.findings) != 0 {
		t.Errorf("%+v", got.findings)
	}
	together := a.Groups[1].Inline[0].Document
	for _, change := range [][2]string{{`"Resource":"*"`, `"Resource":"arn:aws:ec2:*:*:instance/*"`}, {`"Resource":"*"`, `"NotResource":"arn:aws:ec2:*:*:instance/*"`},
		{`"Action":"ec2:*"`, `"Action":"ec2:Run*"`}, {`"Action":"ec2:*"`, `"NotAction":"s3:*"`}, {`"Deny"`, `"Allow"`}} {
		a.Groups[1].Inline[0].Document = strings.Replace(together, change[0], change[1], 1)
		if got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a); len(found(got, "deny-bool")) != 1 {
			t.Errorf("%s: %+v", change[1], got.findings)
		}
	}
}

func TestSettableExemptionTag(t *testing.T) {
	const tagUser = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:TagUser","Resource":"*"}]}`
	for _, row := range []struct {
		name   string
		change func(*org.Account)
		want   []audit.Finding
	}{
		{"with MFA", func(a *org.Account) { a.Groups[0].Inline = []org.InlinePolicy{{Name: "tags", Document: tagUser}} }, []audit.Finding{
			finding(audit.Medium, "exemption-tag-settable", "tag/userType=Service", "", "the exemption tag userType=Service can be set on a user with MFA by bob"),
		}},
		{"with MFA, from one network", func(a *org.Account) {
			a.Groups[0].Inline = []org.InlinePolicy{{Name: "tags", Document: strings.Replace(tagUser, `"Resource":"*"`, `"Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, 1)}}
		}, []audit.Finding{
			finding(audit.Medium, "exemption-tag-settable", "tag/userType=Service", "", "the exemption tag userType=Service can be set on a user with MFA by bob"),
		}},
		{"with MFA, where a Deny leaves one network and one Region", func(a *org.Account) {
			a.Groups[0].Inline = []org.InlinePolicy{{Name: "tags", Document: strings.Replace(tagUser, `]}`, `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}},`+
				`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}]}`, 1)}}
		}, []audit.Finding{
			finding(audit.Medium, "exemption-tag-settable", "tag/userType=Service", "", "the exemption tag userType=Service can be set on a user with MFA by bob"),
		}},
		{"with new MFA", func(a *org.Account) {
			a.Groups[0].Inline = []org.InlinePolicy{{Name: "tags", Document: strings.Replace(tagUser, `"Resource":"*"`, `"Resource":"*","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"30"}}`, 1)}}
		}, []audit.Finding{
			finding(audit.Medium, "exemption-tag-settable", "tag/userType=Service", "", "the exemption tag userType=Service can be set on a user with MFA by bob"),
		}},
		{"by roles, from one network", func(a *org.Account) {
			r := role("/", "Admin", `{"AWS":"`+account+`"}`, withMFA)
			r.Inline = []org.InlinePolicy{{Name: "all", Document: strings.Replace(admin, `"Resource":"*"`, `"Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, 1)}}
			a.Roles = []org.Role{r}
		}, []audit.Finding{
			finding(audit.Low, "exemption-name-settable", "exemption/name glass", "", "a user can be given the exempt name glass by the roles Admin"),
			finding(audit.Low, "exemption-tag-settable", "tag/userType=Service", "", "the exemption tag userType=Service can be set on a user by the roles Admin"),
		}},
		{"by roles", func(a *org.Account) {
			r := role("/", "Admin", `{"AWS":"`+account+`"}`, withMFA)
			r.Inline = []org.InlinePolicy{{Name: "all", Document: admin}}
			a.Roles = []org.Role{r}
		}, []audit.Finding{
			finding(audit.Low, "exemption-name-settable", "exemption/name glass", "", "a user can be given the exempt name glass by the roles Admin"),
			finding(audit.Low, "exemption-tag-settable", "tag/userType=Service", "", "the exemption tag userType=Service can be set on a user by the roles Admin"),
		}},
		{"other tags alone", func(a *org.Account) {
			a.Groups[0].Inline = []org.InlinePolicy{{Name: "tags", Document: strings.Replace(tagUser, `"Resource":"*"`,
				`"Resource":"*","Condition":{"ForAllValues:StringNotEqualsIgnoreCase":{"aws:TagKeys":"userType"}}`, 1)}}
		}, nil},
	} {
		a := quiet(t)
		row.change(a)
		got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
		if diff := cmp.Diff(row.want, got.findings); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
	a := quiet(t)
	a.Users[0].Groups = []string{"people"}
	a.Groups[1].Inline[0].Document = tagUser
	got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
	if f := got.findings[0]; f.Severity != audit.Critical || f.What != "the exemption tag userType=Service can be set on a user without MFA by bob" {
		t.Errorf("without MFA: %+v", f)
	}
}

func TestSettableWindowTag(t *testing.T) {
	tags := func(actions, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"` + condition + `}]}`
	}
	const what = "the tag forcemfa-enrollment, which opens the enrollment window, can be "
	for _, row := range []struct {
		name     string
		change   func(*org.Account, *baseline.Baseline)
		document string
		want     []audit.Finding
	}{
		{"set and removed", nil, tags(`"iam:*"`, ""), []audit.Finding{
			finding(audit.High, "window-tag-settable", "tag/forcemfa-enrollment", "", what+"set on a user without MFA by robby"),
		}},
		{"only removed", nil, tags(`"iam:UntagUser"`, ""), []audit.Finding{
			finding(audit.Low, "window-tag-settable", "tag/forcemfa-enrollment", "", what+"removed from a user without MFA by robby"),
		}},
		{"other tags alone", nil, tags(`"iam:TagUser"`, `,"Condition":{"ForAllValues:StringNotEqualsIgnoreCase":{"aws:TagKeys":"forcemfa-enrollment"}}`), nil},
		{"with MFA alone", nil, tags(`"iam:TagUser"`, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`), nil},
		{"by a break-glass user", func(_ *org.Account, b *baseline.Baseline) { b.Exemptions[0].BreakGlass = true }, tags(`"iam:TagUser"`, ""), nil},
		{"with enrollment any, which ignores the tag", func(_ *org.Account, b *baseline.Baseline) { b.Policy.Enrollment = document.EnrollmentAny }, tags(`"iam:TagUser"`, ""), nil},
	} {
		a, b := quiet(t), *wanted(t)
		b.Exemptions = []baseline.Exemption{{Match: baseline.Match{Name: "robby"}, Owner: "ops", Reason: "a workload"}}
		robby := a.Users[0]
		robby.Name, robby.ARN, robby.Groups, robby.Password = "robby", "arn:aws:iam::"+account+":user/robby", []string{"people"}, org.No
		a.Users = append(a.Users, robby)
		a.Groups[1].Inline[0].Document = row.document
		if row.change != nil {
			row.change(a, &b)
		}
		got, _ := run(t, &org.Header{Partition: "aws"}, &b, a)
		var found []audit.Finding
		for _, f := range got.findings {
			if f.Rule == "window-tag-settable" {
				found = append(found, f)
			}
		}
		if diff := cmp.Diff(row.want, found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestStreamIsOrderedAndCounted(t *testing.T) {
	first := quiet(t)
	open := first.Users[0]
	open.Name, open.ARN, open.Groups = "zoe", "arn:aws:iam::"+account+":user/zoe", []string{"people"}
	exempt := first.Users[0]
	exempt.Name, exempt.ARN, exempt.Tags, exempt.Password = "amy", "arn:aws:iam::"+account+":user/amy", []org.Tag{{Key: "userType", Value: "Service"}}, org.No
	first.Users = append(first.Users, open, exempt)
	first.Gaps = []org.Gap{{Account: account, What: "iam:ListVirtualMFADevices", Why: "AccessDenied"}}
	second := &org.Account{ID: "222222222222", Name: "dark", State: "ACTIVE", Gaps: []org.Gap{{Account: "222222222222", What: "assume R", Why: "AccessDenied"}}}
	third := &org.Account{ID: "333333333333", Name: "gone", State: "SUSPENDED"}
	h := &org.Header{Partition: "aws", Gaps: []org.Gap{{What: "organizations:ListPolicies", Why: "AccessDenied"}}}

	got, counts := run(t, h, wanted(t), first, second, third)
	wantOrder := []string{
		"gap  organizations:ListPolicies",
		"user 111111111111/amy", "user 111111111111/bob", "user 111111111111/zoe",
		"finding user-open/111111111111/user/zoe",
		"gap 111111111111 iam:ListVirtualMFADevices", "account 111111111111",
		"finding account-unreadable/222222222222/account", "gap 222222222222 assume R", "account 222222222222",
		"account 333333333333",
	}
	if diff := cmp.Diff(wantOrder, got.order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	wantAccounts := []audit.Account{
		{ID: account, Name: "test", Alias: "acme-test", Read: true, Report: now.Add(-time.Hour), Counts: audit.Counts{Users: 3, Enforced: 1, Exempt: 1, Open: 1}},
		{ID: "222222222222", Name: "dark"},
		{ID: "333333333333", Name: "gone", Skipped: "the account is suspended"},
	}
	if diff := cmp.Diff(wantAccounts, got.accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(audit.Counts{Users: 3, Enforced: 1, Exempt: 1, Open: 1}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	dark := got.findings[1]
	if dark.Severity != audit.High || dark.What != "the account could not be read: assume R: AccessDenied" {
		t.Errorf("%+v", dark)
	}
}

func TestUserHasTheFactsOfTheReport(t *testing.T) {
	ours := "policy " + baseline.PolicyARN("aws", account) + " of group ForceMFA, statement "
	a := quiet(t)
	got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
	want := []audit.User{{
		Account: account, AccountName: "test", Name: "bob", ARN: bobARN, State: audit.Enforced, MFA: org.Yes,
		Devices: a.Users[0].Devices, Console: org.Yes, ActiveKeys: 1, Keys: a.Users[0].Keys, Read: &a.Users[0],
		DeniedBy: []string{ours + "DenyAllExceptEnrollmentWithoutMFA", ours + "DenyOthersMFAWithoutMFA", ours + "DenyEnrollmentByAccessKey"},
		Proof:    audit.EveryAction, Assumptions: []string{"sts:GetCallerIdentity cannot be denied, and a presigned request for it signs in to systems " +
			"that accept it as proof of identity, such as Amazon EKS and HashiCorp Vault", "an AWS service forwards a request only after a direct request with the same credential was allowed, " +
			"and no action of the enrollment set forwards requests"},
	}}
	if diff := cmp.Diff(want, got.users); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAUserThatTheReportLacksSaysSo(t *testing.T) {
	a := quiet(t)
	u := &a.Users[0]
	u.Password, u.Keys = org.Unknown, nil
	for _, c := range []struct {
		name    string
		created time.Time
		newer   int
	}{
		{"older", a.Report.Add(-time.Hour), 0},
		{"made while the report was", a.Report.Add(-time.Minute), 1},
		{"newer", a.Report.Add(time.Hour), 1},
	} {
		u.Created = c.created
		got, counts := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
		if counts.NewerThanReport != c.newer || (got.users[0].NewerThan != nil) != (c.newer == 1) || got.users[0].KeysKnown() {
			t.Errorf("%s: %d, %v", c.name, counts.NewerThanReport, got.users[0].NewerThan)
		}
	}
	u.Password = org.No
	if got, counts := run(t, &org.Header{Partition: "aws"}, wanted(t), a); counts.NewerThanReport != 0 || !got.users[0].KeysKnown() {
		t.Errorf("a newer user who was read: %+v", got.users[0])
	}
}

func TestErrorOfTheStreamEndsTheRun(t *testing.T) {
	broken := errors.New("connection reset")
	counts, err := runAll(context.Background(), &org.Header{}, func(yield func(*org.Account, error) bool) {
		if yield(quiet(t), nil) {
			yield(nil, broken)
		}
	}, wanted(t), now, new(recording))
	if !errors.Is(err, broken) || counts.Users != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := runAll(cancelled, &org.Header{}, stream(quiet(t)), wanted(t), now, new(recording)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestBrokenAndHugeDocumentsAreNeverEnforced(t *testing.T) {
	for name, document := range map[string]string{
		"empty": "", "no JSON": "{", "duplicate key": `{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}`,
		"huge":     `{"Version":"2012-10-17","Statement":[` + strings.Repeat(`{"Effect":"Deny","Action":"*","Resource":"*"},`, 50_000),
		"deep":     strings.Repeat("[", 100_000),
		"operator": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolOrSo":{"a":"b"}}}]}`,
	} {
		a := quiet(t)
		a.Policies[0].Versions[0].Document = document
		got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
		if got.users[0].State != audit.Unknown || got.users[0].Why == "" {
			t.Errorf("%s: %s, why %q", name, got.users[0].State, got.users[0].Why)
		}
	}
}

func TestAccountsAreYieldedInOrderUntilTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ids []string
	var last error
	for audited, err := range audit.New(new(org.Header), wanted(t), now).Accounts(ctx, generated(40, 2)) {
		if last = err; err != nil {
			break
		}
		if ids = append(ids, audited.Account.ID); len(ids) == 20 {
			cancel()
		}
	}
	if !slices.IsSorted(ids) || len(ids) != 20 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d accounts, sorted %v, then %v", len(ids), slices.IsSorted(ids), last)
	}
}

func TestProofsAreCheckedOnRequest(t *testing.T) {
	auditor := audit.New(new(org.Header), wanted(t), now)
	auditor.CheckProofs = true
	audited := auditor.Audit(quiet(t))
	u := audited.Users[0]
	if u.State != audit.Enforced || u.Proof != audit.EveryAction || u.Why != "" {
		t.Errorf("%s: %s, about %s, %s", u.Name, u.State, u.Proof, u.Why)
	}
}

// A user whose proof is rejected is unknown. The checker rejects proofs about more than 100,000 lists, of which it tries
// each where the prover joins them.
func TestRejectedProofMakesTheUserUnknown(t *testing.T) {
	deny := func(condition string) string {
		return `{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:GetUser"],"Resource":"*","Condition":{` + condition + `}}`
	}
	const noMFA = `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"`
	var tags []string
	for i := range 100 {
		tags = append(tags, fmt.Sprintf("%q", fmt.Sprint("tag", i)))
	}
	list := `:{"aws:TagKeys":[` + strings.Join(tags, ",") + `]}`
	document := `{"Version":"2012-10-17","Statement":[` + deny(noMFA+`},"ForAnyValue:StringEquals"`+list) + `,` +
		deny(noMFA+`},"ForAllValues:StringNotEquals"`+list) + `]}`
	for _, row := range []struct {
		checked bool
		want    audit.State
	}{{false, audit.Enforced}, {true, audit.Unknown}} {
		a := quiet(t)
		a.Users[0].Groups = nil
		a.Users[0].Inline = []org.InlinePolicy{{Name: "own", Document: document}}
		auditor := audit.New(new(org.Header), wanted(t), now)
		auditor.CheckProofs = row.checked
		u := auditor.Audit(a).Users[0]
		if u.State != row.want || row.checked && !strings.Contains(u.Why, "sets of values") {
			t.Errorf("checked %v: state %s, want %s: %s", row.checked, u.State, row.want, u.Why)
		}
	}
}

// A proof that leaves actions open which AWS does not have is one of the catalog, and is
// checked with its actions.
func TestAProofOfListedActionsIsOneOfTheCatalog(t *testing.T) {
	a := quiet(t)
	a.Users[0].Groups = nil
	a.Users[0].Inline = []org.InlinePolicy{{Name: "own", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Deny",
		"NotAction":["iam:CreateVirtualMFADevice","iam:GetUser","s3:Zzz*"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}`}}
	auditor := audit.New(new(org.Header), wanted(t), now)
	auditor.CheckProofs = true
	if u := auditor.Audit(a).Users[0]; u.State != audit.Enforced || u.Proof != audit.Catalogue {
		t.Errorf("%s for %q: %s", u.State, u.Proof, u.Why)
	}
}

// What enforces MFA can be a document that forcemfa does not manage. Whoever changes
// it, or uses a key of an exempt user, disables the enforcement as well.
func TestReachCoversDocumentsThatForcemfaDoesNotManage(t *testing.T) {
	const other = "arn:aws:iam::" + account + ":policy/mfa"
	people, self := "arn:aws:iam::"+account+":group/people", "arn:aws:iam::"+account+":user/bob"
	for _, row := range []struct {
		name   string
		change func(*org.Account, *org.User)
		want   []string
	}{
		{"a boundary", func(a *org.Account, u *org.User) { u.Boundary = other },
			[]string{"iam:CreatePolicyVersion " + other, "iam:SetDefaultPolicyVersion " + other, "iam:DeleteUserPermissionsBoundary " + self, "iam:PutUserPermissionsBoundary " + self}},
		{"an attached policy", func(a *org.Account, u *org.User) { u.Attached = []string{other} },
			[]string{"iam:CreatePolicyVersion " + other, "iam:SetDefaultPolicyVersion " + other, "iam:DetachUserPolicy " + self}},
		{"a policy of a group", func(a *org.Account, u *org.User) {
			a.Groups[1].Attached, u.Groups = []string{other}, []string{"people"}
		},
			[]string{"iam:CreatePolicyVersion " + other, "iam:SetDefaultPolicyVersion " + other, "iam:DetachGroupPolicy " + people, "iam:RemoveUserFromGroup " + people}},
		{"an inline policy", func(a *org.Account, u *org.User) {
			u.Inline = []org.InlinePolicy{{Name: "mine", Document: a.Policies[1].Versions[0].Document}}
		}, []string{"iam:DeleteUserPolicy " + self, "iam:PutUserPolicy " + self}},
		{"an inline policy of a group", func(a *org.Account, u *org.User) {
			a.Groups[1].Inline, u.Groups = append(a.Groups[1].Inline, org.InlinePolicy{Name: "mine", Document: a.Policies[1].Versions[0].Document}), []string{"people"}
		}, []string{"iam:RemoveUserFromGroup " + people, "iam:DeleteGroupPolicy " + people, "iam:PutGroupPolicy " + people}},
		{"an exempt user", func(a *org.Account, u *org.User) {
			u.Attached = []string{other}
			a.Users = append(a.Users, org.User{Name: "backup", ARN: "arn:aws:iam::" + account + ":user/backup", Tags: []org.Tag{{Key: "userType", Value: "Service"}}})
		}, []string{"iam:CreatePolicyVersion " + other, "iam:SetDefaultPolicyVersion " + other, "iam:DetachUserPolicy " + self,
			"iam:CreateAccessKey arn:aws:iam::" + account + ":user/backup"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := quiet(t)
			a.Policies = append(a.Policies[:0], policyOf("arn:aws:iam::"+account+":policy/forcemfa/Unused", "Unused", "/forcemfa/", allow("s3:*")),
				policyOf(other, "mfa", "/", strings.Replace(wanted(t).Document("aws"), `"Statement":[`, `"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},`, 1)))
			a.Groups[0].Attached, a.Users[0].Groups = nil, nil
			a.Groups[1].Inline[0].Document = allow("*")
			a.Users[0].Inline = []org.InlinePolicy{{Name: "all", Document: allow("*")}}
			row.change(a, &a.Users[0])
			var got []string
			for _, s := range audit.New(new(org.Header), wanted(t), now).Reach(a, &a.Users[0]).Switches {
				if s.WithMFA == prove.Open && s.WithoutMFA == prove.Enforced && s.Action != "iam:TagUser" && s.Action != "iam:UpdateUser" && s.Action != "iam:CreateUser" {
					got = append(got, s.Action+" "+s.Resource)
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReachReportsHowTheEnforcementCanBeDisabled(t *testing.T) {
	a := quiet(t)
	a.Groups[1].Inline[0].Document = allow("*")
	a.Users[0].Groups = append(a.Users[0].Groups, "people")
	a.Roles = []org.Role{role("/", "open", `{"AWS":"`+bobARN+`"}`, "")}
	auditor := audit.New(new(org.Header), wanted(t), now)
	got := map[string]bool{}
	reach := auditor.Reach(a, &a.Users[0])
	for _, s := range reach.Switches {
		if s.WithoutMFA != prove.Enforced {
			t.Errorf("without MFA: %s: %v", s.What, s.WithoutMFA)
		}
		got[s.Action] = s.WithMFA == prove.Open
	}
	want := map[string]bool{"iam:CreatePolicyVersion": true, "iam:SetDefaultPolicyVersion": true, "iam:DetachGroupPolicy": true,
		"iam:RemoveUserFromGroup": true, "iam:TagUser": true, "iam:UpdateUser": true, "iam:CreateUser": true}
	if diff := cmp.Diff(want, got); diff != "" || len(reach.Roles) > 0 {
		t.Errorf("with MFA (-want +got):\n%s\nroles %v", diff, reach.Roles)
	}
	for _, s := range reach.Switches {
		if s.Action == "iam:RemoveUserFromGroup" && s.Resource != baseline.GroupARN("aws", account) {
			t.Errorf("%s enforces nothing", s.Resource)
		}
	}
	for expires, want := range map[string]bool{now.AddDate(0, 0, 1).Format(time.DateOnly): true, now.AddDate(0, 0, -1).Format(time.DateOnly): false} {
		b := configOf(t, "exemptions: [{match: {path: \"/workloads/*\"}, owner: a, reason: b, expires: "+expires+"}]\n")
		exempts := slices.ContainsFunc(audit.New(new(org.Header), b, now).Reach(a, &a.Users[0]).Switches, func(s prove.Switch) bool {
			return strings.Contains(s.Resource, "/workloads/") || strings.Contains(s.What, "/workloads/")
		})
		if exempts != want {
			t.Errorf("an exemption that expires %s: a path to it is %v, want %v", expires, exempts, want)
		}
	}
	a.Policies = nil
	for _, s := range auditor.Reach(a, &a.Users[0]).Switches {
		if s.Action == "iam:CreatePolicyVersion" {
			t.Errorf("%s of a policy that does not exist", s.What)
		}
	}
	a.Users[0].Groups = []string{"people"}
	if roles := auditor.Reach(a, &a.Users[0]).Roles; len(roles) != 1 || roles[0].Role.ARN != a.Roles[0].ARN {
		t.Errorf("without the Deny: roles %v", roles)
	}
}
