package prove_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// A latent example comes with what refuses it today: the layer that does not allow it, or the Deny of a resource
// control policy, which does not make a user enforced because other accounts have resources too.
func TestALatentExampleSaysWhatRefusesIt(t *testing.T) {
	const onlyIAM = `{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}`
	full := source(policy.SCP, "full", admin)
	all := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
	for _, row := range []struct {
		name string
		set  *policy.Set
		want string // a part
	}{
		{"no Allow", identity(onlyIAM), "no policy allows "},
		{"the boundary", &policy.Set{Identity: identity(admin).Identity, Boundary: new(source(policy.Boundary, "b", onlyIAM))}, "the permissions boundary does not allow "},
		{"a session policy", &policy.Set{Identity: identity(admin).Identity, Session: []policy.Source{source(policy.Session, "s", onlyIAM)}}, "the session policy does not allow "},
		{"an SCP of one level", &policy.Set{Identity: identity(admin).Identity, SCPs: [][]policy.Source{{full}, {source(policy.SCP, "c", onlyIAM)}}}, "no service control policy allows "},
		{"no SCP at a level", &policy.Set{Identity: identity(admin).Identity, SCPs: [][]policy.Source{{full}, {}}}, "no service control policy allows "},
		{"an RCP", &policy.Set{Identity: identity(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`).Identity, RCPs: [][]policy.Source{{source(policy.RCP, "all", all)},
			{source(policy.RCP, "all", all), source(policy.RCP, "NoS3", `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)}}}, ""},
		{"only buckets are left, and an RCP denies them", &policy.Set{
			Identity: identity(admin, `{"Effect":"Deny","NotAction":["s3:GetObject","iam:GetUser","iam:CreateVirtualMFADevice","iam:EnableMFADevice"],"Resource":"*","Condition":{`+mfa+`}}`, others, byKey,
				`{"Effect":"Deny","Action":"s3:GetObject","NotResource":"arn:aws:s3:::*","Condition":{`+mfa+`}}`).Identity,
			RCPs: [][]policy.Source{{source(policy.RCP, "all", all), source(policy.RCP, "NoS3", `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)}}},
			"resource control policy NoS3, statement 1 denies s3:GetObject on resources of the account"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := prove.User(bob(row.set))
			if row.want == "" { // what the RCP does not bind is the example
				if a.Outcome != prove.Open || a.Obstacle == "" || strings.HasPrefix(a.Counterexample.Resource, "arn:aws:s3:::") && !strings.Contains(a.Obstacle, "NoS3") {
					t.Errorf("%s: %q", text(a), a.Obstacle)
				}
				return
			}
			if !a.Latent || !strings.Contains(a.Obstacle, row.want) || strings.HasSuffix(row.want, " ") && a.Obstacle != row.want+a.Counterexample.Action {
				t.Errorf("%s: %q, want %q", text(a), a.Obstacle, row.want)
			}
		})
	}
	if a := prove.User(bob(identity(admin))); a.Obstacle != "" {
		t.Errorf("an example that is allowed is refused by %q", a.Obstacle)
	}
}

func TestWordsForEachObstacle(t *testing.T) {
	named := source(policy.Identity, "p", admin, `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`)
	for _, row := range []struct {
		d    policy.Decision
		want string
	}{
		{policy.Decision{Verdict: policy.Allowed}, ""},
		{policy.Decision{Verdict: policy.Unknown, Why: "the key policy was not read"}, "no policy certainly allows x:Y (the key policy was not read)"},
		{policy.Decision{Verdict: policy.ExplicitDenied}, "x:Y is denied"},
		{policy.Decision{Verdict: policy.ExplicitDenied, Source: &named, Statement: 1, Layer: policy.Identity}, "p, statement 2 denies x:Y"},
		{policy.Decision{Verdict: policy.ExplicitDenied, Source: &named, Statement: 2, Layer: policy.Identity}, "p denies x:Y"},
		{policy.Decision{Verdict: policy.ExplicitDenied, Source: &policy.Source{Name: "q"}, Layer: policy.RCP}, "resource control policy q denies x:Y on resources of the account"},
		{policy.Decision{Verdict: policy.ImplicitDenied, Layer: policy.Identity}, "no policy allows x:Y"},
		{policy.Decision{Verdict: policy.ImplicitDenied, Layer: policy.RCP}, "no resource control policy allows x:Y"},
		{policy.Decision{Verdict: policy.ImplicitDenied, Layer: policy.Resource}, "no policy of the resource that was read allows x:Y"},
		{policy.Decision{Verdict: policy.ImplicitDenied, Layer: policy.Trust}, "no trust policy that was read allows x:Y"},
	} {
		if got := prove.Obstacle(row.d, "x:Y"); got != row.want {
			t.Errorf("%v: %q, want %q", row.d, got, row.want)
		}
	}
}
