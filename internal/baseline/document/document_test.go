package document_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/policy"
	"forcemfa/policy/catalog"
)

const (
	account = "111111111111"
	admin   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// A caller is alice, or somebody else, with a credential.
type caller struct {
	credential policy.Credential
	present    policy.Presence
	age        time.Duration // of the session
	via        string        // aws:ViaAWSService
	tag        string        // key of a tag that the user has
	path       string        // of the user; empty: /
}

var (
	byKey       = caller{credential: policy.LongTermKey, present: policy.Absent, via: "false"}
	bySession   = caller{credential: policy.SessionToken, present: policy.False, via: "false"}
	byConsole   = caller{credential: policy.ConsolePassword, present: policy.False, via: "false"}
	byMFA       = caller{credential: policy.SessionTokenMFA, present: policy.True, via: "false", age: time.Minute}
	byConsole2  = caller{credential: policy.ConsoleMFA, present: policy.True, via: "false", age: time.Minute}
	byForwarded = caller{credential: policy.ForwardedFromKey, present: policy.False, via: "true"}
	byFederated = caller{credential: policy.FederationToken, present: policy.False, via: "false"}
	byCode      = caller{credential: policy.CodeInCall, present: policy.True, via: "false"}
)

func (c caller) arn() string {
	if c.path == "" {
		return "arn:aws:iam::" + account + ":user/alice"
	}
	return "arn:aws:iam::" + account + ":user" + c.path + "alice"
}

const other = "arn:aws:iam::" + account + ":user/bob"

func (c caller) request(action, resource string) *policy.Request {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r := &policy.Request{Action: action, Resource: resource, Context: new(policy.Context)}
	r.Principal = policy.Principal{Kind: policy.IAMUser, Account: account, ARN: c.arn()}
	if c.credential == policy.FederationToken {
		r.Principal = policy.Principal{Kind: policy.FederatedUser, Account: account, Issuer: c.arn(),
			ARN: "arn:aws:sts::" + account + ":federated-user/alice"}
	} else {
		r.Context.Set("aws:username", "alice")
	}
	r.Context.Set("aws:PrincipalArn", r.Principal.ARN)
	r.Context.Set("aws:ViaAWSService", c.via)
	r.Context.SetMFA(c.credential, c.present, now.Add(-c.age), now)
	if c.tag != "" {
		r.Context.Set("aws:PrincipalTag/"+c.tag, "2026-05-08")
	}
	return r
}

func set(t *testing.T, documents ...string) *policy.Set {
	t.Helper()
	s := &policy.Set{}
	for _, d := range documents {
		source := policy.ParseSource("document", policy.Identity, d)
		if source.Err != nil {
			t.Fatalf("%v in %s", source.Err, d)
		}
		s.Identity = append(s.Identity, source)
	}
	return s
}

// actions are what the tests ask about: all of the services that the documents
// name, and one of every twentieth other, which they treat alike.
var actions = sync.OnceValue(func() []string {
	var out []string
	for n, service := range catalog.Load().Services {
		for i, a := range service.Actions {
			if i == 0 && n%20 == 0 || slices.Contains([]string{"iam", "sts", "signin"}, service.Prefix) {
				out = append(out, a.String())
			}
		}
	}
	return out
})

// open lists the actions that a document does not refuse an
// administrator: plain where it makes no difference whom they act on, else
// with own or other. everything stands for all of them.
func open(t *testing.T, document string, c caller) []string {
	t.Helper()
	s := set(t, document, admin)
	refused := func(action, resource string) bool {
		d := s.Refuses(c.request(action, resource))
		if d.Verdict == policy.Unknown {
			t.Fatalf("%s on %s: %s", action, resource, d.Why)
		}
		return d.Verdict == policy.ExplicitDenied
	}
	var out []string
	all := true
	for _, a := range actions() {
		own, others, none := refused(a, c.arn()), refused(a, other), refused(a, "*")
		all = all && !own && !others && !none
		switch {
		case !own && !others && !none:
			out = append(out, a)
		case !own:
			out = append(out, a+" own")
		case !others || !none:
			out = append(out, a+" other")
		}
	}
	if all {
		return []string{"everything"}
	}
	if len(out) > len(actions())/2 {
		return closed(out)
	}
	return sorted(out)
}

// closed lists what is missing from nearly everything.
func closed(open []string) []string {
	var out []string
	for _, a := range actions() {
		i := slices.IndexFunc(open, func(o string) bool { return strings.Fields(o)[0] == a })
		switch {
		case i < 0:
			out = append(out, "not "+a)
		case open[i] != a:
			out = append(out, "only "+open[i])
		}
	}
	return sorted(out)
}

// What a user reads on the way to its first device.
var reading = []string{"iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices"}

// without lists what is open without MFA: what everybody reads, and more.
func without(more ...string) []string {
	out := append(slices.Clone(reading), "iam:ResyncMFADevice own", "sts:GetSessionToken")
	return sorted(append(out, more...))
}

// enrolling is without, and what enrolls a first device.
func enrolling(more ...string) []string {
	return sorted(append(without("iam:CreateVirtualMFADevice", "iam:EnableMFADevice own"), more...))
}

// sorted sorts in place, without case.
func sorted(actions []string) []string {
	slices.SortFunc(actions, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return actions
}

func TestDocumentLeavesOpenExactly(t *testing.T) {
	everything := []string{"everything"}
	// The Denies of enrollment look at forwarded calls too; no service forwards them.
	forwarded := []string{"only iam:EnableMFADevice own", "only iam:ResyncMFADevice own"}
	window := byKey
	window.tag = "ForceMFA-Enrollment"
	old, young := byMFA, byMFA
	old.age, young.age = 12*time.Hour+time.Second, 12*time.Hour
	inPath := byConsole
	inPath.path = "/team/red/"

	for _, row := range []struct {
		name   string
		change func(*document.Policy)
		want   map[string][]string
	}{
		{"default", func(*document.Policy) {}, map[string][]string{
			"key": without(), "window": enrolling(), "session": enrolling(), "console": enrolling(), "path": enrolling(),
			"forwarded": forwarded, "mfa": everything, "console mfa": everything, "limit": everything, "old": everything,
		}},
		{"self_service full", func(p *document.Policy) { p.SelfService = document.SelfServiceFull }, map[string][]string{
			"key": without(), "window": enrolling(), "session": enrolling(), "console": enrolling(), "path": enrolling(),
			"forwarded": forwarded, "mfa": everything, "console mfa": everything, "limit": everything, "old": everything,
		}},
		{"self_service none", func(p *document.Policy) { p.SelfService = document.SelfServiceNone }, map[string][]string{
			"key": without(), "window": enrolling(), "session": enrolling(), "console": enrolling(), "path": enrolling(),
			"forwarded": forwarded, "mfa": everything, "console mfa": everything, "limit": everything, "old": everything,
		}},
		{"enrollment any", func(p *document.Policy) { p.Enrollment = document.EnrollmentAny }, map[string][]string{
			"key": enrolling(), "window": enrolling(), "session": enrolling(), "console": enrolling(), "path": enrolling(),
			"forwarded": forwarded, "mfa": everything, "console mfa": everything, "limit": everything, "old": everything,
		}},
		{"allow_password_change_before_mfa", func(p *document.Policy) { p.PasswordChangeBeforeMFA = true }, map[string][]string{
			"key":       without("iam:ChangePassword own", "iam:GetAccountPasswordPolicy"),
			"window":    enrolling("iam:ChangePassword own", "iam:GetAccountPasswordPolicy"),
			"session":   enrolling("iam:ChangePassword own", "iam:GetAccountPasswordPolicy"),
			"console":   enrolling("iam:ChangePassword own", "iam:GetAccountPasswordPolicy"),
			"path":      enrolling("iam:ChangePassword own", "iam:GetAccountPasswordPolicy"),
			"forwarded": append([]string{"only iam:ChangePassword own"}, forwarded...),
			"mfa":       everything, "console mfa": everything, "limit": everything, "old": everything,
		}},
		{"console_authorization on", func(p *document.Policy) { p.ConsoleAuthorization = document.ConsoleAuthorizationOn }, map[string][]string{
			"key":     without("signin:AuthorizeOAuth2Access"),
			"window":  enrolling("signin:AuthorizeOAuth2Access"),
			"session": enrolling("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"),
			"console": enrolling("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"),
			"path":    enrolling("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"), "forwarded": forwarded,
			"mfa": everything, "console mfa": everything, "limit": everything, "old": everything,
		}},
		{"max_session_age 12h", func(p *document.Policy) { p.MaxSessionAge = 12 * time.Hour }, map[string][]string{
			"key": without(), "window": enrolling(), "session": enrolling(), "console": enrolling(), "path": enrolling(),
			"forwarded": forwarded, "mfa": everything, "console mfa": everything, "limit": everything,
			"old": sorted(append(slices.Clone(reading), "iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ResyncMFADevice", "sts:GetSessionToken")),
		}},
		{"fas deny", func(p *document.Policy) { p.FAS = document.FASDeny }, map[string][]string{
			"key": without(), "window": enrolling(), "session": enrolling(), "console": enrolling(), "path": enrolling(),
			"forwarded": enrolling(), "mfa": everything, "console mfa": everything, "limit": everything, "old": everything,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := baseline.Default()
			row.change(&b.Policy)
			callers := map[string]caller{
				"key": byKey, "window": window, "session": bySession, "console": byConsole, "path": inPath,
				"forwarded": byForwarded, "mfa": byMFA, "console mfa": byConsole2, "limit": young, "old": old,
			}
			for _, document := range []string{b.Document("aws"), b.DenyDocument("aws")} {
				for name, c := range callers {
					if diff := cmp.Diff(row.want[name], open(t, document, c)); diff != "" {
						t.Errorf("%s, open (-want +got):\n%s", name, diff)
					}
				}
			}
		})
	}
}

// What the document itself allows, to a user with nothing else.
func TestDocumentGrantsExactly(t *testing.T) {
	enroll := []string{
		"iam:CreateVirtualMFADevice mfa", "iam:GetAccountPasswordPolicy none", "iam:ListVirtualMFADevices none",
		"iam:ChangePassword own", "iam:DeactivateMFADevice own", "iam:EnableMFADevice own", "iam:GetMFADevice own",
		"iam:GetUser own", "iam:ListMFADevices own", "iam:ResyncMFADevice own",
	}
	full := append(slices.Clone(enroll),
		"iam:CreateAccessKey own", "iam:CreateServiceSpecificCredential own", "iam:DeleteAccessKey own", "iam:DeleteSSHPublicKey own",
		"iam:DeleteServiceSpecificCredential own", "iam:DeleteSigningCertificate own", "iam:GetAccessKeyLastUsed own",
		"iam:GetSSHPublicKey own", "iam:ListAccessKeys own", "iam:ListSSHPublicKeys own", "iam:ListServiceSpecificCredentials own",
		"iam:ListSigningCertificates own", "iam:ResetServiceSpecificCredential own", "iam:UpdateAccessKey own",
		"iam:UpdateSSHPublicKey own", "iam:UpdateServiceSpecificCredential own", "iam:UpdateSigningCertificate own",
		"iam:UploadSSHPublicKey own", "iam:UploadSigningCertificate own")
	for _, row := range []struct {
		selfService document.SelfService
		path        string
		want        []string
	}{
		{document.SelfServiceEnroll, "", enroll},
		{document.SelfServiceEnroll, "/team/", enroll},
		{document.SelfServiceFull, "/a/b/", full},
		{document.SelfServiceNone, "", nil},
	} {
		t.Run(string(row.selfService)+row.path, func(t *testing.T) {
			b := baseline.Default()
			b.Policy.SelfService = row.selfService
			c := byMFA
			c.path = row.path
			want := sorted(slices.Clone(row.want))
			if diff := cmp.Diff(want, granted(t, b.Document("aws"), c)); diff != "" {
				t.Errorf("granted (-want +got):\n%s", diff)
			}
		})
	}
}

// granted lists the actions of the catalogue that a document allows, with the
// kind of resource.
func granted(t *testing.T, document string, c caller) []string {
	t.Helper()
	s := set(t, document)
	allows := func(action, resource string) bool {
		return s.Decide(c.request(action, resource)).Verdict == policy.Allowed
	}
	var out []string
	for _, a := range actions() {
		switch {
		case allows(a, "*"):
			out = append(out, a+" none")
		case allows(a, other):
			out = append(out, a+" other")
		case allows(a, c.arn()):
			out = append(out, a+" own")
		case allows(a, "arn:aws:iam::"+account+":mfa/any-name"):
			out = append(out, a+" mfa")
		}
	}
	return sorted(out)
}
