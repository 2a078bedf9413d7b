package access

import "testing"

func TestSwitchRoleLinkFollowsThePartition(t *testing.T) {
	for partition, want := range map[string]string{
		"aws":        "https://signin.aws.amazon.com/switchrole?",
		"aws-us-gov": "https://signin.amazonaws-us-gov.com/switchrole?",
		"aws-eusc":   "https://eusc-de-east-1.signin.amazonaws-eusc.eu/switchrole?",
		"aws-iso":    "https://us-iso-east-1.signin.c2shome.ic.gov/switchrole?",
		"aws-moon":   "",
	} {
		if want != "" {
			want += "account=222222222222&displayName=prod&roleName=team%2FAdmin"
		}
		if got := switchLink(partition, "222222222222", "arn:"+partition+":iam::222222222222:role/team/Admin", "prod"); got != want {
			t.Errorf("%s: %q, want %q", partition, got, want)
		}
	}
}
