package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
	"forcemfa/policy/arn"
)

// member returns the template of an account.
func (d *Deployment) member() string {
	if d.o.Central {
		return CentralMember
	}
	return Member
}

// sameForm returns an [AccessError] if the other form is deployed, with a function in each
// account or without: an update would leave some of its stacks.
func (d *Deployment) sameForm(deployed *setState) error {
	if !deployed.there {
		return nil
	}
	whole, err := parse(deployed.template)
	if err != nil {
		return fmt.Errorf("read the deployed template: %w", err)
	}
	switch functions := object(whole["Resources"])["Function"] != nil; {
	case d.o.Central && functions:
		return &AccessError{What: "each account has a function of its own", Remedy: "remove them first with forcemfa deploy apply --remove; users stay enforced"}
	case !d.o.Central && !functions:
		return &AccessError{What: "the central function is deployed", Remedy: "use forcemfa deploy central, or remove it first with forcemfa deploy central apply --remove; users stay enforced"}
	}
	return nil
}

// addCentral adds the parts of the form with one function: its stack in the caller's
// account, which comes first because the roles of the accounts trust its role, and the
// stacks with those roles.
func (d *Deployment) addCentral(ctx context.Context, set *stackSet, deployed *setState, bucket string) error {
	if d.management() == "" {
		return &AccessError{What: "the account " + d.caller + " belongs to no organization", Remedy: "deploy the function of a single account with forcemfa deploy apply"}
	}
	one := &stack{client: set.client, name: d.o.Stack + "-central", place: set.place}
	state, err := one.read(ctx)
	if err != nil {
		return err
	}
	name, err := d.centralTemplate(state)
	if err != nil {
		return err
	}
	values, err := d.filled(name, state.values, bucket)
	if err != nil {
		return err
	}
	function, err := d.stack(ctx, d.caller, d.home, one.name, name, values)
	if err != nil {
		return err
	}
	d.parts = append(d.parts, function)
	own := map[string]string{
		"CentralRole": arn.IAM(d.partition, d.caller, "role", baseline.Path, CentralRole), "JournalBucket": values["JournalBucket"], "PolicyAndGroup": "create",
	}
	if err := d.addManagementAccount(ctx, own, nil); err != nil {
		return err
	}
	return d.addStackSets(set, deployed, own, nil)
}

// The forms of the central deployment.
const (
	FormFunction = "function" // one function scans all accounts
	FormMap      = "map"      // a Step Functions Distributed Map divides them
)

// centralTemplate returns the template of the form that is given, or is deployed.
func (d *Deployment) centralTemplate(state *stackState) (string, error) {
	switch d.o.Form {
	case FormMap:
		return CentralMap, nil
	case FormFunction:
		return Central, nil
	case "":
	default:
		return "", fmt.Errorf("form %q: want %s or %s", d.o.Form, FormFunction, FormMap)
	}
	whole, err := parse(state.template)
	if err != nil {
		return "", fmt.Errorf("read the deployed template: %w", err)
	}
	if object(whole["Resources"])["StateMachine"] != nil {
		return CentralMap, nil
	}
	return Central, nil
}

// mostScanned is the largest value of a parameter, in characters.
// Source: CloudFormation User Guide, "CloudFormation quotas".
const mostScanned = 4096

// scanned returns the accounts that the central function scans, or leaves out, as the
// parameters list them.
func (d *Deployment) scanned() (only, not string, err error) {
	if len(d.o.Accounts) > 0 || len(d.o.Units) > 0 || d.o.Narrowed {
		var ids []string
		for _, a := range d.found.Accounts {
			if fleet.Enterable(a) && !slices.Contains(d.o.Except, a.ID) {
				ids = append(ids, a.ID)
			}
		}
		only = strings.Join(ids, ",")
	} else {
		not = strings.Join(d.o.Except, ",")
	}
	if len(only) > mostScanned || len(not) > mostScanned {
		return "", "", fmt.Errorf("the list of accounts has more than %d characters: a central function scans at most 315 accounts by name, or leaves out as many", mostScanned)
	}
	return only, not, nil
}
