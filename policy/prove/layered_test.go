package prove_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// A rule is a Deny as its elements: their texts in JSON.
type rule struct {
	action, resource string
	tests            map[string]map[string][]string
}

func (r rule) String() string {
	condition, err := json.Marshal(r.tests)
	if err != nil {
		panic(err)
	}
	return `{"Effect":"Deny",` + r.action + `,` + r.resource + `,"Condition":` + string(condition) + `}`
}

// half is the guard with the condition about MFA and nothing else.
func half() rule {
	return rule{`"NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"]`, `"Resource":"*"`,
		map[string]map[string][]string{"BoolIfExists": {"aws:MultiFactorAuthPresent": {"false"}}}}
}

var (
	layeredActions = []string{`["s3:*"]`, `["iam:*"]`, `["s3:Get*","sts:*"]`, `["dynamodb:*Table"]`, `["*:Get*"]`, `["s3:?etObject"]`, `["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"]`,
		`["iam:EnableMFADevice","iam:GetUser","secretsmanager:*"]`, `["*"]`}
	layeredResources = []string{"*", "arn:aws:s3:::a/*", "arn:aws:s3:::${aws:RequestTag/a}/*", "arn:aws:s3:::*/${aws:username}/*", "arn:aws:iam::*:user/${aws:username}",
		"arn:aws:iam::111111111111:*", "arn:aws:dynamodb:*:*:table/${aws:ResourceTag/owner}", "arn:aws:dynamodb:eu-west-1:*:table/t?", "arn:*:*:*:*:*", "arn:aws:s3:::${aws:RequestTag/absent, 'a'}/*"}
	layeredKeys = []string{"aws:RequestTag/a", "aws:ResourceTag/owner", "aws:TagKeys", "aws:username", "aws:SourceIp", "aws:SourceVpce", "aws:CurrentTime", "aws:RequestedRegion", "aws:ResourceAccount",
		"aws:SecureTransport", "aws:PrincipalTag/team", "aws:UserAgent", "s3:prefix"}
	layeredOperands = append([]string{"192.0.2.0/25", "eu-west-1", "us-*", "111111111111", "vpce-1", "2026-03-02T00:00:00Z", "curl", "${s3:prefix}", "${aws:PrincipalTag/team}", "a"}, mixedOperands...)
)

// layers are where a document can stand.
var layers = []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP}

// drawRules draws Denies: the guard whole, in parts that seem to cover all requests together, or any.
func drawRules(t *rapid.T) (out []rule) {
	one, other := half(), half()
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 7:
		return []rule{one}
	case 0, 2: // by the operators on a key
		key := rapid.SampledFrom(layeredKeys).Draw(t, "key")
		pair := rapid.SampledFrom(complements).Draw(t, "pair")
		values := rapid.SliceOfNDistinct(rapid.SampledFrom(layeredOperands), 1, 2, rapid.ID).Draw(t, "values")
		for i, r := range []rule{one, other} {
			own := values
			if strings.HasPrefix(pair[i], "Bool") || pair[i] == "Null" {
				own = []string{[]string{"true", "false"}[i]}
			}
			if r.tests[pair[i]] == nil {
				r.tests[pair[i]] = map[string][]string{}
			}
			r.tests[pair[i]][key] = own
		}
	case 3, 4: // by the resource
		value := rapid.SampledFrom(layeredResources).Draw(t, "resource")
		one.resource, other.resource = fmt.Sprintf(`"Resource":%q`, value), fmt.Sprintf(`"NotResource":%q`, value)
	case 5: // by the action
		value := rapid.SampledFrom(layeredActions).Draw(t, "action")
		one.action, other.action = `"Action":`+value, `"NotAction":`+value
	case 6: // by the key and the operator alone
		one.tests = map[string]map[string][]string{"Null": {"aws:MultiFactorAuthPresent": {"true"}}}
		other.tests = map[string]map[string][]string{"Bool": {"aws:MultiFactorAuthPresent": {"false"}}}
	case 1:
		return []rule{drawRule(t, "first"), drawRule(t, "second"), drawRule(t, "third")}
	}
	out = []rule{one, other}
	if rapid.IntRange(0, 2).Draw(t, "more") == 0 {
		out = append(out, drawRule(t, "more"))
	}
	return out
}

func drawRule(t *rapid.T, label string) rule {
	r := half()
	not := rapid.SampledFrom([]string{"", "Not"})
	if rapid.Bool().Draw(t, label+" action") {
		r.action = `"` + not.Draw(t, label+" not") + `Action":` + rapid.SampledFrom(layeredActions).Draw(t, label+" actions")
	}
	if rapid.Bool().Draw(t, label+" resource") {
		r.resource = fmt.Sprintf(`"%sResource":%q`, not.Draw(t, label+" not resource"), rapid.SampledFrom(layeredResources).Draw(t, label+" resources"))
	}
	r.tests = drawTests(t, label)
	return r
}

func drawTests(t *rapid.T, label string) map[string]map[string][]string {
	tests := half().tests
	for i := range rapid.IntRange(0, 2).Draw(t, label+" tests") {
		operator := rapid.SampledFrom(mixedOperators).Draw(t, fmt.Sprint(label, " operator", i))
		values := rapid.SliceOfNDistinct(rapid.SampledFrom(layeredOperands), 1, 2, rapid.ID).Draw(t, fmt.Sprint(label, " values", i))
		if operator == "Null" {
			values = []string{rapid.SampledFrom([]string{"true", "false"}).Draw(t, fmt.Sprint(label, " null", i))}
		}
		if tests[operator] == nil {
			tests[operator] = map[string][]string{}
		}
		tests[operator][rapid.SampledFrom(layeredKeys).Draw(t, fmt.Sprint(label, " key", i))] = values
	}
	return tests
}

// drawGrant draws an Allow with conditions.
func drawGrant(t *rapid.T) string {
	r := drawRule(t, "grant")
	delete(r.tests, "BoolIfExists")
	return strings.Replace(r.String(), `"Deny"`, `"Allow"`, 1)
}

// drawLayered draws a set whose Denies stand in policies of every kind. Mostly an administrator, sometimes held
// by a boundary, a session policy or an SCP that allows less.
func drawLayered(t *rapid.T) *policy.Set {
	at := map[policy.Kind][]string{policy.Identity: {admin, others, byKey}}
	common := rapid.SampledFrom(layers).Draw(t, "layer")
	for i, r := range drawRules(t) {
		layer := common
		if rapid.IntRange(0, 2).Draw(t, fmt.Sprint("elsewhere", i)) == 0 {
			layer = rapid.SampledFrom(layers).Draw(t, fmt.Sprint("layer", i))
		}
		if layer == policy.RCP && (strings.Contains(r.action, "NotAction") || !strings.Contains(r.action, "s3:")) { // an RCP names services
			r.action = `"Action":["s3:*","dynamodb:*","secretsmanager:*","kms:*","sts:*"]`
		}
		at[layer] = append(at[layer], r.String())
	}
	grants := rapid.SampledFrom([]string{admin, admin, admin, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}`, drawGrant(t)})
	if rapid.IntRange(0, 2).Draw(t, "conditional") == 0 {
		at[policy.Identity][0] = drawGrant(t)
	}
	set := &policy.Set{Identity: []policy.Source{source(policy.Identity, "i", at[policy.Identity]...)}}
	if list := at[policy.Boundary]; list != nil || rapid.IntRange(0, 5).Draw(t, "boundary") == 0 {
		set.Boundary = new(source(policy.Boundary, "b", append(list, grants.Draw(t, "boundary grants"))...))
	}
	if list := at[policy.Session]; list != nil {
		set.Session = []policy.Source{source(policy.Session, "s", append(list, grants.Draw(t, "session grants"))...)}
	}
	full := source(policy.SCP, "full", admin)
	if list := at[policy.SCP]; list != nil || rapid.IntRange(0, 5).Draw(t, "scp") == 0 {
		level := []policy.Source{source(policy.SCP, "c", append(list, grants.Draw(t, "SCP grants"))...)}
		set.SCPs = rapid.Permutation([][]policy.Source{{full}, level}).Draw(t, "levels")
	}
	if list := at[policy.RCP]; list != nil {
		for i := range list { // an RCP names everybody
			list[i] = strings.Replace(list[i], `"Effect":"Deny"`, `"Effect":"Deny","Principal":"*"`, 1)
		}
		all := strings.Replace(admin, `"Action"`, `"Principal":"*","Action"`, 1)
		set.RCPs = [][]policy.Source{{source(policy.RCP, "all", all)}, {source(policy.RCP, "all", all), source(policy.RCP, "r", list...)}}
	}
	for _, s := range set.Sources() {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
	}
	return set
}

// claims is a proof that the prover did not make: that the drawn Denies refuse together what the guard refuses.
func claims(t *rapid.T, s prove.Subject) *policy.Proof {
	raw, err := json.Marshal(prove.User(bob(identity(admin, others, byKey, fmt.Sprintf(denyAll, mfa)))).Proof)
	if err != nil {
		t.Fatal(err)
	}
	out := new(policy.Proof)
	if err := json.Unmarshal(raw, out); err != nil {
		t.Fatal(err)
	}
	var drawn []policy.ProofDeny
	for n, source := range s.Set.Sources() {
		for i := range source.Document.Statements {
			if source.Document.Statements[i].Effect == policy.Deny && (n > 0 || i > 2) {
				drawn = append(drawn, policy.ProofDeny{Source: n, Statement: i})
			}
		}
	}
	for i := range out.Cases {
		for j := range out.Cases[i].Cells {
			if cell := &out.Cases[i].Cells[j]; len(cell.By) > 0 && cell.By[0].Statement == 3 {
				cell.By = drawn
			}
		}
	}
	return out
}

// layeredRequests are drawn for each set, a fifth of them in a plain run.
const layeredRequests = 1500

// What is called enforced, or not exploitable today, is so for requests that know nothing of prover and checker,
// whatever kind of policy the Denies stand in.
func TestProofsHoldForLayersOfPolicies(t *testing.T) {
	words := map[prove.Outcome]string{prove.Unknown: "unknown", prove.Enforced: "enforced", prove.Open: "open"}
	outcomes, accepted, sent, sets := map[string]int{}, 0, 0, uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		s := bob(drawLayered(t))
		a := prove.User(s)
		outcomes[words[a.Outcome]+", today "+words[a.Today.Outcome]]++
		if a.Outcome == prove.Open {
			checkExample(t, s, a)
		}
		if a.Outcome == prove.Enforced {
			if err := certificate.Check(a.Proof, claimOf(s)); a.Strict == prove.Enforced && err != nil {
				t.Errorf("the checker refuses the proof: %v\n%s", err, texts(s.Set))
			}
		}
		taken := certificate.Check(claims(t, s), claimOf(s)) == nil
		if taken {
			accepted++
		}
		sets++
		sender := newSender(s, rand.New(rand.NewPCG(sets, 14)))
		for range layeredRequests / testdepth.Each(5) {
			r, set := sender.request(taken || a.Strict == prove.Enforced)
			if r == nil {
				continue
			}
			sent++
			if v := set.Refuses(r).Verdict; v != policy.ExplicitDenied && (taken || a.Outcome == prove.Enforced) {
				t.Fatalf("prover %v (strictly %v), checker accepts %v, but %s on %s is %v: %s\n%s", a.Outcome, a.Strict, taken, r.Action, r.Resource, v, describe(r.Context), texts(s.Set))
			}
			if v := set.Decide(r).Verdict; v == policy.Allowed && a.Today.Outcome == prove.Enforced {
				t.Fatalf("said not to be exploitable today, but %s on %s is allowed: %s\n%s", r.Action, r.Resource, describe(r.Context), texts(s.Set))
			}
		}
	})
	t.Logf("%v; the checker accepted %d claims; %d requests", outcomes, accepted, sent)
}

// checkExample sends the counterexample. Resource control policies do not bind resources of other accounts, as buckets
// and what an ARN with another account names; such an example is not exploitable today, because the resource's policy
// was not read.
func checkExample(t rapid.TB, s prove.Subject, a prove.Answer) {
	c := contexts(s)[a.Counterexample.Credential]
	a.Counterexample.SetKeys(c)
	r := &policy.Request{Principal: s.Principal, Action: a.Counterexample.Action, Resource: a.Counterexample.Resource, Context: c}
	set := s.Set
	if parts := strings.SplitN(r.Resource, ":", 6); len(parts) == 6 && parts[4] != account {
		elsewhere := *s.Set
		elsewhere.RCPs = nil
		if r.ResourceAccount = parts[4]; parts[4] != "" || a.Latent {
			set = &elsewhere
		}
	}
	if v := set.Refuses(r).Verdict; v != policy.ImplicitDenied {
		t.Errorf("%v: refuses says %v\n%s", a.Counterexample, v, texts(s.Set))
	}
	if allowed := s.Set.Decide(r).Verdict == policy.Allowed; allowed == a.Latent {
		t.Errorf("%v: latent %v, allowed %v\n%s", a.Counterexample, a.Latent, allowed, texts(s.Set))
	}
}

// texts are the documents of a set, one on each line.
func texts(set *policy.Set) string {
	var out []string
	for i, s := range set.Sources() {
		out = append(out, fmt.Sprint(set.Layer(i), " ", s.Document))
	}
	return strings.Join(out, "\n")
}

// A bucket is the user's own or another account's. A resource control policy binds the own one alone, and what the
// request must carry to pass it is tried, although another account's bucket needs none of it.
func TestARequestPassesResourceControlPoliciesWithItsOwnKeys(t *testing.T) {
	all := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
	own := func(condition string) *policy.Set {
		set := &policy.Set{Identity: []policy.Source{source(policy.Identity, "i", admin, others, byKey)}}
		set.SCPs = [][]policy.Source{{source(policy.SCP, "c", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`,
			`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"NotResource":"arn:aws:s3:::a/*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)}}
		set.RCPs = [][]policy.Source{{source(policy.RCP, "r", all,
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::a/*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`+condition+`}}`)}}
		return set
	}
	for _, test := range []struct {
		condition string
		want      prove.Outcome
	}{
		{``, prove.Enforced},
		{`,"Null":{"aws:ResourceTag/owner":"true"}`, prove.Open},
		{`,"StringNotEquals":{"aws:ResourceTag/owner":"b"}`, prove.Open},
		{`,"StringNotEqualsIfExists":{"aws:RequestTag/a":["b","c"]}`, prove.Open},
		{`,"Null":{"aws:ResourceTag/owner":"true"},"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, prove.Open},
	} {
		s := bob(own(test.condition))
		a := prove.User(s)
		if a.Outcome != prove.Open || a.Today.Outcome != test.want {
			t.Errorf("%s: %v, today %v (%s); want open, today %v", test.condition, a.Outcome, a.Today.Outcome, a.Today.Why, test.want)
		}
		if a.Outcome == prove.Open {
			checkExample(t, s, a)
		}
	}
}
