package policy_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	. "forcemfa/policy"
)

// Generators draw from few words, so that statements and requests meet often.

var (
	someActions = rapid.SampledFrom([]string{"*", "s3:*", "s3:GetObject", "S3:getobject", "s3:Get*", "iam:*", "iam:EnableMFADevice",
		"*:*", "s?:Get*", "sts:AssumeRole", "kms:Decrypt"})
	someResources = rapid.SampledFrom([]string{"*", "arn:aws:s3:::reports", "arn:aws:s3:::reports/*", "arn:aws:s3:::${k}", "arn:aws:s3",
		"arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::123456789012:*/bob", "arn:aws:iam::123456789012:role/admin", "arn:aws:kms:*:*:key/1"})
	someOperators = rapid.SampledFrom([]string{"Bool", "BoolIfExists", "Null", "StringEquals", "StringNotEquals", "StringLike",
		"ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAnyValue:StringLikeIfExists", "NumericNotEquals", "NumericLessThan",
		"DateGreaterThan", "IpAddress", "NotIpAddress", "ArnLike", "ArnNotLike", "BinaryEquals"})
	someKeys       = rapid.SampledFrom([]string{"aws:MultiFactorAuthPresent", "k", "K2", "aws:username"})
	someValues     = rapid.SampledFrom([]string{"true", "false", "a", "5", "x*", "${k}", "${k, 'a'}", "2026", "10.0.0.0/8", "arn:aws:iam::*:user/*"})
	somePrincipals = rapid.SampledFrom([]string{`"*"`, toBob, toRole, toSession, toFed, toAccount, toRoot,
		`{"AWS":["` + bobARN + `","123456789012"]}`, `{"Service":"cloudtrail.amazonaws.com"}`, `{"CanonicalUser":"c"}`})
	someCallers  = rapid.SampledFrom([]Principal{bob, session, federated, root, service, anybody, linked})
	someRequests = rapid.SampledFrom([][2]string{
		{"s3:GetObject", "arn:aws:s3:::reports/a"}, {"s3:ListBucket", "arn:aws:s3:::reports"}, {"s3:ListAllMyBuckets", "*"},
		{"iam:EnableMFADevice", bobARN}, {"iam:ListUsers", "*"}, {"sts:AssumeRole", "arn:aws:iam::123456789012:role/admin"},
		{"kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1"}})
)

func drawStatement(t *rapid.T, kind Kind, effect string) string {
	elements := []string{`"Effect":"` + effect + `"`}
	action := "Action"
	if kind != RCP && rapid.IntRange(0, 4).Draw(t, "NotAction") == 0 {
		action = "NotAction"
	}
	elements = append(elements, `"`+action+`":["`+someActions.Draw(t, "action")+`","`+someActions.Draw(t, "action")+`"]`)
	if kind != Trust {
		resource := "Resource"
		if rapid.IntRange(0, 4).Draw(t, "NotResource") == 0 {
			resource = "NotResource"
		}
		elements = append(elements, `"`+resource+`":"`+someResources.Draw(t, "resource")+`"`)
	}
	switch {
	case kind == RCP:
		elements = append(elements, `"Principal":"*"`)
	case kind == Trust || kind == Resource && rapid.IntRange(0, 3).Draw(t, "NotPrincipal") > 0:
		elements = append(elements, `"Principal":`+somePrincipals.Draw(t, "principal"))
	case kind == Resource:
		elements = append(elements, `"NotPrincipal":`+somePrincipals.Draw(t, "principal"))
	}
	if rapid.Bool().Draw(t, "conditional") {
		operator, value := someOperators.Draw(t, "operator"), someValues.Draw(t, "value")
		if operator == "Null" {
			value = "true"
		}
		elements = append(elements, `"Condition":{"`+operator+`":{"`+someKeys.Draw(t, "key")+`":["`+value+`"]}}`)
	}
	return "{" + strings.Join(elements, ",") + "}"
}

func drawSource(t *rapid.T, kind Kind) Source {
	var statements []string
	for range rapid.IntRange(1, 3).Draw(t, "statements") {
		statements = append(statements, drawStatement(t, kind, rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")))
	}
	version := rapid.SampledFrom([]string{"2012-10-17", "2012-10-17", "2008-10-17"}).Draw(t, "version")
	return must(t, kind, `{"Version":"`+version+`","Statement":[`+strings.Join(statements, ",")+`]}`)
}

func must(t *rapid.T, kind Kind, text string) Source {
	s := ParseSource(kind.String(), kind, text)
	if s.Err != nil {
		t.Fatalf("%v in %s", s.Err, text)
	}
	return s
}

func drawSources(t *rapid.T, kind Kind) []Source {
	var all []Source
	for range rapid.IntRange(0, 2).Draw(t, "documents") {
		all = append(all, drawSource(t, kind))
	}
	return all
}

func drawSet(t *rapid.T) *Set {
	s := &Set{Identity: drawSources(t, Identity)}
	if rapid.IntRange(0, 3).Draw(t, "boundary") == 0 {
		b := drawSource(t, Boundary)
		s.Boundary = &b
	}
	if rapid.IntRange(0, 2).Draw(t, "session") == 0 {
		s.Session = drawSources(t, Session)
	}
	if rapid.IntRange(0, 3).Draw(t, "SCPs") == 0 {
		s.SCPs = [][]Source{drawSources(t, SCP), {must(t, SCP, doc(allowAll))}}
	}
	if rapid.IntRange(0, 5).Draw(t, "RCPs") == 0 {
		s.RCPs = [][]Source{drawSources(t, RCP)}
	}
	return s
}

func drawRequest(t *rapid.T) *Request {
	pair := someRequests.Draw(t, "request")
	r := &Request{Principal: someCallers.Draw(t, "caller"), Action: pair[0], Resource: pair[1], Context: &Context{}}
	if rapid.IntRange(0, 3).Draw(t, "cross") == 0 {
		r.ResourceAccount = elsewhere
	}
	for _, key := range []string{"aws:MultiFactorAuthPresent", "k", "k2", "aws:username"} {
		switch rapid.IntRange(0, 3).Draw(t, key) {
		case 0:
			r.Context.SetMany(key, []string{"a", rapid.SampledFrom([]string{"b", "5"}).Draw(t, "value")})
		case 1, 2:
			r.Context.Set(key, rapid.SampledFrom([]string{"true", "false", "a", "5", "reports/a", "bob", "10.1.1.1", "2026-01-01"}).Draw(t, "value"))
		}
	}
	kind := Resource
	if strings.HasPrefix(r.Action, "sts:") {
		kind = Trust
	}
	r.Policies = drawSources(t, kind)
	return r
}

// rank orders verdicts by how much they let through.
func rank(d Decision) int {
	switch d.Verdict {
	case Allowed:
		return 2
	case Unknown:
		return 1
	}
	return 0
}

func TestAddingADenyNeverAllowsMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, r := drawSet(t), drawRequest(t)
		before, refused := set.Decide(r), set.Refuses(r).Verdict == ExplicitDenied
		add := func(kind Kind) Source { return must(t, kind, doc(drawStatement(t, kind, "Deny"))) }
		switch rapid.IntRange(0, 4).Draw(t, "where") {
		case 0:
			set.Identity = append(set.Identity, add(Identity))
		case 1:
			if set.Session == nil {
				return
			}
			set.Session = append(set.Session, add(Session))
		case 2:
			if set.SCPs == nil {
				set.SCPs = [][]Source{{must(t, SCP, doc(allowAll))}}
			}
			set.SCPs[0] = append(set.SCPs[0], add(SCP))
		case 3:
			kind := Resource
			if strings.HasPrefix(r.Action, "sts:") {
				kind = Trust
			}
			if r.Policies == nil {
				return // a policy that was not given is unknown, one that is given is not
			}
			r.Policies = append(r.Policies, add(kind))
		case 4:
			if set.RCPs == nil {
				return
			}
			set.RCPs[0] = append(set.RCPs[0], add(RCP))
		}
		if after := set.Decide(r); rank(after) > rank(before) {
			t.Fatalf("%+v became %+v", before, after)
		}
		if refused && set.Refuses(r).Verdict != ExplicitDenied {
			t.Fatal("one Deny more, and it is no longer refused")
		}
	})
}

func TestAddingAnAllowNeverAllowsLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, r := drawSet(t), drawRequest(t)
		before := set.Decide(r)
		set.Identity = append(set.Identity, must(t, Identity, doc(drawStatement(t, Identity, "Allow"))))
		if set.SCPs != nil {
			set.SCPs[0] = append(set.SCPs[0], must(t, SCP, doc(drawStatement(t, SCP, "Allow"))))
		}
		if r.Policies != nil {
			kind := Resource
			if strings.HasPrefix(r.Action, "sts:") {
				kind = Trust
			}
			r.Policies = append(r.Policies, must(t, kind, doc(drawStatement(t, kind, "Allow"))))
		}
		if after := set.Decide(r); rank(after) < rank(before) {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

func TestLimitsNeverGrant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, r := drawSet(t), drawRequest(t)
		bare := &Set{Identity: set.Identity, Session: set.Session}
		if with, without := set.Decide(r), bare.Decide(r); rank(with) > rank(without) {
			t.Fatalf("without limits %+v, with them %+v", without, with)
		}
		if r.Principal.Kind != FederatedUser {
			without := &Set{Identity: set.Identity, Boundary: set.Boundary, SCPs: set.SCPs, RCPs: set.RCPs}
			if with, bare := set.Decide(r), without.Decide(r); rank(with) > rank(bare) {
				t.Fatalf("without session policy %+v, with it %+v", bare, with)
			}
		}
	})
}

func TestWhatIsRefusedIsExplicitlyDenied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, r := drawSet(t), drawRequest(t)
		refused, decided := set.Refuses(r), set.Decide(r)
		if refused.Verdict == ExplicitDenied && decided.Verdict != ExplicitDenied {
			t.Fatalf("refused by %+v, decided %+v", refused, decided)
		}
		if refused.Verdict == Unknown && decided.Verdict == Allowed {
			t.Fatalf("refused %+v, decided %+v", refused, decided)
		}
	})
}

func TestAnUnreadableDocumentNeverSettlesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, r := drawSet(t), drawRequest(t)
		before := set.Decide(r)
		set.Identity = append(set.Identity, Source{Name: "lost"})
		after := set.Decide(r)
		if after.Verdict != before.Verdict && after.Verdict != Unknown {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

func TestParsePrintParse(t *testing.T) {
	kinds := rapid.SampledFrom([]Kind{Identity, Boundary, Session, SCP, RCP, Resource, Trust})
	rapid.Check(t, func(t *rapid.T) {
		kind := kinds.Draw(t, "kind")
		d := drawSource(t, kind).Document
		again, err := Parse(kind, d.String())
		if err != nil || !d.Equal(again) {
			t.Fatalf("%v: %s, again %s", err, d, again)
		}
	})
}

func TestExplainAgreesWithDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, r := drawSet(t), drawRequest(t)
		d := set.Decide(r)
		if d.Source == nil || d.Verdict == Unknown {
			return
		}
		for _, line := range set.Explain(r) {
			if line.Source == d.Source && line.Statement == d.Statement && line.Layer == d.Layer {
				if line.Fit != Applies {
					t.Fatalf("%+v decided, and is explained as %+v", d, line)
				}
				return
			}
		}
		t.Fatalf("%+v decided, and is not explained", d)
	})
}
