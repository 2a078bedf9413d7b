package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// pick is one of some texts.
func pick(t *rapid.T, label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(t, label)
}

// list is a few of some texts, as JSON.
func list(t *rapid.T, label string, from ...string) string {
	items := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 4, rapid.ID[string]).Draw(t, label)
	return `["` + strings.Join(items, `","`) + `"]`
}

func randomCondition(t *rapid.T) string {
	set := pick(t, "set", "", "", "", "ForAllValues:", "ForAnyValue:")
	suffix := pick(t, "suffix", "", "IfExists")
	key := pick(t, "key", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:ViaAWSService",
		"aws:PrincipalTag/kind", "aws:SourceIp", "aws:TokenIssueTime", "aws:PrincipalArn", "aws:MFAPresent", "aws:Nonsense")
	op := pick(t, "operator", "Bool", "Bool", "Null", "StringEquals", "StringNotEquals", "NumericGreaterThan", "NumericLessThan", "IpAddress", "NotIpAddress", "ArnLike", "ArnNotLike")
	if op == "Null" {
		set, suffix = "", ""
	}
	return fmt.Sprintf(`"%s%s%s":{"%s":%s}`, set, op, suffix, key,
		list(t, "values", "true", "false", "True", "3600", "0", "192.0.2.0/24", "arn:aws:iam::*:user/*", "${aws:username}"))
}

// randomStatement is a statement of the parts that rules look at.
func randomStatement(t *rapid.T, principal bool) string {
	var parts []string
	part := func(name, value string) { parts = append(parts, `"`+name+`":`+value) }
	part("Effect", `"`+pick(t, "effect", "Allow", "Deny", "Deny")+`"`)
	part(pick(t, "action", "Action", "NotAction"), list(t, "actions", "*", "iam:*", "iam:EnableMFADevice", "iam:CreateVirtualMFADevice", "iam:GetMFADevice",
		"iam:*MFADevice", "iam:ChangePassword", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:DeactivateMFADevice", "s3:*", "sts:AssumeRole", "sts:GetSessionToken", "iam:Frobnicate"))
	resource := true
	if principal {
		part(pick(t, "principal", "Principal", "Principal", "NotPrincipal"), pick(t, "who", `"*"`, `{"AWS":"123456789012"}`, `{"AWS":["arn:aws:iam::123456789012:user/alice","arn:aws:iam::123456789012:role/R"]}`,
			`{"Service":"ec2.amazonaws.com","AWS":"123456789012"}`, `{"AWS":"arn:aws:iam::<account>:root"}`))
		resource = rapid.Bool().Draw(t, "has a resource")
	}
	if resource {
		part(pick(t, "resource", "Resource", "Resource", "NotResource"), list(t, "resources", "*", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}",
			"arn:aws:iam::*:user/${aws:username}*", "arn:aws:iam::*:mfa/${aws:username}", "arn:aws:iam::*:mfa/*", "arn:aws:s3:::b/*", "arn:aws:iam::123456789012:role/*"))
	}
	if rapid.IntRange(0, 3).Draw(t, "conditions") > 0 {
		part("Condition", "{"+randomCondition(t)+"}")
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// Whatever a document says: no panic, every example is one when it is decided
// again, and every corrected document can be read.
func TestRandomDocumentsGetTrueFindings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]policy.Kind{0, policy.Identity, policy.SCP, policy.Boundary, policy.Trust, policy.Resource}).Draw(t, "kind")
		principal := kind == policy.Trust || kind == policy.Resource
		var statements []string
		for range rapid.IntRange(1, 4).Draw(t, "statements") {
			statements = append(statements, randomStatement(t, principal))
		}
		text := doc(statements...)
		if rapid.IntRange(0, 5).Draw(t, "old") == 0 {
			text = strings.Replace(text, "2012-10-17", "2008-10-17", 1)
		}
		r, err := lint.Check(kind, text)
		if err != nil {
			return
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Example != nil {
				if v, err := f.Example.Replay(r.Kind, text); err != nil || (v == policy.Allowed) != f.Example.Allowed || v == policy.Unknown {
					t.Errorf("%s: %s is %v, %v in %s", f.Code, f.Example, v, err, text)
				}
			}
			if f.Fix == nil {
				continue
			}
			corrected, err := f.Fix.Apply(r.Kind, text)
			if err != nil {
				t.Fatalf("%s: %v", f.Code, err)
			}
			again, err := lint.Inspect(r.Kind, corrected)
			if err != nil {
				t.Errorf("%s: the corrected text: %v in %s", f.Code, err, corrected)
				continue
			}
			for _, g := range again.Findings {
				if g.Code == f.Code && g.Where() == f.Where() {
					t.Errorf("%s %s is still there: %s in %s after %s", f.Code, f.Where(), g.What, corrected, text)
				}
			}
		}
	})
}
