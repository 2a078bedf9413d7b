package lint_test

import (
	"strings"
	"testing"

	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// Whatever a rule's pair breaks, the corrected document brings no finding of its own.
func TestCorrectedDocumentsBringNoFindings(t *testing.T) {
	corrected := 0
	for i, p := range pairs {
		if i%testdepth.Each(3) != 0 {
			continue
		}
		before, err := lint.Check(p.kind, p.text(p.bad))
		if err != nil {
			t.Fatalf("%s: %v", p.code, err)
		}
		c, err := lint.Correct(p.kind, p.text(p.bad))
		if err != nil {
			t.Fatalf("%s: %v", p.code, err)
		}
		if c.Text != p.text(p.bad) {
			corrected++
		}
		if code := more(before.Findings, c.Left); code != "" {
			t.Errorf("%s: the corrected document has more of %s\n%s", p.code, code, c.Text)
		}
		again, err := lint.Correct(before.Kind, c.Text)
		if err != nil || again.Text != c.Text {
			t.Errorf("%s: corrected again it differs: %v\n%s\n%s", p.code, err, c.Text, again.Text)
		}
	}
	if corrected < 60/testdepth.Each(3) {
		t.Errorf("only %d documents were corrected", corrected)
	}
}

// more is the code of findings, those of choices as well, of which a corrected document
// has more.
func more(before, after []lint.Finding) string {
	count := map[string]int{}
	for _, f := range before {
		count[f.Code]++
	}
	for _, f := range after {
		if count[f.Code]--; count[f.Code] < 0 {
			return f.Code
		}
	}
	return ""
}

// A choice that a correction leads to is reported before it, without an example: no
// request shows it yet.
func TestChoicesAreReportedBeforeTheCorrection(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{doc(strings.Replace(guard("", "", noOthers, noKeys), `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`, `"Null":{"aws:MultiFactorAuthPresent":"true"}`, 1)), "D-7"},
		{doc(guard(`,"iam:DeactivateMFADevice","iam:ChangePassword","iam:CreateAccessKey","iam:CreateLoginProfile","iam:TagUser","s3:*"`, ""),
			allow(`iam:ListVirtualMFADevices`, `"*"`), allow("s3:GetObject", `["`+strings.Repeat("arn:aws:s3:::bucket/*\",\"", 48)+`arn:aws:s3:::other/*"]`)), "D-20"},
		{doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}`), "A-1"},
	} {
		r, err := lint.Check(0, c.text)
		if err != nil {
			t.Fatal(err)
		}
		f := find(r, c.want)
		if f == nil || f.Severity != lint.Info || f.Example != nil || !strings.HasPrefix(f.What, "once ") || !strings.Contains(f.What, " is corrected: ") {
			t.Errorf("%s: %+v", c.want, f)
		}
	}
}

// The same holds for every single fix, those of choices as well.
func TestFixesBringNoFindings(t *testing.T) {
	tried := 0
	for i, p := range pairs {
		if i%testdepth.Each(3) != 1%testdepth.Each(3) {
			continue
		}
		for _, text := range []string{p.text(p.bad), p.text(p.good)} {
			before, err := lint.Check(p.kind, text)
			if err != nil {
				t.Fatalf("%s: %v", p.code, err)
			}
			for _, f := range before.Findings {
				if f.Fix == nil {
					continue
				}
				tried++
				corrected, err := f.Fix.Apply(before.Kind, text)
				if err != nil {
					t.Errorf("%s: %s: %v", p.code, f.Code, err)
					continue
				}
				after, err := lint.Inspect(before.Kind, corrected)
				if err != nil {
					t.Errorf("%s: %s: %v", p.code, f.Code, err)
					continue
				}
				if g := brought(before.Findings, after.Findings); g != nil {
					t.Errorf("%s: the fix of %s brings %s %s: %s\n%s", p.code, f.Code, g.Code, g.Severity, g.What, corrected)
				}
			}
		}
	}
	if tried < 150/testdepth.Each(5) {
		t.Errorf("only %d fixes", tried)
	}
}

func TestCorrectKeepsWhatIsRight(t *testing.T) {
	text := `{
    "Version": "2012-10-17",
    "Id": "keep me",
    "Statement": [
        {"Sid": "Own",   "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
        {
            "Sid": "Guard",
            "Effect": "Deny",
            "NotAction": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken"],
            "Resource": "*",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
        }
    ]
}
`
	c, err := lint.Correct(0, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`        {"Sid": "Own",   "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},` + "\n",
		`"Id": "keep me"`, `"BoolIfExists"`, "DenyOthersMFAWithoutMFA", "DenyEnrollmentByAccessKey", "\n    ]\n}\n",
	} {
		if !strings.Contains(c.Text, want) {
			t.Errorf("no %q in\n%s", want, c.Text)
		}
	}
	if find(&lint.Report{Findings: c.Fixed}, "D-8") == nil || find(&lint.Report{Findings: c.Left}, "D-8") != nil {
		t.Errorf("fixed %v, left %v", c.Fixed, c.Left)
	}
}

// Following the advice of a finding is no weakening that matters.
func TestOpeningEnrollmentIsNoCriticalWeakening(t *testing.T) {
	old := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + noMFA + `}}]}`
	c, err := lint.Correct(0, old)
	if err != nil {
		t.Fatal(err)
	}
	f, err := lint.Compare(1, old, c.Text)
	if err != nil {
		t.Fatal(err)
	}
	if f == nil || f.Severity != lint.Info {
		t.Errorf("%+v\n%s", f, c.Text)
	}
	open := strings.Replace(c.Text, `"iam:GetUser"`, `"iam:GetUser", "iam:CreateAccessKey"`, 1)
	if f, err = lint.Compare(1, old, open); err != nil || f == nil || f.Severity != lint.Critical || !strings.Contains(f.What, "iam:CreateAccessKey") {
		t.Errorf("%v %+v", err, f)
	}
}

// Exceptions that show what every user sees anyway are none that matter either.
func TestOpeningHarmlessActionsIsNoCriticalWeakening(t *testing.T) {
	old := doc(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + noMFA + `}}`)
	f, err := lint.Compare(policy.Identity, old, doc(guard(`,"iam:GetAccountSummary"`, "", noOthers, noKeys)))
	if err != nil || f == nil || f.Severity != lint.Info {
		t.Errorf("%v %+v", err, f)
	}
}

// A Deny of an action on resources that it never acts on refuses nothing, so a document
// without it is not weaker. One on all resources refuses the action on types that AWS adds
// later.
func TestADenyOnOtherResourcesRefusesNothing(t *testing.T) {
	sound := guard("", "", noOthers, noKeys)
	deny := func(action, resource string) string {
		return `{"Effect":"Deny","Action":` + action + `,"Resource":` + resource + `,"Condition":{` + noMFA + `}}`
	}
	for _, row := range []struct {
		old, text string
		want      lint.Severity
	}{
		{deny(`"iam:DeactivateMFADevice"`, `"arn:aws:iam::*:mfa/*"`), deny(`"iam:DeactivateMFADevice"`, `"arn:*:iam::*:user/*"`), lint.Info},
		{deny(`"ec2:DescribeInstances"`, `"arn:aws:ec2:*:*:instance/*"`), allow("s3:GetObject", `"*"`), lint.Info},
		{deny(`["iam:DeactivateMFADevice","s3:GetObject"]`, `["arn:aws:iam::*:mfa/*","arn:aws:s3:::b/*"]`), deny(`"iam:DeactivateMFADevice"`, `"arn:*:iam::*:user/*"`), lint.Critical},
		{deny(`"iam:DeactivateMFADevice"`, `"*"`), deny(`"iam:DeactivateMFADevice"`, `"arn:*:iam::*:user/*"`), lint.Medium},
		{sound + "," + deny(`"iam:DeactivateMFADevice"`, `"arn:aws:iam::*:mfa/*"`), sound, ""},
	} {
		f, err := lint.Compare(policy.Identity, doc(row.old), doc(row.text))
		if err != nil || (f == nil) != (row.want == "") || f != nil && f.Severity != row.want {
			t.Errorf("%s: %v %+v, want %q", row.old, err, f, row.want)
		}
	}
}

// What has no correction is not counted as corrected, and a document in one line stays
// in one line.
func TestCorrectSaysWhatItFixed(t *testing.T) {
	text := doc(strings.Replace(guard("", "", noOthers, noKeys), "BoolIfExists", "Bool", 1), allow("s3:GetObject", `"arn:aws:iam::ACCOUNT:user/x"`))
	c, err := lint.Correct(policy.Identity, text)
	if err != nil {
		t.Fatal(err)
	}
	fixed, left := &lint.Report{Findings: c.Fixed}, &lint.Report{Findings: c.Left}
	if find(fixed, "D-8") == nil || find(fixed, "K-4") != nil || find(left, "K-4") == nil {
		t.Errorf("fixed %v, left %v", foundCodes(fixed), foundCodes(left))
	}
	if strings.Contains(c.Text, "\n") {
		t.Errorf("the corrected document has several lines:\n%s", c.Text)
	}
}

func TestWhatIsNotDecidedIsNotComplete(t *testing.T) {
	for _, code := range []string{"W-2", "G-2"} {
		if (&lint.Report{Findings: []lint.Finding{{Code: code, Severity: lint.Low}}}).Complete() {
			t.Errorf("a report with %s is complete", code)
		}
	}
	if !(&lint.Report{Findings: []lint.Finding{{Code: "W-1"}, {Code: "D-20", Severity: lint.Medium}}}).Complete() {
		t.Error("a report of findings is not complete")
	}
}

func TestAnUndecidedComparisonIsAFinding(t *testing.T) {
	everything := func(more string) string {
		return doc(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + noMFA + more + `}}`)
	}
	f, err := lint.Compare(policy.Identity, everything(""), everything(`,"NotIpAddress":{"aws:SourceIp":"192.0.2.0/33"}`))
	if err != nil || f == nil || f.Code != "W-2" || f.Severity != lint.High {
		t.Errorf("%+v, %v", f, err)
	}
}
