package operation

import (
	"fmt"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A ServiceCall is what a service does with its own name, such as EventBridge when it
// sends a message to a queue: only the policy of the resource and the resource control
// policies of its account decide.
type ServiceCall struct {
	Service          string // service principal
	Action, Resource string
	Owner            string // account of the resource
	Kind             policy.Kind
	Document         string // policy of the resource, or trust policy
	SourceARN        string // aws:SourceArn
	SourceAccount    string // aws:SourceAccount
}

// Check returns an error that names what is missing when the policy does not allow the
// call.
func (s ServiceCall) Check(w *world.World) error {
	x := &policy.Context{}
	x.Set("aws:PrincipalIsAWSService", "true")
	x.Set("aws:PrincipalServiceName", s.Service)
	x.Set("aws:SecureTransport", "true")
	x.Set("aws:SourceArn", s.SourceARN)
	x.Set("aws:SourceAccount", s.SourceAccount)
	request := policy.Request{
		Principal: policy.Principal{Kind: policy.AWSService, ARN: s.Service}, Action: s.Action, Resource: s.Resource, ResourceAccount: s.Owner, Context: x,
	}
	if s.Document != "" {
		request.Policies = []policy.Source{w.Parse("policy of "+s.Resource, s.Kind, s.Document)}
	}
	if d := w.Owned(&policy.Set{}, s.Owner).Decide(&request); s.Document == "" || d.Verdict != policy.Allowed {
		return fmt.Errorf("%s may not perform %s on %s: its policy does not allow it for %s", s.Service, s.Action, s.Resource, s.SourceARN)
	}
	return nil
}

// Assumable returns an error when a role does not trust a service.
func Assumable(w *world.World, service, account string, r *world.Role, sourceARN string) error {
	return ServiceCall{
		Service: service, Action: "sts:AssumeRole", Resource: w.RoleARN(account, r), Owner: account, Kind: policy.Trust, Document: r.Trust,
		SourceARN: sourceARN, SourceAccount: account,
	}.Check(w)
}

// RoleOf returns the account and the role with an ARN; nil when it does not exist.
func RoleOf(w *world.World, roleARN string) (account string, r *world.Role) {
	named, err := arn.Parse(roleARN)
	if err != nil || w.Account(named.Account) == nil {
		return "", nil
	}
	r = w.Account(named.Account).Roles[world.Fold(named.Name())]
	if r == nil || w.RoleARN(named.Account, r) != roleARN {
		return named.Account, nil
	}
	return named.Account, r
}
