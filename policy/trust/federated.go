package trust

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Provider is how somebody without IAM credentials assumes a role.
type Provider uint8

// The providers.
const (
	OIDC Provider = iota + 1
	Cognito
	SAML
	RolesAnywhere
)

// A Federation is a statement of a trust policy for principals of an identity
// provider, or for certificates. IAM cannot require MFA of them.
type Federation struct {
	Index     int // of the statement, from 0
	Statement *policy.Statement
	Provider  Provider
	Name      string // of the provider, as the Principal element has it
	// Open says what the conditions accept that they should not, as the end of a
	// sentence; empty when they limit who can assume the role.
	Open string
	// Shared means that anybody can get a token of the provider.
	Shared bool
}

// Federations are the statements by which principals of identity providers can
// assume the role.
func Federations(d *policy.Document) []Federation {
	var out []Federation
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != policy.Allow || s.Principals == nil {
			continue
		}
		for _, name := range s.Principals.Federated {
			f := federation(s, name)
			f.Index = i
			out = append(out, f)
		}
		if slices.Contains(s.Principals.Service, "rolesanywhere.amazonaws.com") {
			out = append(out, Federation{Index: i, Statement: s, Provider: RolesAnywhere, Name: "rolesanywhere.amazonaws.com", Open: openCertificates(s)})
		}
	}
	return out
}

func federation(s *policy.Statement, name string) Federation {
	f := Federation{Statement: s, Provider: OIDC, Name: name}
	issuer := name
	if a, ok := arn.Split(name); ok {
		kind, rest, _ := strings.Cut(a.Resource, "/")
		if issuer = rest; kind == "saml-provider" {
			f.Provider = SAML
			return f
		}
	}
	if issuer == "cognito-identity.amazonaws.com" {
		f.Provider, f.Open = Cognito, openCognito(s)
		f.Shared = f.Open == anyPool
		return f
	}
	f.Shared = sharedIssuer(issuer)
	f.Open = openSubject(s, issuer)
	return f
}

const anyPool = "any identity pool, of any account"

// openCognito judges a statement for an identity pool.
// Source: Amazon Cognito Developer Guide, "Using role-based access control",
// trust policy: aud is the identity pool, amr says whether the user signed in.
func openCognito(s *policy.Statement) string {
	const issuer = "cognito-identity.amazonaws.com"
	switch {
	case Accepts(s, issuer+":aud", "us-east-1:00000000-0000-4000-8000-00000000f0ce"):
		return anyPool
	case Accepts(s, issuer+":amr", "unauthenticated"):
		return "users of the identity pool who have not signed in"
	}
	return ""
}

// strangers are subjects of other customers of an issuer that anybody can use.
// Sources: the documentation of each issuer on the subject of its tokens.
var strangers = map[string]string{
	"token.actions.githubusercontent.com": "repo:forcemfa-unnamed/forcemfa-unnamed:ref:refs/heads/main",
	"gitlab.com":                          "project_path:forcemfa-unnamed/forcemfa-unnamed:ref_type:branch:ref:main",
	"app.terraform.io":                    "organization:forcemfa-unnamed:project:forcemfa-unnamed:workspace:forcemfa-unnamed:run_phase:apply",
	"accounts.google.com":                 "000000000000000000000",
	"www.amazon.com":                      "amzn1.account.FORCEMFAUNNAMED",
	"graph.facebook.com":                  "000000000000000",
	"agent.buildkite.com":                 "organization:forcemfa-unnamed:pipeline:forcemfa-unnamed:ref:refs/heads/main:commit:0:step:build",
}

func sharedIssuer(issuer string) bool {
	_, ok := strangers[issuer]
	return ok
}

// openSubject judges a statement for an OIDC provider: by the subject, or where
// the application decides, by the audience.
// Source: IAM User Guide, "Create a role for OpenID Connect federation".
func openSubject(s *policy.Statement, issuer string) string {
	stranger, shared := strangers[issuer]
	if !shared {
		stranger = "system:serviceaccount:forcemfa-unnamed:forcemfa-unnamed"
	}
	limited := false
	for _, key := range []string{":sub", ":email", ":oid", ":repository", ":job_workflow_ref", ":app_id", ":user_id"} {
		limited = limited || !Accepts(s, issuer+key, stranger) && !Accepts(s, issuer+key, "")
	}
	switch {
	case !limited:
		return "any subject of the provider"
	case shared && anyOwner(s, issuer):
		return "subjects of any owner whose name fits a wildcard"
	}
	return ""
}

// anyOwner reports whether a pattern for the subject has a wildcard in the name of the
// owner or before it, as in repo:acme*:*, repo:*/app:* or *:acme/*: anybody can register
// such a name, or have a subject that has acme further on, as the name of an environment.
func anyOwner(s *policy.Statement, issuer string) bool {
	return slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool {
		return strings.EqualFold(c.Key, issuer+":sub") && !Accepts(s, c.Key, "") && slices.ContainsFunc(c.Values, func(v string) bool {
			kind, rest, _ := strings.Cut(v, ":")
			if end := strings.IndexAny(rest, "/:"); end >= 0 {
				rest = rest[:end]
			}
			return strings.ContainsAny(kind+rest, "*?") && Accepts(s, c.Key, filled(v))
		})
	})
}

// openCertificates judges a statement for IAM Roles Anywhere.
// Source: IAM Roles Anywhere User Guide, "Trust model", trust policy.
func openCertificates(s *policy.Statement) string {
	stranger := "arn:aws:rolesanywhere:us-east-1:111111111111:trust-anchor/00000000-0000-4000-8000-00000000f0ce"
	if !Accepts(s, "aws:SourceArn", stranger) {
		return ""
	}
	for _, c := range s.Conditions {
		if strings.HasPrefix(strings.ToLower(c.Key), "aws:principaltag/x509") && !Accepts(s, c.Key, "forcemfa-unnamed") && !Accepts(s, c.Key, "") {
			return ""
		}
	}
	return "any certificate of any trust anchor of the account"
}
