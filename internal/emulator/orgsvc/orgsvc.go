// Package orgsvc implements AWS Organizations of the embedded AWS as one table
// of operations.
//
// It has one type of policy, the service control policy.
package orgsvc

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// Operations returns the operations of Organizations.
func Operations() []operation.Operation {
	return slices.Concat(
		accountOperations(), creationOperations(), departureOperations(), delegationOperations(), trustOperations(),
		treeOperations(), unitOperations(), tagOperations(), policyOperations(), attachmentOperations(), typeOperations(),
		lifecycleOperations(), handshakeOperations(), invitationOperations(), transferOperations(), resourcePolicyOperations(), effectiveOperations(),
	)
}

// standing says which accounts may call an operation.
type standing uint8

const (
	manager  standing = iota // the management account
	observer                 // the management account and delegated administrators
	member                   // any account of the organization
	anyone                   // any account; the request has no organization if there is none
)

// A request is the state of a call: the caller's organization, read-only.
type request struct {
	*operation.Call
	o *world.Organization
	names
}

// A row is one operation of the table.
type row[I, O any] struct {
	name  string
	who   standing
	check func(*input, *I)
	// on returns the ARNs that the call must be allowed on; nil: it has no
	// resource.
	on func(names, *I) []string
	// kind returns the type of policy of the call; nil: none.
	kind func(*I) types.PolicyType
	// policy returns the ID of the policy whose type is that of the call; nil: see kind.
	policy func(*I) string
	// tags, keys and service return the tags, the keys of tags and the service
	// principal of the call, which are condition keys; nil: none.
	tags    func(*I) []types.Tag
	keys    func(*I) []string
	service func(*I) string
	// transfer is set where the direction and the type of a responsibility transfer are
	// condition keys.
	transfer bool
	do       func(*request, *I) (*O, error)
}

func (r row[I, O]) read() operation.Operation {
	op := operation.Read(r.name, r.asks, r.perform)
	op.Reach = func(*world.World, string, any) operation.Reach { return operation.Members }
	return op
}

func (r row[I, O]) write() operation.Operation { return operation.Write(r.name, r.asks, r.perform) }

// asks returns the resources in the caller's account: Organizations evaluates
// only the caller's own policies, also for a delegated administrator of a service. Other
// members need the resource policy of the organization too.
func (r row[I, O]) asks(c *operation.Call, in *I) ([]operation.Ask, error) {
	if r.check != nil {
		var v input
		r.check(&v, in)
		if v.err != nil {
			return nil, v.err
		}
	}
	resources := []string{"*"}
	if o := c.World.Organization; r.on != nil && o != nil {
		resources = r.on(namesOf(c.World), in)
	}
	var asks []operation.Ask
	for _, resource := range resources {
		ask := operation.Ask{Action: "organizations:" + r.name, Resource: resource, Context: r.context(c, in, resource)}
		r.delegate(c, &ask)
		asks = append(asks, ask)
	}
	if r.tags != nil && r.name != tagging && len(r.tags(in)) > 0 {
		asks = append(asks, operation.Ask{Action: "organizations:" + tagging, Resource: "*", Context: r.context(c, in, "*")})
	}
	return asks, nil
}

// tagging is the operation that must also be allowed for what is created with tags.
// Source: Organizations API Reference, CreateAccount, CreatePolicy and others.
const tagging = "TagResource"

// context sets the condition keys of the operation and its resource.
// Source: Service Authorization Reference, AWS Organizations, condition keys.
func (r row[I, O]) context(c *operation.Call, in *I, resource string) func(*policy.Context) {
	return func(x *policy.Context) {
		if r.kind != nil {
			x.Set("organizations:PolicyType", string(r.kind(in)))
		}
		if r.policy != nil {
			x.Set("organizations:PolicyType", string(namesOf(c.World).controlOf(r.policy(in)).name))
		}
		if r.service != nil {
			x.Set("organizations:ServicePrincipal", r.service(in))
		}
		if r.tags != nil {
			setTagKeys(x, r.tags(in), nil)
		}
		if r.keys != nil {
			setTagKeys(x, nil, r.keys(in))
		}
		if r.transfer {
			x.Set("organizations:TransferType", string(types.ResponsibilityTransferTypeBilling))
			x.Set("organizations:TransferDirection", "INBOUND")
		}
		if resource != "*" {
			namesOf(c.World).setResourceTags(x, resource)
		}
	}
}

func (r row[I, O]) perform(c *operation.Call, in *I) (*O, error) {
	o := c.World.Organization
	switch {
	case r.who == anyone:
	case !belongs(c.World, c.Caller.Account):
		return nil, notInUse()
	case !r.who.includes(o, c.Caller.Account) && !r.delegates(o):
		return nil, noAccess()
	}
	return r.do(&request{Call: c, o: o, names: namesOf(c.World)}, in)
}

// belongs reports whether an account is in the organization of a world.
func belongs(w *world.World, account string) bool {
	o, a := w.Organization, w.Account(account)
	return o != nil && a != nil && (a.Unit != "" || a.ID == o.ManagementAccount)
}

func notInUse() error {
	return &types.AWSOrganizationsNotInUseException{Message: aws.String("Your account is not a member of an organization.")}
}

func noAccess() error {
	return &types.AccessDeniedException{Message: aws.String("You don't have permissions to access this resource.")}
}

func (s standing) includes(o *world.Organization, account string) bool {
	switch {
	case s == member || account == o.ManagementAccount:
		return true
	case s == observer:
		return slices.ContainsFunc(o.DelegatedAdmins, func(d world.DelegatedAdmin) bool { return d.Account == account })
	}
	return false
}
