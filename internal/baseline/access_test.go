package baseline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
)

func TestAccessIsReadWhole(t *testing.T) {
	b, err := baseline.Parse("c.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	want := []baseline.WantedRole{{
		Account: "333333333333", Name: "Releaser", Policies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
		Actions: []string{"ec2:*"}, MaxSession: 2 * time.Hour,
	}}
	if d := cmp.Diff(want, b.Access.Roles("aws")); d != "" {
		t.Errorf("roles (-want +got):\n%s", d)
	}
	if d := cmp.Diff(baseline.Trust{MFA: true, MaxAge: time.Hour}, b.Trust); d != "" {
		t.Errorf("trust (-want +got):\n%s", d)
	}
}

func TestContradictoryAccessIsRefused(t *testing.T) {
	grant := func(group, rest string) string {
		return `access: {account: "222222222222", groups: [{name: G}], grants: [{group: ` + group + `, role: R` + rest + `}]}`
	}
	for text, want := range map[string]string{
		"trust: {max_age: 1h}":                                            "trust: max_age has no effect without mfa: true",
		"trust: {mfa: true, max_age: 5m}":                                 "max_age: want none or a duration of 15m to 36h",
		grant("H", `, accounts: ["3"]`):                                   `account "3": want an account ID of 12 digits in quotes`,
		grant("H", `, accounts: ["333333333333"]`):                        "grants contain the group H, which is not in groups; groups has G",
		grant("G", ``):                                                    "accounts",
		grant("G", `, accounts: []`):                                      "the grant of R to G has no accounts",
		grant("G", `, accounts: ["333333333333"], max_session: 13h`):      "want a duration of 1h to 12h",
		grant("G", `, accounts: ["333333333333"], actions: [everything]`): "want service:Name",
		strings.Replace(grant("ForceMFA", `, accounts: ["333333333333"]`), "{name: G}", "{name: forcemfa}", 1): "is the one that enforces MFA",
	} {
		_, err := baseline.Parse("c.yaml", []byte("version: 1\n"+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "c.yaml:") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestPeopleSeeToTheirOwnKeysWithMFAAlone(t *testing.T) {
	text := document.OwnAccount("aws-cn")
	for _, want := range []string{
		`"Sid":"AllowManageOwnCredentials"`, `"Sid":"AllowDeactivateOwnMFAWithMFA"`, "arn:aws-cn:iam::*:user/*/${aws:username}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if n := strings.Count(text, `"Bool":{"aws:MultiFactorAuthPresent":"true"}`); n != 2 {
		t.Errorf("%d statements ask for MFA, want 2", n)
	}
	if n := strings.Count(text, "iam:DeactivateMFADevice"); n != 1 {
		t.Errorf("a device can be removed by %d statements", n)
	}
}
