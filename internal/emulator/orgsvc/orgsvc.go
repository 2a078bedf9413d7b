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
	)
}

// standing says which accounts may call an operation.
type standing uint8

const (
	manager  standing = iota // the management account
	observer                 // the management account and delegated administrators
	member                   // any account of the organization
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
	// tags, keys and service return the tags, the keys of tags and the service
	// principal of the call, which are condition keys; nil: none.
	tags    func(*I) []types.Tag
	keys    func(*I) []string
	service func(*I) string
	do      func(*request, *I) (*O, error)
}

func (r row[I, O]) read() operation.Operation  { return operation.Read(r.name, r.asks, r.perform) }
func (r row[I, O]) write() operation.Operation { return operation.Write(r.name, r.asks, r.perform) }

// asks returns the resources in the caller's account: Organizations evaluates
// only the caller's own policies, also for a delegated administrator.
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
		asks = append(asks, operation.Ask{Action: "organizations:" + r.name, Resource: resource, Context: r.context(c, in, resource)})
	}
	return asks, nil
}

// context sets the condition keys of the operation and its resource.
// Source: Service Authorization Reference, AWS Organizations, condition keys.
func (r row[I, O]) context(c *operation.Call, in *I, resource string) func(*policy.Context) {
	return func(x *policy.Context) {
		if r.kind != nil {
			x.Set("organizations:PolicyType", string(r.kind(in)))
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
		if resource != "*" {
			namesOf(c.World).setResourceTags(x, resource)
		}
	}
}

func (r row[I, O]) perform(c *operation.Call, in *I) (*O, error) {
	o := c.World.Organization
	a := c.World.Account(c.Caller.Account)
	if o == nil || a == nil || a.Unit == "" && a.ID != o.ManagementAccount {
		return nil, &types.AWSOrganizationsNotInUseException{Message: aws.String("Your account is not a member of an organization.")}
	}
	if !r.who.includes(o, a.ID) {
		return nil, &types.AccessDeniedException{Message: aws.String("You don't have permissions to access this resource.")}
	}
	return r.do(&request{Call: c, o: o, names: namesOf(c.World)}, in)
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
