package prove_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// splits are groups of Denies that enforce together: by one statement, by the
// Region, the network, a tag, or the resource.
var splits = [][]string{
	{fmt.Sprintf(denyAll, mfa)},
	{fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`), fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}`)},
	{fmt.Sprintf(denyAll, mfa+`,"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`), fmt.Sprintf(denyAll, mfa+`,"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)},
	{fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:RequestTag/a":"x"}`), fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:RequestTag/a":"x"}`)},
	{`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"NotResource":"arn:aws:s3:::free/*","Condition":{` + mfa + `}}`,
		`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"Resource":"arn:aws:s3:::free/*","Condition":{` + mfa + `}}`},
	{fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`), fmt.Sprintf(denyAll, `"Null":{"aws:MultiFactorAuthPresent":"true"}`)},
}

// drawEnforced draws a user with several documents, whose Denies enforce MFA, and the proof.
func drawEnforced(t *rapid.T) (prove.Subject, *policy.Proof) {
	list := slices.Concat(rapid.SampledFrom(splits).Draw(t, "split"), []string{others, byKey})
	if rapid.Bool().Draw(t, "a second split") {
		list = append(list, rapid.SampledFrom(splits).Draw(t, "second")...)
	}
	list = rapid.Permutation(list).Draw(t, "order")
	at := rapid.IntRange(0, len(list)).Draw(t, "cut")
	set := &policy.Set{Identity: []policy.Source{source(policy.Identity, "a", slices.Concat([]string{admin}, list[:at])...), source(policy.Identity, "b", slices.Concat(list[at:], []string{admin})...)}}
	s := bob(set)
	s.HasDevice = rapid.Bool().Draw(t, "device")
	s.ForwardedCallsPass = rapid.Bool().Draw(t, "forwarded")
	a := prove.User(s)
	if a.Outcome != prove.Enforced || a.Strict != prove.Enforced {
		t.Fatalf("not enforced: %s %s", text(a), a.Why)
	}
	if err := certificate.Check(a.Proof, claimOf(s)); err != nil {
		t.Fatal(err)
	}
	return s, a.Proof
}

// mutateProof changes one field of a copy of a proof.
func mutateProof(t *rapid.T, p *policy.Proof) *policy.Proof {
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out := new(policy.Proof)
	if err := json.Unmarshal(raw, out); err != nil {
		t.Fatal(err)
	}
	at := rapid.IntRange(0, len(out.Cases)-1).Draw(t, "case")
	c := &out.Cases[at]
	if rapid.IntRange(0, 5).Draw(t, "what") == 0 {
		mutateCase(t, out, at)
		return out
	}
	i := rapid.IntRange(0, len(c.Cells)-1).Draw(t, "cell")
	cell := &c.Cells[i]
	switch rapid.IntRange(0, 5).Draw(t, "of the cell") {
	case 0:
		c.Cells = slices.Delete(c.Cells, i, i+1)
	case 1:
		c.Cells = append(c.Cells, *cell)
	case 2:
		cell.Action = rapid.SampledFrom([]string{"", "*", "s3:GetObject", "iam:EnableMFADevice", "iam:GetUser", "made:Up"}).Draw(t, "action")
	case 3:
		cell.Resource = rapid.SampledFrom([]string{"", "*", "arn:aws:s3:::free/x", "arn:aws:s3:::other/x", self}).Draw(t, "resource")
	default:
		mutateDenies(t, cell)
	}
	return out
}

func mutateCase(t *rapid.T, p *policy.Proof, at int) {
	c := &p.Cases[at]
	switch rapid.IntRange(0, 4).Draw(t, "of the case") {
	case 0:
		p.Cases = slices.Delete(p.Cases, at, at+1)
	case 1:
		p.Cases = append(p.Cases, *c)
	case 2:
		c.Credential = rapid.SampledFrom([]policy.Credential{policy.LongTermKey, policy.SessionToken, policy.ConsolePassword, policy.ForwardedFromKey, policy.SessionTokenMFA}).Draw(t, "credential")
	case 3:
		c.Present = rapid.SampledFrom([]policy.Presence{policy.Absent, policy.False, policy.True}).Draw(t, "present")
	default:
		c.Cells = rapid.SampledFrom(p.Cases).Draw(t, "another").Cells
	}
}

func mutateDenies(t *rapid.T, cell *policy.ProofCell) {
	other := policy.ProofDeny{Source: rapid.IntRange(-1, 2).Draw(t, "source"), Statement: rapid.IntRange(-1, 6).Draw(t, "statement")}
	i := rapid.IntRange(0, len(cell.By)-1).Draw(t, "deny")
	switch rapid.IntRange(0, 4).Draw(t, "of the Denies") {
	case 0:
		cell.By = slices.Delete(cell.By, i, i+1)
	case 1:
		cell.By = append(cell.By, other)
	case 2:
		cell.By[i].Source = other.Source
	case 3:
		cell.By[i].Statement = other.Statement
	default:
		cell.By[i] = other
	}
}

// mutateClaim asks for more than the proof is about.
func mutateClaim(t *rapid.T, s *prove.Subject) {
	switch rapid.IntRange(0, 3).Draw(t, "of the claim") {
	case 0:
		s.HasDevice = !s.HasDevice
	case 1:
		s.ForwardedCallsPass = !s.ForwardedCallsPass
	case 2:
		i := rapid.IntRange(0, len(s.Enrollment)-1).Draw(t, "enrollment")
		s.Enrollment = slices.Delete(slices.Clone(s.Enrollment), i, i+1)
	default:
		s.EnrollmentByKey = !s.EnrollmentByKey
	}
}

// documentMutations are pairs of texts: one of them becomes the other.
var documentMutations = [][2]string{
	{`"Effect": "Deny"`, `"Effect": "Allow"`}, {`"BoolIfExists"`, `"Bool"`}, {`"Bool"`, `"BoolIfExists"`}, {`"false"`, `"true"`}, {`"true"`, `"false"`},
	{`"StringNotEquals"`, `"StringNotLike"`}, {`"StringNotEquals"`, `"StringEquals"`}, {`"StringEquals"`, `"StringEqualsIgnoreCase"`}, {`"NotIpAddress"`, `"IpAddress"`},
	{`"eu-west-1"`, `"us-east-1"`}, {`"x"`, `"y"`}, {`"192.0.2.0/24"`, `"192.0.2.0/25"`}, {`"aws:RequestTag/a"`, `"aws:RequestTag/b"`},
	{`"aws:MultiFactorAuthPresent"`, `"aws:SecureTransport"`}, {`"aws:TokenIssueTime"`, `"aws:UserAgent"`}, {`"arn:aws:s3:::free/*"`, `"arn:aws:s3:::free/a*"`},
	{`"Resource": "*"`, `"Resource": "arn:aws:s3:::*"`}, {`"NotResource"`, `"Resource"`}, {`"NotAction"`, `"Action"`}, {`"iam:GetUser"`, `"iam:*User"`}, {`"iam:GetUser"`, `"s3:Get*"`},
	{`"iam:EnableMFADevice"`, `"iam:ResyncMFADevice"`}, {`/${aws:username}"`, `/*"`},
}

// mutateDocument changes one element of one document.
func mutateDocument(t *rapid.T, s *prove.Subject) {
	set := &policy.Set{Identity: slices.Clone(s.Set.Identity)}
	i := rapid.IntRange(0, 1).Draw(t, "document")
	text := set.Identity[i].Document.String()
	var possible []string
	for _, m := range documentMutations {
		for at, from := 0, text; ; {
			n := strings.Index(from, m[0])
			if n < 0 {
				break
			}
			at += n
			possible = append(possible, text[:at]+m[1]+text[at+len(m[0]):])
			at += len(m[0])
			from = text[at:]
		}
	}
	if len(possible) == 0 {
		t.Skip("nothing to change")
	}
	set.Identity[i] = policy.ParseSource("changed", policy.Identity, rapid.SampledFrom(possible).Draw(t, "change"))
	s.Set = set
}

// named is the set with only those Denies that the proof names for a way of
// making requests; nil when it has no case for it.
func named(s prove.Subject, p *policy.Proof, credential policy.Credential, present policy.Presence) *policy.Set {
	i := slices.IndexFunc(p.Cases, func(c policy.ProofCase) bool { return c.Credential == credential && c.Present == present })
	if i < 0 {
		return nil
	}
	keep := map[policy.ProofDeny]bool{}
	for _, cell := range p.Cases[i].Cells {
		for _, d := range cell.By {
			keep[d] = true
		}
	}
	out := &policy.Set{}
	for n, old := range s.Set.Identity {
		d := *old.Document
		d.Statements = nil
		for j, statement := range old.Document.Statements {
			if keep[policy.ProofDeny{Source: n, Statement: j}] {
				d.Statements = append(d.Statements, statement)
			}
		}
		if len(d.Statements) > 0 {
			out.Identity = append(out.Identity, policy.ParseSource("named", policy.Identity, d.String()))
		}
	}
	return out
}

// An attempt is a request with the keys that its sender chose.
type attempt struct {
	action, resource string
	keys             map[string]string
}

// attempts are made with every combination of the values that the splits and
// their mutations distinguish.
var attempts = sync.OnceValue(func() (out []attempt) {
	const else1, else2 = "arn:aws:iam::" + account + ":user/else", "arn:aws:iam::" + account + ":user/x/bobby"
	for _, at := range [][2]string{
		{"s3:GetObject", "arn:aws:s3:::free/x"}, {"s3:GetObject", "arn:aws:s3:::free/ab"}, {"s3:GetObject", "arn:aws:s3:::other/x"}, {"made:Up", "*"},
		{"iam:CreateUser", self}, {"iam:DeleteUser", else1}, {"iam:EnableMFADevice", self}, {"iam:EnableMFADevice", else1}, {"iam:EnableMFADevice", else2},
		{"iam:GetUser", self}, {"iam:CreateVirtualMFADevice", "arn:aws:iam::" + account + ":mfa/bob"},
	} {
		keys := []map[string]string{{"aws:SecureTransport": "true"}, {"aws:SecureTransport": "false"}}
		for key, values := range map[string][]string{"aws:RequestedRegion": {"eu-west-1", "us-east-1"}, "aws:SourceIp": {"192.0.2.7", "192.0.2.200", "198.51.100.7"},
			"aws:RequestTag/a": {"x", "X", "y"}, "aws:UserAgent": {"curl"}} {
			for _, before := range slices.Clone(keys) {
				for _, v := range values {
					more := maps.Clone(before)
					more[key] = v
					keys = append(keys, more)
				}
			}
		}
		for _, k := range keys {
			out = append(out, attempt{at[0], at[1], k})
		}
	}
	return out
})

// mustBeRefused is the rule of the enrollment set, written for these requests.
func mustBeRefused(s prove.Subject, action, resource string, credential policy.Credential) bool {
	own := resource == self
	listed := slices.Contains(s.Enrollment, action)
	switch {
	case action != "iam:EnableMFADevice":
		return !listed
	case own && s.HasDevice:
		return false
	case listed && own && (s.EnrollmentByKey || credential != policy.LongTermKey):
		return false
	}
	return true
}

// tells reports whether documents distinguish requests by all of these keys.
func tells(documents string, keys map[string]string) bool {
	for key, value := range keys {
		if !strings.Contains(documents, key) && value != "true" {
			return false
		}
	}
	return true
}

// passes looks by brute force for a request that the named Denies let pass.
func passes(s prove.Subject, p *policy.Proof) string {
	kinds := map[policy.Credential][]policy.Presence{policy.LongTermKey: {policy.Absent}, policy.SessionToken: {policy.False}, policy.ConsolePassword: {policy.False}}
	if !s.ForwardedCallsPass {
		kinds[policy.ForwardedFromKey] = []policy.Presence{policy.Absent}
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	text := s.Set.Identity[0].Document.String() + s.Set.Identity[1].Document.String()
	for credential, states := range kinds {
		for _, present := range states {
			if credential.MFA().Present&present == 0 {
				continue
			}
			set := s.Set
			if p != nil {
				set = named(s, p, credential, present)
			}
			if set == nil {
				return fmt.Sprint("no case for ", credential)
			}
			for _, r := range attempts() {
				if _, limited := credential.Limit(r.action); limited || !tells(text, r.keys) || !mustBeRefused(s, r.action, r.resource, credential) {
					continue
				}
				c := s.Context.Clone()
				c.SetMFA(credential, present, at, at)
				for key, value := range r.keys {
					c.Set(key, value)
				}
				if v := set.Refuses(&policy.Request{Principal: s.Principal, Action: r.action, Resource: r.resource, Context: c}).Verdict; v != policy.ExplicitDenied {
					return fmt.Sprintf("%s on %s with %v: %v, %s", r.action, r.resource, credential, v, describe(c))
				}
			}
		}
	}
	return ""
}

// A proof of which one field is changed is refused, unless the Denies that it
// still names refuse everything by brute force.
func TestMutatedProofsAreRefused(t *testing.T) {
	var checker certificate.Checker
	refused, harmless := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s, proof := drawEnforced(t)
		if found := passes(s, proof); found != "" {
			t.Fatalf("the proof itself lets pass: %s", found)
		}
		for range 8 {
			claimed, changed := s, mutateProof(t, proof)
			if rapid.IntRange(0, 4).Draw(t, "the claim too") == 0 {
				mutateClaim(t, &claimed)
			}
			if checker.Check(changed, claimOf(claimed)) != nil {
				refused++
				continue
			}
			harmless++
			if found := passes(claimed, changed); found != "" {
				raw, _ := json.Marshal(changed)
				t.Fatalf("accepted, but lets pass: %s\n%s\n%s\n%s", found, raw, claimed.Set.Identity[0].Document, claimed.Set.Identity[1].Document)
			}
		}
	})
	t.Logf("%d refused, %d harmless", refused, harmless)
	if least := 10 / testdepth.Each(5); refused < 10*least || harmless < least {
		t.Errorf("%d refused and %d harmless mutations are too few to say anything", refused, harmless)
	}
}

// The proof of a document does not prove another one: prover and checker get the
// same changed document, the checker with the old proof as well as the new one.
func TestOldProofsOfMutatedDocumentsAreRefused(t *testing.T) {
	var checker certificate.Checker
	refused, harmless := 0, 0
	outcomes := map[prove.Outcome]int{}
	rapid.Check(t, func(t *rapid.T) {
		s, proof := drawEnforced(t)
		for range 4 {
			changed := s
			mutateDocument(t, &changed)
			if checker.Check(proof, claimOf(changed)) != nil {
				refused++
			} else if harmless++; passes(changed, proof) != "" {
				t.Fatalf("the old proof is accepted, but lets pass: %s\n%s\n%s", passes(changed, proof), changed.Set.Identity[0].Document, changed.Set.Identity[1].Document)
			}
			a := prove.User(changed)
			outcomes[a.Outcome]++
			switch a.Outcome {
			case prove.Enforced:
				if found := passes(changed, nil); found != "" {
					t.Fatalf("proved, but lets pass: %s\n%s\n%s", found, changed.Set.Identity[0].Document, changed.Set.Identity[1].Document)
				}
				if err := checker.Check(a.Proof, claimOf(changed)); a.Strict == prove.Enforced && err != nil {
					t.Errorf("the checker refuses the new proof: %v", err)
				}
			case prove.Open:
				checkCounterexample(t, changed, a)
			}
		}
	})
	t.Logf("%d refused, %d harmless, %v", refused, harmless, outcomes)
	if least := 5 / testdepth.Each(5); refused < 10*least || outcomes[prove.Enforced] < least || outcomes[prove.Open] < 6*least {
		t.Errorf("%d refused, outcomes %v: too few to say anything", refused, outcomes)
	}
}
