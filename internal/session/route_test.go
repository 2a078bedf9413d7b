package session_test

import (
	"strings"
	"testing"

	"forcemfa/internal/session"
)

// A profile that cannot give a session names its own fault, and the way out of it.
func TestAProfileWithoutAKeySaysWhatItHas(t *testing.T) {
	const role = "[profile jonas]\nrole_arn = arn:aws:iam::333333333333:role/X\n"
	for name, row := range map[string]struct{ config, sentence, next string }{
		"web identity":      {role + "web_identity_token_file = /token\n", "profile jonas signs in with a web identity", "use it with the AWS CLI directly"},
		"no such source":    {role + "source_profile = gone\n[profile gnoe]\n", "profile jonas leads to profile gone, and there is no profile gone in ", "did you mean gnoe? If not, correct profile jonas, or "},
		"no such helper":    {"[profile jonas]\ncredential_process = forcemfa-credential-process --profile gone\n", "profile jonas leads to profile gone, and", "correct profile jonas, or "},
		"half a key":        {"[profile jonas]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", ":2: profile jonas has aws_access_key_id, but no aws_secret_access_key", `or delete the line and run "forcemfa import jonas"`},
		"the other half":    {"[profile jonas]\naws_secret_access_key = x\n", ":2: profile jonas has aws_secret_access_key, but no aws_access_key_id", "add it, "},
		"nothing but texts": {"[profile jonas]\naws_access_key_id =\naws_secret_access_key =\n", "profile jonas has no access key in ", `run "forcemfa import jonas"`},
	} {
		r := newRig(t)
		r.settings(identity, row.config)
		p := r.refused(r.manager(), session.Request{Profile: "jonas"})
		if !strings.Contains(p.Sentence, row.sentence) || !strings.Contains(p.Next, row.next) {
			t.Errorf("%s: %q, next %q", name, p.Sentence, p.Next)
		}
	}
}
