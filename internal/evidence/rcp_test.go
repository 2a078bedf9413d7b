package evidence_test

import (
	"bytes"
	"strings"
	"testing"

	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/evidence"
	"forcemfa/internal/org"
)

// controlledInput is the sample organization with a user who can only assume roles of its
// account without MFA, and a resource control policy that denies that.
func controlledInput(t *testing.T, condition string) evidence.Input {
	t.Helper()
	in := sampleInput(t)
	header, accounts := sample.Organization()
	header.Taken = now
	header.Organization.SCPsEnabled, header.Organization.RCPsEnabled = false, true
	header.RCPs = []org.SCP{
		{ID: "p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", AWSManaged: true, Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`},
		{ID: "p-assume", Name: "AssumeWithMFA", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*","Condition":` + condition + `}]}`},
	}
	for i := range header.Units {
		header.Units[i].RCPs = []string{"p-RCPFullAWSAccess", "p-assume"}
	}
	for i := range accounts {
		a := &accounts[i]
		a.RCPs = []string{"p-RCPFullAWSAccess"}
		if a.ID != sample.Archive {
			continue
		}
		const noMFA = `"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`
		a.Users = append(a.Users, org.User{Name: "zelda", Path: "/", ARN: "arn:aws:iam::" + a.ID + ":user/zelda", Password: org.No, MFA: org.Yes,
			Inline: []org.InlinePolicy{{Name: "own", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
				{"Effect":"Deny","NotAction":"sts:AssumeRole","Resource":"*",` + noMFA + `},
				{"Effect":"Deny","Action":"sts:AssumeRole","NotResource":"arn:aws:iam::` + a.ID + `:role/*",` + noMFA + `}]}`}}})
		a.Sort()
	}
	in.Header, in.Accounts = &header, stream(accounts)
	in.Head = head(&header, in.Baseline)
	return in
}

// A pack holds the resource control policies that its proofs rely on.
func TestPackCarriesResourceControlPolicies(t *testing.T) {
	for condition, want := range map[string]string{
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`: `"state":"enforced"`,
		`{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`:         `"state":"open"`,
	} {
		pack := written(t, controlledInput(t, condition))
		if _, err := check(pack); err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		f := takeApart(t, pack)
		if !bytes.Contains(f.at("sets.jsonl").text, []byte(`"rcps":[[`)) {
			t.Error("no set has resource control policies")
		}
		for line := range strings.Lines(string(f.at("users.jsonl").text)) {
			if strings.Contains(line, "user/zelda") && !strings.Contains(line, want) {
				t.Errorf("%s: %s", condition, line)
			}
		}
	}
}
