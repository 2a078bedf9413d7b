package lint_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// read is a document of testdata.
func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// check lints a document that must be readable, replays every example and makes
// sure that every fix does what it says.
func check(t testing.TB, kind policy.Kind, text string) *lint.Report {
	t.Helper()
	type document struct {
		kind policy.Kind
		text string
	}
	if known, ok := checked.Load(document{kind, text}); ok {
		return known.(*lint.Report)
	}
	report, err := lint.Inspect(kind, text)
	if err != nil {
		t.Fatalf("%v in %.600s", err, text)
	}
	for i := range report.Findings {
		f := &report.Findings[i]
		checkExample(t, report.Kind, text, f)
		checkFix(t, report.Kind, text, f)
	}
	checked.Store(document{kind, text}, report)
	return report
}

// checked are the reports of documents that several tests check.
var checked sync.Map

func checkExample(t testing.TB, kind policy.Kind, text string, f *lint.Finding) {
	t.Helper()
	if f.Example == nil {
		return
	}
	v, err := f.Example.Replay(kind, text)
	if err != nil || (v == policy.Allowed) != f.Example.Allowed || v == policy.Unknown {
		t.Errorf("%s %s: the example %s is %v, %v", f.Code, f.Where(), f.Example, v, err)
	}
}

// checkFix lints the corrected document: the finding is gone.
func checkFix(t testing.TB, kind policy.Kind, text string, f *lint.Finding) {
	t.Helper()
	if f.Fix == nil {
		return
	}
	corrected, err := f.Fix.Apply(kind, text)
	if err != nil {
		t.Errorf("%s %s: %v", f.Code, f.Where(), err)
		return
	}
	again, err := lint.Inspect(kind, corrected)
	if err != nil {
		t.Errorf("%s %s: the corrected text: %v in %s", f.Code, f.Where(), err, corrected)
		return
	}
	for _, g := range again.Findings {
		if g.Code == f.Code && g.Where() == f.Where() {
			t.Errorf("%s %s is still there in the corrected text: %s", f.Code, f.Where(), g.What)
		}
	}
}

// codes are the findings in short: code and statement.
func codes(r *lint.Report) []string {
	out := []string{}
	for i := range r.Findings {
		out = append(out, r.Findings[i].Code+" "+r.Findings[i].Where())
	}
	slices.Sort(out)
	return out
}

// plain are the codes of a report, each once.
func plain(r *lint.Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The documents of the texts that the project began with. What the survey of
// them (D-n) says of each is here, and what the table of MFA conditions adds.
func TestDocumentsOfTheSeedsHaveTheirKnownFlaws(t *testing.T) {
	onGuard := func(more ...string) []string {
		out := []string{"D-4 AllowManageOwnPasswords", "D-19 AllowManageOwnAccessKeys", "D-3 AllowManageOwnVirtualMFADevice"}
		for _, sid := range []string{"Passwords", "AccessKeys", "SigningCertificates", "SSHPublicKeys", "GitCredentials", "UserMFA"} {
			out = append(out, "D-2 AllowManageOwn"+sid)
		}
		for _, code := range append([]string{"D-1", "D-12", "D-5", "D-6", "D-7", "D-10"}, more...) {
			out = append(out, code+" DenyAllExceptListedIfNoMFA")
		}
		return out
	}
	for name, want := range map[string][]string{
		"000-trust.json":                {"D-16 statement 1", "K-4 statement 1"},
		"001-force-mfa.json":            onGuard(),
		"002-assume-administrator.json": {"D-9 statement 1", "K-4 statement 1"},
		"002-account-management.json": {
			"D-4 AllowManageOwnPasswords", "D-2 AllowManageOwnPasswords", "D-2 AllowManageOwnAccessKeys", "D-2 AllowManageOwnSigningCertificates",
			"D-18 AllowManageOwnPasswords", "D-18 AllowManageOwnAccessKeys", "D-18 AllowManageOwnSigningCertificates",
		},
		"003-trust.json":              {"D-16 statement 1", "K-4 statement 1"},
		"003-privileged-actions.json": {},
		"004-force-mfa.json":          append(onGuard("D-21", "E-2", "E-4"), "D-20 document"),
		"004-lambda-role.json":        {},
		"004-lambda-trust.json":       {},
	} {
		t.Run(name, func(t *testing.T) {
			slices.Sort(want)
			if diff := cmp.Diff(want, codes(check(t, 0, read(t, "seeds/"+name)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSeedWithABrokenListIsUnreadable(t *testing.T) {
	_, err := lint.Check(0, read(t, "seeds/003-assume-roles.json"))
	var syntax *policy.SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 11 {
		t.Errorf("%v", err)
	}
}

func TestSamplesHaveTheirKnownFlaws(t *testing.T) {
	for _, row := range []struct {
		name  string
		kind  policy.Kind
		want  []string
		worst lint.Severity
	}{
		{"forcemfa-enroll.json", 0, []string{"D-10", "D-4", "D-6", "D-7"}, lint.Info},
		{"aws-self-manage.json", 0, []string{"D-1", "D-10", "D-12", "D-19", "D-2", "D-3", "D-4", "D-6", "D-7"}, lint.High},
		{"users-scp.json", policy.SCP, []string{"D-1", "D-10", "D-12", "E-2", "E-6", "E-8", "O-2"}, lint.High},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := check(t, row.kind, read(t, "samples/"+row.name))
			if diff := cmp.Diff(row.want, plain(r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if r.Worst() != row.worst {
				t.Errorf("worst %s, want %s", r.Worst(), row.worst)
			}
		})
	}
}

// What forcemfa itself puts into force, with each option, has no way past MFA but
// the one that an option opens.
func TestDocumentsOfForcemfaAreSound(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*document.Policy)
		worse  []string // findings above info, whole document
		denies []string // and of its Denies alone
	}{
		"default":         {func(*document.Policy) {}, nil, nil},
		"full":            {func(p *document.Policy) { p.SelfService = document.SelfServiceFull }, nil, nil},
		"none":            {func(p *document.Policy) { p.SelfService = document.SelfServiceNone }, nil, nil},
		"any":             {func(p *document.Policy) { p.Enrollment = document.EnrollmentAny }, []string{"D-12"}, []string{"D-12"}},
		"password change": {func(p *document.Policy) { p.PasswordChangeBeforeMFA = true }, []string{"E-2"}, []string{"E-2"}},
		"console":         {func(p *document.Policy) { p.ConsoleAuthorization = document.ConsoleAuthorizationOn }, nil, nil},
		"age":             {func(p *document.Policy) { p.MaxSessionAge = time.Hour }, nil, nil},
		"fas deny":        {func(p *document.Policy) { p.FAS = document.FASDeny }, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := baseline.Default()
			row.change(&b.Policy)
			for text, want := range map[string][]string{b.Document("aws"): row.worse, b.DenyDocument("aws"): row.denies} {
				var got []string
				for _, f := range check(t, 0, text).Findings {
					if f.Severity != lint.Info {
						got = append(got, f.Code)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s\n%s", diff, text)
				}
			}
		})
	}
}

func TestEmbeddedFilesAreCleanAtHigh(t *testing.T) {
	for _, name := range []string{"enroll", "full", "deny"} {
		text, err := os.ReadFile("../../internal/baseline/document/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range check(t, 0, string(text)).Findings {
			if f.Severity == lint.High || f.Severity == lint.Critical {
				t.Errorf("%s: %s %s: %s", name, f.Code, f.Where(), f.What)
			}
		}
	}
}

// Single changes of the sound document that show in its shape. Each row adds
// these codes to what the sound document has.
func TestSingleChangesOfTheSoundDocumentAreNamed(t *testing.T) {
	sound := read(t, "samples/forcemfa-enroll.json")
	const main, others, byKey = "DenyAllExceptEnrollmentWithoutMFA", "DenyOthersMFAWithoutMFA", "DenyEnrollmentByAccessKey"
	const own = `"arn:aws:iam::*:user/${aws:username}"`
	// after replaces the first old text behind a statement's Sid.
	after := func(sid, old, new string) string {
		head, tail, found := strings.Cut(sound, `"`+sid+`"`)
		if !found || !strings.Contains(tail, old) {
			t.Fatalf("%s has no %s", sid, old)
		}
		return head + `"` + sid + `"` + strings.Replace(tail, old, new, 1)
	}
	excepting := func(action string) string {
		return after(main, `"sts:GetSessionToken"`, `"sts:GetSessionToken", "`+action+`"`)
	}
	condition := func(c string) string {
		return after(main, `"BoolIfExists": {
          "aws:MultiFactorAuthPresent": "false"
        }`, c)
	}
	drop := func(sid string) string {
		d, err := policy.Parse(policy.Identity, sound)
		if err != nil {
			t.Fatal(err)
		}
		c := *d
		c.Statements = slices.DeleteFunc(slices.Clone(d.Statements), func(st policy.Statement) bool { return st.SID == sid })
		return c.String()
	}
	before := plain(check(t, 0, sound))
	for _, row := range []struct {
		name, text string
		want       string // codes that are new
	}{
		{"Bool", condition(`"Bool": {"aws:MultiFactorAuthPresent": "false"}`), "D-8"},
		{"Null", condition(`"Null": {"aws:MultiFactorAuthPresent": "true"}`), "D-8"},
		{"Null false", condition(`"Null": {"aws:MultiFactorAuthPresent": "false"}`), "M-1"},
		{"Null of the age", condition(`"Null": {"aws:MultiFactorAuthAge": "true"}`), ""},
		{"StringNotEquals", condition(`"StringNotEquals": {"aws:MultiFactorAuthPresent": "true"}`), ""},
		{"StringNotEquals with case", condition(`"StringNotEquals": {"aws:MultiFactorAuthPresent": "True"}`), "M-6"},
		{"StringEquals", condition(`"StringEquals": {"aws:MultiFactorAuthPresent": "false"}`), "D-8"},
		{"StringEqualsIfExists with case", condition(`"StringEqualsIfExists": {"aws:MultiFactorAuthPresent": "False"}`), "M-6"},
		{"true", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}`), "M-1"},
		{"Bool true", condition(`"Bool": {"aws:MultiFactorAuthPresent": "true"}`), "M-1"},
		{"value in capitals", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "FALSE"}`), ""},
		{"both values", condition(`"Bool": {"aws:MultiFactorAuthPresent": ["true", "false"]}`), "M-1"},
		{"neither true nor false", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "no"}`), "M-7"},
		{"a number", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "0"}`), "M-7"},
		{"an empty value", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": ""}`), "M-7"},
		{"no value", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": []}`), "M-7"},
		{"another key without a value", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}, "StringEquals": {"aws:RequestedRegion": []}`), "K-8"},
		{"both values if exists", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": ["true", "false"]}`), "M-7"},
		{"ForAnyValue", condition(`"ForAnyValue:Bool": {"aws:MultiFactorAuthPresent": "false"}`), "D-8"},
		{"ForAllValues", condition(`"ForAllValues:Bool": {"aws:MultiFactorAuthPresent": "false"}`), ""},
		{"age", condition(`"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}`), "M-2"},
		{"age if exists", condition(`"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "3600"}`), ""},
		{"age too small", condition(`"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}`), "M-1"},
		{"age as Bool", condition(`"Bool": {"aws:MultiFactorAuthAge": "true"}`), "M-7"},
		{"age that is always reached", condition(`"NumericGreaterThanEqualsIfExists": {"aws:MultiFactorAuthAge": "0"}`), "M-9"},
		{"two that exclude each other", condition(`"Bool": {"aws:MultiFactorAuthPresent": "false"}, "Null": {"aws:MultiFactorAuthPresent": "true"}`), "M-8"},
		{"misspelled", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresnt": "false"}`), "K-1"},
		{"misspelled Bool", condition(`"Bool": {"aws:MultifactorAuthenticationPresent": "false"}`), "K-1"},
		{"other key", condition(`"BoolIfExists": {"aws:MFAPresent": "false"}`), "K-1"},
		{"no condition", strings.Replace(condition(``), `,
      "Condition": {
        
      }`, "", 1), "M-9"},
		{"address", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}, "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}`), "E-7"},
		{"agent", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}, "StringNotLike": {"aws:UserAgent": "terraform*"}`), "E-7"},
		{"tag", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}, "StringNotEquals": {"aws:PrincipalTag/userType": "Service"}`), "E-6"},
		{"name", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}, "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/workloads/*"}`), "E-6"},
		{"forwarded calls", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false", "aws:ViaAWSService": "false"}`), "E-8"},
		{"unknown key", condition(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}, "StringNotEquals": {"aws:PrincipalKind": "x"}`), "K-2"},

		{"Action", after(main, `"NotAction"`, `"Action"`), "D-18 G-3 K-6 L-1"},
		{"all excepted", excepting("*"), "K-7"},
		{"Deactivate", excepting("iam:DeactivateMFADevice"), "E-1"},
		{"Delete", excepting("iam:DeleteVirtualMFADevice"), "D-21"},
		{"ChangePassword", excepting("iam:ChangePassword"), "E-2"},
		{"CreateLoginProfile", excepting("iam:CreateLoginProfile"), "D-1 E-2"},
		{"CreateAccessKey", excepting("iam:CreateAccessKey"), "E-2"},
		{"AttachUserPolicy", excepting("iam:AttachUserPolicy"), "E-3"},
		{"RemoveUserFromGroup", excepting("iam:RemoveUserFromGroup"), "E-3"},
		{"UpdateAssumeRolePolicy", excepting("iam:UpdateAssumeRolePolicy"), "E-3"},
		{"DeleteUserPermissionsBoundary", excepting("iam:DeleteUserPermissionsBoundary"), "E-3"},
		{"TagUser", excepting("iam:TagUser"), "E-3"},
		{"AssumeRole", excepting("sts:AssumeRole"), "E-3"},
		{"sts", excepting("sts:*"), "E-3 E-4 E-9"},
		{"ListUsers", excepting("iam:ListUsers"), "E-4"},
		{"s3", excepting("s3:*"), "E-4"},
		{"iam", excepting("iam:*"), "D-1 D-21 E-1 E-2 E-3 E-4"},
		{"devices by pattern", excepting("iam:*MFADevice"), "D-21 E-1 E-4"},
		{"no Enable", after(main, `"iam:EnableMFADevice",`, ""), "L-1"},
		{"no Create", after(main, `"iam:CreateVirtualMFADevice",`, ""), "L-1"},
		{"no Get", after(main, `"iam:GetMFADevice",`, ""), "D-5"},
		{"misspelled action", after(main, `"iam:EnableMFADevice"`, `"iam:EnableMFADevices"`), "K-3 L-1"},
		{"narrow resource", after(main, `"Resource": "*"`, `"Resource": "arn:aws:s3:::*"`), "E-5"},
		{"excepted resource", after(main, `"Resource": "*"`, `"NotResource": "arn:aws:s3:::*"`), "E-5"},
		{"Allow", after(main, `"Deny"`, `"Allow"`), "M-1"},
		{"old version", strings.Replace(sound, "2012-10-17", "2008-10-17", 1), "K-5 L-1"},
		{"no version", strings.Replace(sound, `"Version": "2012-10-17",`, "", 1), "K-5 L-1"},

		{"others not refused", drop(others), "D-1"},
		{"others by Bool", after(others, `"BoolIfExists"`, `"Bool"`), "D-1 D-8"},
		{"own refused", after(others, `"NotResource"`, `"Resource"`), "D-1 L-1"},
		{"others without paths", after(others, `,
        "arn:aws:iam::*:user/*/${aws:username}"`, ""), "D-2"},
		{"others that begin alike", after(others, own, `"arn:aws:iam::*:user/${aws:username}*"`), "U-1"},
		{"others of any name", after(others, own, `"arn:aws:iam::*:user/*"`), "D-1"},
		{"others by no value", after(others, `"false"`, `[]`), "M-7"},
		{"others by a value of another type", after(others, `"false"`, `"no"`), "M-7"},
		{"enrollment by key", drop(byKey), "D-12"},
		{"enrollment by key when AWS has it so", after(byKey, `"true"`, `[]`), "K-8"},
		{"enrollment by nobody", after(byKey, `"Null"`, `"StringNotEquals"`), "L-1"},
		{"own devices denied", after("AllowManageOwnMFA", `"Allow"`, `"Deny"`), "L-1"},
		{"creating devices denied", after("AllowCreateOwnVirtualMFA", `"Allow"`, `"Deny"`), "L-1"},
		{"enrollment by session", after(byKey, `"true"`, `"false"`), "D-12"},
		{"Create by key alone", after(byKey, `,
        "iam:EnableMFADevice"`, ""), "D-12"},

		{"own without paths", after("AllowManageOwnMFA", `,
        "arn:aws:iam::*:user/*/${aws:username}"`, ""), "D-2"},
		{"own that begin alike", after("AllowManageOwnMFA", own, `"arn:aws:iam::*:user/${aws:username}*"`), "U-1"},
		{"own that end alike", after("AllowManageOwnMFA", own, `"arn:aws:iam::*:user/*${aws:username}"`), "U-1"},
		{"own device by name", after("AllowCreateOwnVirtualMFA", "mfa/*", "mfa/${aws:username}"), "D-3"},
		{"own keys", after("AllowManageOwnMFA", `"iam:ChangePassword",`, `"iam:ChangePassword", "iam:CreateAccessKey",`), "D-19"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := slices.DeleteFunc(plain(check(t, 0, row.text)), func(c string) bool { return slices.Contains(before, c) })
			if diff := cmp.Diff(row.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// doc wraps statements into a document.
func doc(statements ...string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s]}`, strings.Join(statements, ","))
}
