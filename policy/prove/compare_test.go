package prove_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

func parsed(t *testing.T, statements ...string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(policy.Identity, document(statements...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWeakens(t *testing.T) {
	more := strings.Replace(denyAll, `"iam:GetUser"`, `"iam:GetUser","s3:GetObject"`, 1)
	fewer := strings.Replace(denyAll, `,"iam:GetUser"`, ``, 1)
	list := strings.Replace(denyAll, `"NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"]`, `"Action":"s3:*"`, 1)
	for _, row := range []struct {
		name          string
		before, after []string
		want          string
	}{
		{"the same in another order", force, []string{force[2], force[1], force[0]}, "enforced"},
		{"an Allow more", force, append([]string{admin}, force...), "enforced"},
		{"one more action is left out", force, append([]string{fmt.Sprintf(more, mfa)}, force[1:]...), "open s3:GetObject without MFA by access key"},
		{"one less action is left out", force, append([]string{fmt.Sprintf(fewer, mfa)}, force[1:]...), "enforced"},
		{"Bool instead of BoolIfExists", force, append([]string{fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`)}, force[1:]...),
			"open"},
		{"forwarded calls are left out", force,
			append([]string{fmt.Sprintf(denyAll, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}`)}, force[1:]...),
			"open"},
		{"some services instead of all", force, []string{fmt.Sprintf(list, mfa)}, "open"},
		{"all services instead of some", []string{fmt.Sprintf(list, mfa)}, force, "enforced"},
		{"a tag exempts", force, append([]string{fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:PrincipalTag/userType":"Service"}`)}, force[1:]...),
			"open"},
		{"a user is exempt by name", force, append([]string{fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:username":"workload"}`)}, force[1:]...),
			"open"},
		{"a Deny of which AWS does not document whether it applies is gone", []string{fmt.Sprintf(denyAll, `"BinaryEquals":{"aws:MultiFactorAuthPresent":"ZmFsc2U="}`)},
			[]string{admin}, "unknown"},
		{"such a Deny replaces one that applies", force, append([]string{fmt.Sprintf(denyAll, `"BinaryEqualsIfExists":{"aws:MultiFactorAuthPresent":"ZmFsc2U="}`)}, force[1:]...), "unknown"},
		{"a user is exempt by ARN", force, append([]string{fmt.Sprintf(denyAll, mfa+`,"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::222222222222:user/ci/workload"}`)}, force[1:]...),
			"open"},
		{"an account is exempt", force, append([]string{fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:PrincipalAccount":"222222222222"}`)}, force[1:]...),
			"open"},
		{"others can be enrolled", force, []string{force[0], force[2]}, "open iam:EnableMFADevice without MFA by console"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := prove.Weakens(parsed(t, row.before...), parsed(t, row.after...), nil)
			if got := text(a); !strings.HasPrefix(got, row.want) {
				t.Errorf("%s (%s)\nwant %s", got, a.Why, row.want)
			}
		})
	}
}

func TestADocumentThatIsGoneWeakens(t *testing.T) {
	if a := prove.Weakens(parsed(t, force...), nil, nil); a.Outcome != prove.Open {
		t.Errorf("%s", text(a))
	}
	if a := prove.Weakens(nil, parsed(t, force...), nil); a.Outcome != prove.Enforced {
		t.Errorf("%s", text(a))
	}
}

// Whether k and the Kelvin sign are equal is not documented, and is the same for both documents.
func TestLettersWithOneCaseAreTheSameInBothDocuments(t *testing.T) {
	deny := func(operator string, tags ...string) *policy.Document {
		list, _ := json.Marshal(tags)
		return parsed(t, `{"Effect":"Deny","Action":"iam:TagUser","Resource":"*","Condition":{"`+operator+`":{"aws:RequestTag/a":`+string(list)+`}}}`)
	}
	for _, row := range []struct {
		before, after *policy.Document
		want          prove.Outcome
	}{
		{deny("StringEqualsIgnoreCase", "key"), deny("StringEqualsIgnoreCase", "key", "other"), prove.Enforced},
		{deny("StringEqualsIgnoreCase", "key", "other"), deny("StringEqualsIgnoreCase", "key"), prove.Open},
		{deny("StringEqualsIgnoreCase", "key"), deny("StringEquals", "key", "KEY", "Key", "kEy", "keY", "KEy", "kEY", "KeY"), prove.Unknown}, // the Kelvin sign
		{deny("StringEqualsIgnoreCase", "key", "${aws:UserAgent}"), deny("StringEqualsIgnoreCase", "key", "${aws:UserAgent}", "other"), prove.Unknown},
	} {
		if a := prove.Weakens(row.before, row.after, nil); a.Outcome != row.want {
			t.Errorf("%v, want %v: %s\n%v\n%v", a.Outcome, row.want, a.Why, row.before, row.after)
		}
	}
}
