package session_test

import (
	"strings"
	"testing"

	"forcemfa/internal/session"
)

func TestSettingsThatSTSRefusesCostNoCode(t *testing.T) {
	const admin = "role_arn = arn:aws:iam::111111111111:role/Administrator\nduration_seconds = 7200\nsource_profile = jonas\n"
	manyTags := make([]string, 51)
	for i := range manyTags {
		manyTags[i] = "k" + strings.Repeat("x", i) + "=v"
	}
	for _, row := range []struct{ setting, want string }{
		{"role_session_name = b", "role_session_name"},
		{"role_session_name = bob smith", "role_session_name"},
		{"role_session_name = " + strings.Repeat("b", 65), "role_session_name"},
		{"external_id = x", "external_id"},
		{"external_id = a b", "external_id"},
		{"external_id = " + strings.Repeat("b", 1225), "external_id"},
		{"source_identity = aws:bob", "source_identity"},
		{"source_identity = b", "source_identity"},
		{"session_policy = {", "session_policy"},
		{"session_policy = {\"Version\":\"2012-10-17\"}", "session_policy"},
		{"session_policy = " + strings.Repeat(" ", 2) + "{\"Statement\":\"" + strings.Repeat("x", 2050) + "\"}", "session_policy"},
		{"session_policy_arns = ReadOnlyAccess", "session_policy_arns"},
		{"session_policy_arns = arn:aws:iam::aws:role/R", "session_policy_arns"},
		{"session_policy_arns = " + strings.Repeat("arn:aws:iam::aws:policy/ReadOnlyAccess,", 11), "session_policy_arns"},
		{"session_tags = te*am=web", "session_tags"},
		{"session_tags = team=w*b", "session_tags"},
		{"session_tags = team=a,Team=b", "session_tags"},
		{"session_tags = " + strings.Join(manyTags, ","), "session_tags"},
		{"session_tags = team=a\ntransitive_session_tags = cost", "transitive_session_tags"},
		{"duration_seconds = soon", "duration_seconds"},
		{"duration_seconds = 43201", "duration_seconds"},
		{"role_arn = arn:aws:iam::1111:role/Administrator", "role_arn"},
		{"role_arn = arn:aws:iam::111111111111:role/", "role_arn"},
		{"role_arn = arn:aws:iam::111111111111:user/bob", "role_arn"},
		{"mfa_serial = 12", "serial number"},
		{"mfa_serial = arn:aws:iam::111111111111:user/jonas", "serial number"},
		{"mfa_serial = arn:aws:iam::1111:mfa/jonas", "serial number"},
		{"mfa_serial = arn:aws:sts::111111111111:mfa/jonas", "serial number"},
		{"mfa_serial = arn:aws:iam:mfa/jonas", "serial number"},
		{"mfa_serial = arn:aws:iam::111111111111:u2f/user/jonas/key", "security key"},
		{"role_arn = arn:aws-cn:iam::111111111111:role/Administrator\nmfa_serial = arn:aws:iam::111111111111:mfa/bob", "partition"},
	} {
		r := newRig(t)
		r.settings(identity, "[profile admin]\n"+admin+row.setting+"\n", "jonas")
		p := r.refused(r.manager(), session.Request{Profile: "admin"})
		if !strings.Contains(p.Sentence, row.want) {
			t.Errorf("%s: %s", row.setting, p.Sentence)
		}
		if len(r.asked) != 0 || len(r.calls) != 0 {
			t.Errorf("%s: %d prompts, %d calls", row.setting, len(r.asked), len(r.calls))
		}
	}
}

func TestSettingsThatSTSAcceptsAreAccepted(t *testing.T) {
	r := newRig(t)
	r.settings(identity, `[profile admin]
role_arn = arn:aws:iam::111111111111:role/team/Administrator
source_profile = jonas
role_session_name = bob+laptop@example.com
external_id = a:b/c
source_identity = bob_1
session_policy = {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}
session_policy_arns = arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::111111111111:policy/p
session_tags = team=wéb front,cost=
transitive_session_tags = Team
duration_seconds = 900
`, "jonas")
	if _, err := r.manager().Route(t.Context(), session.Request{Profile: "admin"}); err != nil {
		t.Error(err)
	}
	for _, serial := range []string{"GAHT12345678", "arn:aws:iam::111111111111:mfa/jonas", "arn:aws-cn:iam::111111111111:mfa/phones/jonas", "arn:aws:iam::111111111111:sms-mfa/jonas"} {
		if err := session.CheckSerial(serial); err != nil {
			t.Error(err)
		}
	}
}

func TestNamesOfNewDevices(t *testing.T) {
	for _, row := range []struct {
		name, path string
		valid      bool
	}{
		{"", "", true}, {"bobs-phone", "/phones/", true}, {"a", "/", true},
		{"bob phone", "", false}, {"bob/phone", "", false}, {strings.Repeat("b", 227), "", false}, {"bob", "phones", false}, {"bob", "/phones", false},
	} {
		if err := session.CheckDeviceName(row.name, row.path); (err == nil) != row.valid {
			t.Errorf("%q, %q: %v", row.name, row.path, err)
		}
	}
}
