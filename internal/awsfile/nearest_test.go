package awsfile

import "testing"

func TestTheNearestProfileOfAMistypedName(t *testing.T) {
	files := &Files{Parse("config", []byte("[profile prod]\n[profile production-eu]\n[profile dev]\n[profile a]\n")), Parse("credentials", []byte("[bob]\n"))}
	for typed, want := range map[string]string{
		"prdo": "prod", "prd": "prod", "prodd": "prod", "PROD": "prod", "dve": "dev", "de": "dev", "pdor": "prod", "droop": "", "bobb": "bob",
		"production": "production-eu", "produktion-eu": "production-eu", "staging": "", "b": "a", "xyz": "",
	} {
		if got := files.Nearest(typed); got != want {
			t.Errorf("%q: nearest %q, want %q", typed, got, want)
		}
	}
	if got := files.DidYouMean("prd", `run "forcemfa import prd"`); got != `did you mean prod? If not, run "forcemfa import prd"` {
		t.Error(got)
	}
}
