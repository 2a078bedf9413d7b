package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/policy"
)

// An Example is a request that shows the problem, with the decision of package
// policy. [Example.Replay] repeats the decision from these fields.
type Example struct {
	Principal  string `json:"principal"`         // ARN, or the name of a service
	Issuer     string `json:"issuer,omitempty"`  // the role behind a role session
	Credential string `json:"credential"`        // such as long-term access key, console session without MFA
	MFA        string `json:"mfa"`               // aws:MultiFactorAuthPresent: absent, false or true
	Age        int    `json:"mfa_age,omitempty"` // seconds since the MFA code was entered
	Action     string `json:"action"`
	Resource   string `json:"resource"`
	// Keys are further condition keys that matter; an empty list means that the
	// request does not have the key.
	Keys map[string][]string `json:"keys,omitempty"`
	// Beside means that everything else is allowed, as by AdministratorAccess
	// or, for a service control policy, FullAWSAccess. Roles and KMS keys
	// delegate the decision to their account.
	Beside  bool `json:"beside_full_access"`
	Allowed bool `json:"allowed"` // by the document
}

// String formats the example as in "allowed: s3:GetObject on … by long-term
// access key of … (MFA absent)".
func (w *Example) String() string {
	verdict := "refused"
	if w.Allowed {
		verdict = "allowed"
	}
	s := fmt.Sprintf("%s: %s on %s by %s of %s, MFA %s", verdict, w.Action, w.Resource, w.Credential, w.Principal, w.MFA)
	if w.Age > 0 {
		s += fmt.Sprintf(" (%d s old)", w.Age)
	}
	for _, k := range slices.Sorted(maps.Keys(w.Keys)) {
		value := strings.Join(w.Keys[k], ", ")
		if value == "" {
			value = "absent"
		}
		s += ", " + k + " " + value
	}
	if w.Beside {
		s += ", with full access"
	}
	return s
}

// Replay decides the request with the document. [Check] reports only examples
// that Replay confirms.
func (w *Example) Replay(kind policy.Kind, text string) (policy.Verdict, error) {
	doc, err := policy.Parse(kind, text)
	if err != nil {
		return policy.Unknown, err
	}
	at, err := w.situation()
	if err != nil {
		return policy.Unknown, err
	}
	in := inspection{kind: kind, doc: doc}
	in.alone = policy.Source{Name: "document", Document: doc}
	if !w.Beside {
		return in.decide(in.alone, at), nil
	}
	return in.decide(in.withAll(doc), at), nil
}

func (w *Example) situation() (*situation, error) {
	at := &situation{action: w.Action, resource: w.Resource, keys: w.Keys}
	at.who = caller{principal: w.caller(), age: time.Duration(w.Age) * time.Second}
	for c := policy.LongTermKey; c <= policy.NoCredential; c++ {
		if c.String() == w.Credential {
			at.who.credential = c
		}
	}
	for _, p := range []policy.Presence{policy.Absent, policy.False, policy.True} {
		if p.String() == w.MFA {
			at.who.present = p
		}
	}
	if at.who.credential == 0 || at.who.present == 0 {
		return nil, fmt.Errorf("example %s: no credential is called %q with MFA %q", w.Action, w.Credential, w.MFA)
	}
	return at, nil
}

// caller returns the principal with the example's ARN.
func (w *Example) caller() policy.Principal {
	p := policy.Principal{ARN: w.Principal, Issuer: w.Issuer}
	parts := strings.SplitN(w.Principal, ":", 6)
	switch {
	case w.Credential == policy.NoCredential.String() && strings.Contains(w.Action, "AssumeRoleWith"):
		p.Kind = policy.Federated
	case w.Credential == policy.NoCredential.String():
		p.Kind = policy.AWSService
	case w.Issuer != "":
		p.Kind, p.Account = policy.RoleSession, parts[4]
	case len(parts) == 6:
		p.Kind, p.Account = policy.IAMUser, parts[4]
	}
	return p
}

// example converts a situation. It returns nil when repeating the decision gives
// a different result.
func (in *inspection) example(at *situation, beside, allowed bool) *Example {
	w := &Example{
		Principal: at.who.principal.ARN, Issuer: at.who.principal.Issuer, Credential: at.who.credential.String(), MFA: at.who.present.String(),
		Action: at.action, Resource: at.resource, Keys: at.keys, Beside: beside, Allowed: allowed,
	}
	if at.who.present == policy.True {
		w.Age = int(at.who.age / time.Second)
	}
	again, err := w.situation()
	if err != nil {
		return nil
	}
	source := in.alone
	if beside {
		source = in.open
	}
	v := in.decide(source, again)
	if allowed != (v == policy.Allowed) || !allowed && v == policy.Unknown {
		return nil
	}
	return w
}
