package evidence_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"forcemfa/internal/evidence"
	"forcemfa/internal/testdepth"
)

// anotherBuild makes a pack look as if a build wrote it that words findings differently.
func anotherBuild(f *forgery) {
	f.manifest(func(m *evidence.Manifest) { m.Program.Revision = "77aa" })
	for _, name := range []string{"run.jsonl", "findings.ocsf.json", "assessment-results.oscal.json"} {
		e := f.at(name)
		for _, sentence := range []string{"what", "remedy", "means", "message", "desc", "description"} {
			e.text = regexp.MustCompile(`"`+sentence+`":"([^"])`).ReplaceAll(e.text, []byte(`"`+sentence+`":"In other words: $1`))
		}
	}
	f.replace("README.txt", "explicit Deny", "explicit deny")
	f.manifest(func(m *evidence.Manifest) { m.Assumptions[0] = "in other words" })
	f.seal()
}

func TestAPackOfAnotherBuildMayWordItsFindingsDifferently(t *testing.T) {
	f := takeApart(t, samplePack(t))
	anotherBuild(f)
	f.hash()
	r, err := check(f.pack())
	if err != nil {
		t.Fatal(err)
	}
	f.drop("assessment-results.oscal.json") // as the packs of earlier versions
	f.hash()
	if _, err := check(f.pack()); err != nil {
		t.Errorf("without assessment results: %v", err)
	}
	if r.SameBuild || strings.Contains(strings.Join(r.Assumptions, "\n"), "other words") {
		t.Errorf("same build %v, assumptions %q: they are those of the proofs that were checked", r.SameBuild, r.Assumptions)
	}
}

// drop drops a file.
func (f *forgery) drop(name string) {
	f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return e.name == name })
}

// dropLine drops the first line of a file that has a text.
func (f *forgery) dropLine(name, with string) {
	f.t.Helper()
	e := f.at(name)
	lines := bytes.SplitAfter(e.text, []byte("\n"))
	for i, l := range lines {
		if bytes.Contains(l, []byte(with)) {
			e.text = bytes.Join(append(lines[:i:i], lines[i+1:]...), nil)
			return
		}
	}
	f.t.Fatalf("%s has no line with %s", name, with)
}

// What decides is compared whatever build wrote the pack.
func TestForgeriesInTheNameOfAnotherBuildAreRefused(t *testing.T) {
	run := func(from, to string) func(*forgery) {
		return func(f *forgery) { f.replace("run.jsonl", from, to); f.seal() }
	}
	findings := func(from, to string) func(*forgery) {
		return func(f *forgery) { f.replace("findings.ocsf.json", from, to) }
	}
	results := func(from, to string) func(*forgery) {
		return func(f *forgery) { f.replace("assessment-results.oscal.json", from, to) }
	}
	const other = "findings.ocsf.json: has other findings"
	pack := samplePack(t)
	for name, row := range testdepth.Cases(map[string]struct {
		forge func(*forgery)
		why   string
	}{
		"a state":         {run(openUser, enforced), `"state" of the user`},
		"a device":        {run(`"mfa":"no"`, `"mfa":"yes"`), `"mfa" of the user`},
		"not exploitable": {run(`"not_exploitable":true,`, ``), `"not_exploitable" of the user`},
		"a severity":      {run(`"severity":"critical"`, `"severity":"low"`), `"severity" of the finding`},
		"an exemption":    {run(`{"exemption":{`, `{"exemption":{"console":true,`), "run.jsonl: "},
		"a record more": {func(f *forgery) {
			f.replace("run.jsonl", `{"end":`, `{"affected":{}}`+"\n"+`{"end":`)
			f.seal()
		}, "run.jsonl: "},
		"no policy document": {run(`"text":"{`, `"text":"{ `), "has another SHA-256"},
		"a finding less":     {func(f *forgery) { f.dropLine("run.jsonl", `{"finding":`); f.seal() }, "run.jsonl: "},
		"a subject there":    {findings(`"resources":[{"cloud_partition":"aws","name":"admin","type":"user","uid":"arn:aws:iam::1`, `"resources":[{"cloud_partition":"aws","name":"admin","type":"user","uid":"arn:aws:iam::9`), other},
		"a severity there":   {findings(`"severity_id":5`, `"severity_id":1`), other},
		"a status there":     {findings(`"status_id":3`, `"status_id":1`), other},
		"a finding less there": {func(f *forgery) {
			f.dropLine("findings.ocsf.json", `"finding_info"`)
		}, other},
		"a severity of the assessment": {results(`"value":"critical"`, `"value":"low"`), "assessment-results.oscal.json: has other findings"},
		"a rule of the assessment":     {results(`"not-satisfied"`, `"satisfied"`), "assessment-results.oscal.json: has other findings"},
		"no findings there":            {func(f *forgery) { f.at("findings.ocsf.json").text = []byte("[]\n") }, other},
		"no list there":                {func(f *forgery) { f.at("findings.ocsf.json").text = []byte("{}\n") }, other},
		"a huge finding there": {func(f *forgery) {
			f.at("findings.ocsf.json").text = []byte(`["` + strings.Repeat("x7", 4<<20) + `"]`)
		}, "findings.ocsf.json: "},
	}, 3) {
		t.Run(name, func(t *testing.T) {
			f := takeApart(t, pack)
			anotherBuild(f)
			row.forge(f)
			f.hash()
			refuse(t, f.pack(), row.why)
		})
	}
}
