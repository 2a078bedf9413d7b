package evidence_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/evidence"
	"forcemfa/policy"
)

// binary is a condition on MFA whose effect AWS does not document.
var binary = strings.NewReplacer(`"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}`, `"BinaryEqualsIfExists": {"aws:MultiFactorAuthPresent": "ZmFsc2U="}`)

// binaryInput is the sample organization, in which no documented policy enforces MFA.
func binaryInput(t *testing.T, answer string) evidence.Input {
	t.Helper()
	in := sampleInput(t)
	header, accounts := sample.Organization()
	header.Taken = now
	for i := range header.SCPs {
		header.SCPs[i].Document = binary.Replace(header.SCPs[i].Document)
	}
	for i := range accounts {
		for j := range accounts[i].Policies {
			for k := range accounts[i].Policies[j].Versions {
				v := &accounts[i].Policies[j].Versions[k]
				v.Document = binary.Replace(v.Document)
			}
		}
	}
	in.Header, in.Accounts = &header, stream(accounts)
	if answer != "" {
		in.Baseline.Observed = []baseline.Observation{{Answer: answer, Account: "999999999999", Date: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}}
		in.Head = head(&header, in.Baseline)
	}
	return in
}

func parsed(t *testing.T, answers ...string) policy.Observed {
	t.Helper()
	o, err := policy.ParseObserved(answers)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const answeredYes, answeredNo = "binary-on-mfa-key=yes", "binary-on-mfa-key=no"

// A pack names the observed answer that its proofs rely on, and holds it where the
// independent checker reads it.
func TestPackCarriesObservedAnswers(t *testing.T) {
	enforced := map[string]int{}
	for _, answer := range []string{"", answeredYes, answeredNo} {
		r, err := check(written(t, binaryInput(t, answer)))
		if err != nil {
			t.Fatalf("%q: %v", answer, err)
		}
		enforced[answer] = r.Manifest.Users.Enforced
		named := strings.Contains(strings.Join(r.Manifest.Assumptions, "\n"), "observed in account 999999999999 on 2026-11-01, not documented by AWS ("+answeredYes+")")
		if named != (answer == answeredYes) || answer == answeredNo && !strings.Contains(strings.Join(r.Manifest.Assumptions, "\n"), "("+answeredNo+")") || r.Manifest.Claim.Observed.String() != answer {
			t.Errorf("%q: assumptions %q, claim %v", answer, r.Manifest.Assumptions, r.Manifest.Claim.Observed)
		}
	}
	if enforced[""] != 0 || enforced[answeredNo] != 0 || enforced[answeredYes] == 0 {
		t.Errorf("enforced users by answer: %v", enforced)
	}
}

// No proof in a pack relies on an answer that the pack hides or changes.
func TestForgedObservedAnswersAreRefused(t *testing.T) {
	pack := written(t, binaryInput(t, answeredYes))
	drop := func(f *forgery, file, text string) {
		f.at(file).text = []byte(strings.ReplaceAll(string(f.at(file).text), text, ""))
	}
	for name, row := range map[string]struct {
		forge func(f *forgery)
		why   string
	}{
		"the manifest hides it":      {func(f *forgery) { f.manifest(func(m *evidence.Manifest) { m.Claim.Observed = parsed(t) }) }, `"claim" is`},
		"the manifest says other":    {func(f *forgery) { f.manifest(func(m *evidence.Manifest) { m.Claim.Observed = parsed(t, answeredNo) }) }, `"claim" is`},
		"the proofs hide it":         {func(f *forgery) { drop(f, "proofs.jsonl", `,"observed":"`+answeredYes+`"`) }, "independent checker refuses the proof"},
		"the proofs rely on another": {func(f *forgery) { f.replace("proofs.jsonl", answeredYes, answeredNo) }, "relies on observed answers that are not given"},
		"the config says other":      {func(f *forgery) { f.replace("config.json", answeredYes, answeredNo) }, "and the snapshot and config make it open"},
		"the config has none of it":  {func(f *forgery) { f.replace("config.json", answeredYes, "single-on-many=yes") }, "and the snapshot and config make it unknown"},
		"the words are missing": {func(f *forgery) {
			f.manifest(func(m *evidence.Manifest) {
				for i, a := range m.Assumptions {
					m.Assumptions[i] = strings.Replace(a, "not documented by AWS", "documented by AWS", 1)
				}
			})
		}, `"assumptions" are not those`},
	} {
		f := takeApart(t, pack)
		row.forge(f)
		f.hash()
		t.Run(name, func(t *testing.T) { refuse(t, f.pack(), row.why) })
	}
}
