package planner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

const rootID = "r-abcd"

// scpScene is an organization of which the account is a member. FullAWSAccess is
// attached to the root and to the account, because a request needs an Allow of an
// SCP on every level.
// Source: Organizations User Guide, "SCP evaluation".
func scpScene(t *testing.T, config string, users ...org.User) *scene {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+config))
	if err != nil {
		t.Fatal(err)
	}
	return &scene{baseline: b, account: org.Account{Unit: rootID, Users: users, SCPs: []string{"p-FullAWSAccess"}}, header: org.Header{
		Organization: &org.Organization{ID: "o-exampleorgid", ManagementAccount: "999999999999", SCPsEnabled: true},
		Units:        []org.Unit{{ID: rootID, Name: "Root", SCPs: []string{"p-FullAWSAccess"}}},
		SCPs:         []org.SCP{{ID: "p-FullAWSAccess", Name: "FullAWSAccess", AWSManaged: true, Document: allowAll}},
	}}
}

// organizationSteps are the steps on service control policies, as lines.
func organizationSteps(p *plan.Plan) []string {
	var steps []plan.Step
	for _, s := range p.Steps {
		if s.OfOrganization() {
			steps = append(steps, s)
		}
	}
	return lines(&plan.Plan{Steps: steps})
}

func TestSCPsAreCreatedRepairedAttachedAndRemoved(t *testing.T) {
	const enforce = "attach: scp\n"
	wanted := func(t *testing.T) string {
		b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+enforce))
		if err != nil {
			t.Fatal(err)
		}
		document, err := b.EnforceSCP("aws", now)
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	existing := func(text string, at ...string) func(*scene, *planner.Input) {
		return func(s *scene, in *planner.Input) {
			s.header.SCPs = append(s.header.SCPs, org.SCP{ID: "p-1", Name: document.SCPName, Document: text})
			if slices.Contains(at, rootID) {
				s.header.Units[0].SCPs = append(s.header.Units[0].SCPs, "p-1")
			}
			in.Remove = slices.Contains(at, "remove")
		}
	}
	for _, row := range []struct {
		name, config string
		change       func(*scene, *planner.Input)
		want         []string
	}{
		{name: "created", config: enforce, want: []string{"CreateSCP ForceMFA", "AttachSCP ForceMFA r-abcd"}},
		{name: "in force", config: enforce, change: existing(wanted(t), rootID)},
		{name: "not attached", config: enforce, change: existing(wanted(t)), want: []string{"AttachSCP ForceMFA r-abcd"}},
		{name: "somebody else's", config: enforce, change: existing(allowAll, rootID), want: []string{"UpdateSCP ForceMFA BLOCKED"}},
		{name: "removed", config: enforce, change: existing(wanted(t), rootID, "remove"), want: []string{"DetachSCP ForceMFA r-abcd", "DeleteSCP ForceMFA"}},
		{name: "not wanted", change: existing(wanted(t), rootID)},
		{name: "no such target", config: enforce + "scp: {targets: [ou-abcd-12345678]}\n", want: []string{"CreateSCP ForceMFA", "AttachSCP ForceMFA ou-abcd-12345678 BLOCKED"}},
		{name: "part of the accounts", config: enforce, change: func(_ *scene, in *planner.Input) { in.Partial = true }, want: []string{"CreateSCP ForceMFA BLOCKED", "AttachSCP ForceMFA r-abcd BLOCKED"}},
		{name: "not enabled", config: enforce, change: func(s *scene, _ *planner.Input) { s.header.Organization.SCPsEnabled = false },
			want: []string{"CreateSCP ForceMFA BLOCKED", "AttachSCP ForceMFA r-abcd BLOCKED"}},
		{name: "no organization", config: enforce, change: func(s *scene, _ *planner.Input) { s.header.Organization = nil }},
		{name: "the guard", config: "guard_scp: {targets: [r-abcd], except: [\"arn:aws:iam::*:role/Admin\"]}\n",
			change: func(s *scene, _ *planner.Input) {
				s.account.Caller = "arn:aws:sts::" + account + ":assumed-role/Admin/x"
			},
			want: []string{"CreateSCP ForceMFAGuard", "AttachSCP ForceMFAGuard r-abcd"}},
		{name: "the guard would block the run", config: "guard_scp: {targets: [r-abcd], except: [\"arn:aws:iam::*:role/Admin\"]}\n",
			change: func(s *scene, _ *planner.Input) {
				s.account.Caller = "arn:aws:sts::" + account + ":assumed-role/Other/x"
			},
			want: []string{"CreateSCP ForceMFAGuard BLOCKED", "AttachSCP ForceMFAGuard r-abcd BLOCKED"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := scpScene(t, row.config, user("ann"))
			in := s.input()
			if row.change != nil {
				row.change(s, &in)
				changed := s.input()
				changed.Remove, changed.Partial = in.Remove, in.Partial
				in = changed
			}
			p, err := planner.Make(in)
			if err != nil {
				t.Fatal(err)
			}
			short := organizationSteps(p)
			for i := range short {
				short[i], _, _ = strings.Cut(short[i], " BLOCKED ")
				if strings.Contains(organizationSteps(p)[i], "BLOCKED") {
					short[i] += " BLOCKED"
				}
			}
			if d := cmp.Diff(row.want, short); d != "" {
				t.Errorf("steps (-want +got):\n%s\nnotes: %v", d, p.Notes)
			}
		})
	}
}
