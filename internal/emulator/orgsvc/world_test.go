package orgsvc_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/orgsvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

const (
	management = "111111111111"
	delegate   = "222222222222"
	invited    = "333333333333"
	closed     = "444444444444"
	stranger   = "999999999999" // in no organization

	rootID = "r-root"
	teams  = "ou-root-teams001"
	blue   = "ou-root-blue0001" // below teams
	full   = "p-FullAWSAccess"
	guard  = "p-guardrails"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"cloudtrail:StopLogging","Resource":"*"}]}`

func newWorld(partition string) *world.World {
	w := world.New(partition, 3)
	w.Organization = &world.Organization{
		ID: "o-abcdefghij", ARN: "arn:" + partition + ":organizations::" + management + ":organization/o-abcdefghij",
		ManagementAccount: management, FeatureSet: "ALL", SCPsEnabled: true,
		Units: []org.Unit{
			{ID: rootID, Name: "Root", SCPs: []string{full}},
			{ID: teams, Name: "Teams", Parent: rootID, SCPs: []string{full, guard}},
			{ID: blue, Name: "Blue", Parent: teams, SCPs: []string{full}},
		},
		SCPs: map[string]org.SCP{
			full:  {ID: full, Name: "FullAWSAccess", AWSManaged: true, Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
			guard: {ID: guard, Name: "guard", Document: document},
		},
		DelegatedAdmins: []world.DelegatedAdmin{
			{Account: delegate, Service: "guardduty.amazonaws.com", Since: now.AddDate(0, -1, 0)},
			{Account: delegate, Service: "config.amazonaws.com", Since: now.AddDate(0, -2, 0)},
		},
	}
	add := func(id, unit, state string, invited bool) {
		w.AddAccount(&world.Account{
			ID: id, Name: "account " + id[:1], Email: id + "@example.com", Unit: unit, State: state, SCPs: []string{full},
			Joined: now.AddDate(-1, 0, 0), Invited: invited,
		})
	}
	add(management, rootID, "ACTIVE", false)
	add(delegate, teams, "ACTIVE", false)
	add(invited, blue, "ACTIVE", true)
	add(closed, blue, "SUSPENDED", false)
	w.AddAccount(&world.Account{ID: stranger, Name: "stranger"})
	return w
}

// from is a call by a role of an account.
func from(w *world.World, account string) *operation.Call {
	return &operation.Call{World: w, Now: now, Caller: world.Caller{
		Account:   account,
		Principal: policy.Principal{Kind: policy.RoleSession, Account: account},
	}}
}

// do runs an operation for a caller whom its policies allow everything.
func do[O any](c *operation.Call, name string, in any) (*O, error) {
	op, err := find(name)
	if err != nil {
		return nil, err
	}
	if _, err := op.Asks(c, in); err != nil {
		return nil, err
	}
	out, err := op.Do(c, in)
	if err != nil {
		return nil, err
	}
	return out.(*O), nil
}

func find(name string) (operation.Operation, error) {
	for _, op := range orgsvc.Operations() {
		if op.Name == name {
			return op, nil
		}
	}
	return operation.Operation{}, fmt.Errorf("no operation %s", name)
}

func must[O any](t *testing.T, c *operation.Call, name string, in any) *O {
	t.Helper()
	out, err := do[O](c, name, in)
	if err != nil {
		t.Fatalf("%s: %s", name, fault(err))
	}
	return out
}

// fault is the code of an error, with its reason where it has one.
func fault(err error) string {
	if err == nil {
		return ""
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err.Error()
	}
	code := api.ErrorCode()
	if reason := reasonOf(err); reason != "" {
		code += " " + reason
	}
	return code
}
