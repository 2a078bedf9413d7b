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

// A profile with a source_profile and no role is another name of its source, also in the
// middle of a chain, and keeps its own Region. One session serves both.
func TestAnAliasHasTheSessionOfItsSource(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "[profile jonas]\nregion = eu-west-1\n[profile west]\nsource_profile = jonas\nregion = us-west-2\n"+
		"[profile role]\nrole_arn = arn:aws:iam::222222222222:role/Administrator\nsource_profile = west\n", "jonas")
	jonas, west := r.session("jonas"), r.session("west")
	if west.AccessKeyID != jonas.AccessKeyID || west.Region != "us-west-2" || jonas.Region != "eu-west-1" {
		t.Errorf("west has %s in %s, jonas %s in %s", west.AccessKeyID, west.Region, jonas.AccessKeyID, jonas.Region)
	}
	if role := r.session("role"); role.ARN != "arn:aws:iam::222222222222:role/Administrator" || len(r.asked) != 1 {
		t.Errorf("the role is %s after %d prompts", role.ARN, len(r.asked))
	}
	r.settings(identity, "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = a\n[profile own]\nsource_profile = own\n")
	for _, name := range []string{"a", "own"} {
		if p := r.refused(r.manager(), session.Request{Profile: name}); !strings.Contains(p.Sentence, "profiles form a loop: "+name) {
			t.Errorf("%s: %q", name, p.Sentence)
		}
	}
}
