package orgsvc

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// A control is a type of policies that the organization can have. All characters of a
// policy count, including white space.
// Source: Organizations User Guide, "Quotas and service limits", "RCP syntax".
type control struct {
	name     types.PolicyType
	parsed   policy.Kind
	path     string  // in ARNs
	full     org.SCP // the AWS managed policy that is attached everywhere at first
	stays    bool    // full can't be detached
	largest  int     // characters
	most     int     // in an organization
	attached int     // to a root, unit or account

	enabled  func(*world.Organization) *bool
	policies func(*world.Organization) *map[string]org.SCP
	ofUnit   func(*org.Unit) *[]string
	ofMember func(*world.Account) *[]string
}

const (
	fullAccessDocument    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	rcpFullAccessDocument = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

var scpControl, rcpControl = &control{
	name: types.PolicyTypeServiceControlPolicy, parsed: policy.SCP, path: "service_control_policy",
	full:    org.SCP{ID: "p-FullAWSAccess", Name: "FullAWSAccess", AWSManaged: true, Document: fullAccessDocument},
	largest: 10240, most: 10000, attached: 10,
	enabled:  func(o *world.Organization) *bool { return &o.SCPsEnabled },
	policies: func(o *world.Organization) *map[string]org.SCP { return &o.SCPs },
	ofUnit:   func(u *org.Unit) *[]string { return &u.SCPs },
	ofMember: func(a *world.Account) *[]string { return &a.SCPs },
}, &control{
	name: types.PolicyTypeResourceControlPolicy, parsed: policy.RCP, path: "resource_control_policy",
	full:  org.SCP{ID: "p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", AWSManaged: true, Document: rcpFullAccessDocument},
	stays: true, largest: 5120, most: 1000, attached: 5,
	enabled:  func(o *world.Organization) *bool { return &o.RCPsEnabled },
	policies: func(o *world.Organization) *map[string]org.SCP { return &o.RCPs },
	ofUnit:   func(u *org.Unit) *[]string { return &u.RCPs },
	ofMember: func(a *world.Account) *[]string { return &a.RCPs },
}

var controls = []*control{scpControl, rcpControl}

// controlNamed returns the control of a type; nil: the organization cannot have the type.
func controlNamed(name types.PolicyType) *control {
	i := slices.IndexFunc(controls, func(c *control) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return controls[i]
}

// controlOf returns the control of a policy; that of service control policies if there is
// no such policy.
func (n names) controlOf(id string) *control {
	if o := n.w.Organization; o != nil {
		if _, is := o.RCPs[id]; is {
			return rcpControl
		}
	}
	return scpControl
}

// findPolicy returns the policy with this ID.
func (n names) findPolicy(id string) (p org.SCP, ok bool) {
	p, ok = (*n.controlOf(id).policies(n.w.Organization))[id]
	return p, ok
}

// put adds or replaces a policy.
func (c *control) put(o *world.Organization, p org.SCP) {
	all := c.policies(o)
	if *all == nil {
		*all = map[string]org.SCP{}
	}
	(*all)[p.ID] = p
}

// joins attaches to a new account what is attached everywhere at first.
func (r *request) joins(a *world.Account) {
	for _, c := range controls {
		if *c.enabled(r.o) {
			*c.ofMember(a) = []string{c.full.ID}
		}
	}
}

// leaves takes an account out of the organization.
func leaves(a *world.Account) {
	a.Unit, a.SCPs, a.RCPs = "", nil, nil
}
