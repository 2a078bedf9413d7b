package document_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/policy"
)

// variants are the documents of every option, default first.
func variants() map[string]*baseline.Baseline {
	out := map[string]*baseline.Baseline{"default": baseline.Default()}
	for name, change := range map[string]func(*document.Policy){
		"self_service full": func(p *document.Policy) { p.SelfService = document.SelfServiceFull },
		"self_service none": func(p *document.Policy) { p.SelfService = document.SelfServiceNone },
		"enrollment any":    func(p *document.Policy) { p.Enrollment = document.EnrollmentAny },
		"password change":   func(p *document.Policy) { p.PasswordChangeBeforeMFA = true },
		"console on":        func(p *document.Policy) { p.ConsoleAuthorization = document.ConsoleAuthorizationOn },
		"age":               func(p *document.Policy) { p.MaxSessionAge = time.Hour },
		"fas deny":          func(p *document.Policy) { p.FAS = document.FASDeny },
		"all": func(p *document.Policy) {
			*p = document.Policy{SelfService: document.SelfServiceFull, PasswordChangeBeforeMFA: true,
				ConsoleAuthorization: document.ConsoleAuthorizationOn, MaxSessionAge: 36 * time.Hour}
		},
	} {
		b := baseline.Default()
		change(&b.Policy)
		out[name] = b
	}
	return out
}

// each runs a test on the whole document of every variant and on its Denies.
func each(t *testing.T, test func(t *testing.T, b *baseline.Baseline, document string)) {
	t.Helper()
	for name, b := range variants() {
		t.Run(name, func(t *testing.T) { test(t, b, b.Document("aws")) })
		t.Run(name+" denies", func(t *testing.T) { test(t, b, b.DenyDocument("aws")) })
	}
}

func refused(t *testing.T, document string, c caller, action, resource string) bool {
	t.Helper()
	return set(t, document, admin).Refuses(c.request(action, resource)).Verdict == policy.ExplicitDenied
}

// The credentials that can be without MFA.
var withoutMFA = map[string]caller{"key": byKey, "session": bySession, "console": byConsole, "federation token": byFederated}

func mustRefuse(t *testing.T, document, resource string, actions ...string) {
	t.Helper()
	for name, c := range withoutMFA {
		for _, a := range actions {
			if _, limited := c.credential.Limit(a); !limited && !refused(t, document, c, a, resource) {
				t.Errorf("%s on %s by %s is not refused", a, resource, name)
			}
		}
	}
}

// Flaws are numbered as in the survey of policies that others use.
func TestD1OthersDevicesAndPasswordsAreClosedWithoutMFA(t *testing.T) {
	each(t, func(t *testing.T, _ *baseline.Baseline, document string) {
		mustRefuse(t, document, other, "iam:EnableMFADevice", "iam:ResyncMFADevice", "iam:CreateLoginProfile",
			"iam:UpdateLoginProfile", "iam:ChangePassword", "iam:DeactivateMFADevice")
		mustRefuse(t, document, "*", "iam:ListUsers")
	})
}

func TestD2UserWithAPathCanEnroll(t *testing.T) {
	for _, path := range []string{"", "/team/", "/division/engineering/"} {
		c := byConsole
		c.path = path
		s := set(t, baseline.Default().Document("aws"))
		for _, action := range []string{"iam:EnableMFADevice", "iam:ResyncMFADevice", "iam:GetUser", "iam:ListMFADevices"} {
			if v := s.Decide(c.request(action, c.arn())).Verdict; v != policy.Allowed {
				t.Errorf("%s at path %q: verdict %v", action, path, v)
			}
		}
	}
}

func TestD3DeviceNamesAreFree(t *testing.T) {
	s := set(t, baseline.Default().Document("aws"))
	for _, name := range []string{"alice", "phone", "phones/of-alice"} {
		r := byConsole.request("iam:CreateVirtualMFADevice", "arn:aws:iam::"+account+":mfa/"+name)
		if v := s.Decide(r).Verdict; v != policy.Allowed {
			t.Errorf("create device %s: verdict %v", name, v)
		}
	}
}

func TestD4PartitionIsFilledIn(t *testing.T) {
	for name, b := range variants() {
		for _, document := range []string{b.Document("aws-us-gov"), b.DenyDocument("aws-us-gov")} {
			if strings.Contains(document, `"arn:aws:`) || !strings.Contains(document, `"arn:aws-us-gov:iam::*:user/${aws:username}"`) {
				t.Errorf("%s: the partition is not everywhere: %s", name, document)
			}
		}
	}
}

func TestD5SecurityKeysCanBeReadAndEnabled(t *testing.T) {
	s := set(t, baseline.Default().Document("aws"))
	for _, action := range []string{"iam:GetMFADevice", "iam:EnableMFADevice"} {
		r := byConsole.request(action, byConsole.arn())
		r.Context.Set("iam:RegisterSecurityKey", "Create")
		if v := s.Decide(r).Verdict; v != policy.Allowed {
			t.Errorf("%s: verdict %v", action, v)
		}
	}
}

func TestD6FirstPasswordChangeIsAnOptionAndWhole(t *testing.T) {
	b := baseline.Default()
	decide := func(action, resource string) policy.Verdict {
		return set(t, b.Document("aws")).Decide(byConsole.request(action, resource)).Verdict
	}
	if v := decide("iam:ChangePassword", byConsole.arn()); v != policy.ExplicitDenied {
		t.Errorf("off: ChangePassword: verdict %v", v)
	}
	b.Policy.PasswordChangeBeforeMFA = true
	for _, row := range []struct {
		action, resource string
		want             policy.Verdict
	}{
		{"iam:ChangePassword", byConsole.arn(), policy.Allowed},
		{"iam:GetAccountPasswordPolicy", "*", policy.Allowed},
		{"iam:ChangePassword", other, policy.ExplicitDenied},
	} {
		if v := decide(row.action, row.resource); v != row.want {
			t.Errorf("on: %s on %s: verdict %v, want %v", row.action, row.resource, v, row.want)
		}
	}
}

func TestD7ForwardedCallsPassUnlessAskedOtherwise(t *testing.T) {
	each(t, func(t *testing.T, b *baseline.Baseline, text string) {
		strict := b.Policy.FAS == document.FASDeny
		if got := refused(t, text, byForwarded, "s3:GetObject", "arn:aws:s3:::b/o"); got != strict {
			t.Errorf("a forwarded call is refused: %v, want %v", got, strict)
		}
		mustRefuse(t, text, "arn:aws:s3:::b/o", "s3:GetObject")
	})
}

func TestD8LongTermKeysAreRefused(t *testing.T) {
	each(t, func(t *testing.T, _ *baseline.Baseline, document string) {
		mustRefuse(t, document, "*", "ec2:DescribeInstances", "s3:ListAllMyBuckets", "sts:GetFederationToken")
		if strings.Contains(document, `"Bool":`) {
			t.Error("a plain Bool does not meet a key, which is absent")
		}
	})
}

func TestD9NoAllowRestsOnMFA(t *testing.T) {
	each(t, func(t *testing.T, _ *baseline.Baseline, document string) {
		d, err := policy.Parse(policy.Identity, document)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Statements {
			if s.Effect == policy.Allow && len(s.Conditions) > 0 {
				t.Errorf("%s: an Allow with conditions", s.SID)
			}
		}
	})
}

func TestD10SessionsCanBeCapped(t *testing.T) {
	b := baseline.Default()
	b.Policy.MaxSessionAge = time.Hour
	for _, document := range []string{b.Document("aws"), b.DenyDocument("aws")} {
		for age, want := range map[time.Duration]bool{time.Hour: false, time.Hour + time.Second: true} {
			c := byMFA
			c.age = age
			if got := refused(t, document, c, "s3:GetObject", "arn:aws:s3:::b/o"); got != want {
				t.Errorf("after %v refused: %v, want %v", age, got, want)
			}
		}
	}
}

func TestD11RemovingTheEnforcementNeedsMFA(t *testing.T) {
	each(t, func(t *testing.T, _ *baseline.Baseline, document string) {
		ours := baseline.PolicyARN("aws", account)
		mustRefuse(t, document, ours, "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicyVersion", "iam:DeletePolicy")
		mustRefuse(t, document, baseline.GroupARN("aws", account), "iam:RemoveUserFromGroup", "iam:DetachGroupPolicy", "iam:DeleteGroup")
		mustRefuse(t, document, byKey.arn(), "iam:DetachUserPolicy", "iam:DeleteUserPolicy", "iam:PutUserPolicy", "iam:TagUser", "iam:UntagUser",
			"iam:DeleteUserPermissionsBoundary")
	})
}

func TestD12StolenKeyCannotEnroll(t *testing.T) {
	device := "arn:aws:iam::" + account + ":mfa/thief"
	each(t, func(t *testing.T, b *baseline.Baseline, text string) {
		any := b.Policy.Enrollment == document.EnrollmentAny
		for _, row := range []struct {
			what string
			tag  string
			want bool
		}{
			{"without window", "", !any},
			{"with another tag", "team", !any},
			{"with an open window", b.Window.Tag, false},
		} {
			c := byKey
			c.tag = row.tag
			if got := refused(t, text, c, "iam:CreateVirtualMFADevice", device); got != row.want {
				t.Errorf("%s: create is refused: %v, want %v", row.what, got, row.want)
			}
			if got := refused(t, text, c, "iam:EnableMFADevice", c.arn()); got != row.want {
				t.Errorf("%s: enable is refused: %v, want %v", row.what, got, row.want)
			}
		}
		if refused(t, text, byConsole, "iam:EnableMFADevice", byConsole.arn()) {
			t.Error("the console cannot enroll")
		}
	})
}

func TestD13AssumeRoleWithACodeInTheCallIsNotRefused(t *testing.T) {
	each(t, func(t *testing.T, _ *baseline.Baseline, document string) {
		if refused(t, document, byCode, "sts:AssumeRole", "arn:aws:iam::"+account+":role/Admin") {
			t.Error("refused")
		}
	})
}

func TestD19DenyDocumentGrantsNothing(t *testing.T) {
	for name, b := range variants() {
		if got := granted(t, b.DenyDocument("aws"), byMFA); got != nil {
			t.Errorf("%s grants %v", name, got)
		}
	}
}

// Quotas count characters that are not white space.
// Source: IAM User Guide, "IAM and AWS STS quotas".
func TestD20DocumentsFitTheQuotas(t *testing.T) {
	const managed, inlineOfUser = 6144, 2048
	for name, b := range variants() {
		room := 1550
		if name == "all" {
			room = 1700 // every option at once
		}
		for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
			document, denies := b.Document(partition), b.DenyDocument(partition)
			if n := policy.Size(document); n > managed {
				t.Errorf("%s in %s: %d characters, a managed policy has %d", name, partition, n, managed)
			}
			if n := policy.Size(denies); n > room {
				t.Errorf("%s in %s: %d characters for the Denies, want at most %d, so that other inline policies have room", name, partition, n, room)
			}
			if policy.Size(document) != len(document) {
				t.Errorf("%s in %s: white space in %s", name, partition, document)
			}
		}
	}
	if n := policy.Size(baseline.Default().Document("aws-us-gov")); n > inlineOfUser {
		t.Errorf("the default has %d characters, the inline policies of a user %d", n, inlineOfUser)
	}
}

func TestD21DeletingDevicesIsNotGranted(t *testing.T) {
	device := "arn:aws:iam::" + account + ":mfa/alice"
	each(t, func(t *testing.T, _ *baseline.Baseline, document string) {
		mustRefuse(t, document, device, "iam:DeleteVirtualMFADevice")
		if v := set(t, document).Decide(byMFA.request("iam:DeleteVirtualMFADevice", device)).Verdict; v != policy.ImplicitDenied {
			t.Errorf("with MFA: verdict %v", v)
		}
	})
}

func TestEnrollmentSetIsWhatTheDeniesLeaveOpen(t *testing.T) {
	each(t, func(t *testing.T, b *baseline.Baseline, document string) {
		inSet := map[string]bool{}
		for _, a := range b.EnrollmentSet() {
			inSet[a] = true
		}
		for _, line := range open(t, document, byConsole) {
			if action := strings.Fields(line)[0]; !inSet[action] {
				t.Errorf("%s is open and not in the set", line)
			}
			delete(inSet, strings.Fields(line)[0])
		}
		for a := range inSet {
			t.Errorf("%s is in the set and not open", a)
		}
	})
}

func TestDocumentsAreTheSameEveryTime(t *testing.T) {
	for name, b := range variants() {
		document, denies, hash := b.Document("aws"), b.DenyDocument("aws"), b.Hash()
		for range 10 {
			if b.Document("aws") != document || b.DenyDocument("aws") != denies || b.Hash() != hash {
				t.Errorf("%s differs from itself", name)
			}
		}
	}
}

// The thief of a key who calls GetSessionToken has a session, which console_authorization
// must leave open: nothing in the request shows where a session began.
func TestAccessKeysGetNoSignInToken(t *testing.T) {
	b := baseline.Default()
	b.Policy.ConsoleAuthorization = document.ConsoleAuthorizationOn
	window := byKey
	window.tag = b.Window.Tag
	for _, row := range []struct {
		name   string
		caller caller
		action string
		want   bool
	}{
		{"an access key", byKey, "signin:CreateOAuth2Token", true},
		{"an access key in an enrollment window", window, "signin:CreateOAuth2Token", true},
		{"a console session", byConsole, "signin:CreateOAuth2Token", false},
		{"an MFA session", byMFA, "signin:CreateOAuth2Token", false},
		{"the sign-in page", byConsole, "signin:AuthorizeOAuth2Access", false},
	} {
		for _, text := range []string{b.Document("aws"), b.DenyDocument("aws")} {
			if got := refused(t, text, row.caller, row.action, "*"); got != row.want {
				t.Errorf("%s: refused: %v, want %v", row.name, got, row.want)
			}
		}
	}
}

// The enrollment window holds only in the networks of the config.
func TestEnrollmentByAccessKeyIsBoundToNetworks(t *testing.T) {
	b := parsed(t, "window: {networks: [\"192.0.2.0/24\"]}\n")
	window := byKey
	window.tag = b.Window.Tag
	for _, row := range []struct {
		name    string
		caller  caller
		address string
		want    bool
	}{
		{"a key in a window, from the network", window, "192.0.2.7", false},
		{"a key in a window, from elsewhere", window, "198.51.100.7", true},
		{"a key in a window, without an address", window, "", true},
		{"a key without a window, from the network", byKey, "192.0.2.7", true},
		{"a console session, from elsewhere", byConsole, "198.51.100.7", false},
	} {
		for _, text := range []string{b.Document("aws"), b.DenyDocument("aws")} {
			for _, action := range []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice"} {
				r := row.caller.request(action, row.caller.arn())
				if row.address != "" {
					r.Context.Set("aws:SourceIp", row.address)
				} else {
					r.Context.Delete("aws:SourceIp")
				}
				if got := set(t, text, admin).Refuses(r).Verdict == policy.ExplicitDenied; got != row.want {
					t.Errorf("%s: %s is refused: %v, want %v", row.name, action, got, row.want)
				}
			}
		}
	}
}

// Newer ways to turn a key into access that carries no MFA: bearer tokens, tokens for
// other providers, delegated tokens, federation, and leaving the organization.
// Source: AWS's Service Authorization Reference of the services, November 2026.
func TestNewerWaysInAreClosedWithoutMFA(t *testing.T) {
	each(t, func(t *testing.T, _ *baseline.Baseline, text string) {
		mustRefuse(t, text, "*",
			"signin:CreateBearerToken", "sts:GetServiceBearerToken", "sts:GetWebIdentityToken", "sts:GetDelegatedAccessToken", "sts:AssumeRoot",
			"bedrock:CallWithBearerToken", "bedrock-mantle:CallWithBearerToken", "cloudwatch:CallWithBearerToken",
			"logs:CallWithBearerToken", "sagemaker:CallWithBearerToken", "aws-external-anthropic:CallWithBearerToken",
			"iam:CreateSAMLProvider", "iam:UpdateSAMLProvider", "iam:CreateOpenIDConnectProvider", "iam:AddClientIDToOpenIDConnectProvider",
			"iam:UpdateOpenIDConnectProviderThumbprint", "iam:AcceptDelegationRequest", "iam:EnableOutboundWebIdentityFederation",
			"organizations:LeaveOrganization")
	})
}
