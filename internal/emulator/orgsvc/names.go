package orgsvc

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// names builds the ARNs and paths of an organization.
// Source: Service Authorization Reference, "Resource types defined by AWS
// Organizations".
type names struct{ w *world.World }

func namesOf(w *world.World) names { return names{w} }

func (n names) arn(kind, id string) string {
	o := n.w.Organization
	return "arn:" + n.w.Partition + ":organizations::" + o.ManagementAccount + ":" + kind + "/" + o.ID + "/" + id
}

func (n names) account(id string) string { return n.arn("account", id) }

// unit returns the ARN of a root or an organizational unit.
func (n names) unit(id string) string {
	if isRoot(id) {
		return n.arn("root", id)
	}
	return n.arn("ou", id)
}

func (n names) policy(id string) string {
	path := n.controlOf(id).path + "/" + id
	if p, _ := n.findPolicy(id); p.AWSManaged {
		return "arn:" + n.w.Partition + ":organizations::aws:policy/" + path
	}
	return n.arn("policy", path)
}

// transfer returns the ARN of a responsibility transfer.
func (n names) transfer(id string) string { return n.arn("transfer", "billing/inbound/"+id) }

// handshake returns the ARN of a handshake.
func (n names) handshake(id string) string {
	action := string(types.ActionTypeInviteAccountToOrganization)
	if h := n.w.Organization.FindHandshake(id); h != nil {
		action = h.Action
	}
	return n.arn("handshake", strings.ToLower(action)+"/"+id)
}

// target returns the ARN of a target of policies.
func (n names) target(id string) string {
	if strings.Contains(id, "-") {
		return n.unit(id)
	}
	return n.account(id)
}

// resource returns the ARN of anything that can have tags.
func (n names) resource(id string) string {
	switch kind, _, _ := strings.Cut(id, "-"); kind {
	case "p":
		return n.policy(id)
	case "rp":
		return n.arn("resourcepolicy", id)
	case "rt":
		return n.transfer(id)
	}
	return n.target(id)
}

// unitPath returns o-…/r-…/ou-…/ for a root or an organizational unit.
func (n names) unitPath(id string) string {
	path := ""
	for u := n.findUnit(id); u != nil; u = n.findUnit(u.Parent) {
		path = u.ID + "/" + path
	}
	return n.w.Organization.ID + "/" + path
}

// findUnit returns the root or unit with this ID, read-only, or nil.
func (n names) findUnit(id string) *org.Unit {
	units := n.w.Organization.Units
	for i := range units {
		if units[i].ID == id {
			return &units[i]
		}
	}
	return nil
}

// findAccount returns the account of the organization with this ID, read-only,
// or nil.
func (n names) findAccount(id string) *world.Account {
	a := n.w.Account(id)
	if a == nil || a.Unit == "" && id != n.w.Organization.ManagementAccount {
		return nil
	}
	return a
}

// accounts returns the accounts of the organization that keep selects, by ID.
func (n names) accounts(keep func(*world.Account) bool) []*world.Account {
	var found []*world.Account
	for _, id := range n.w.Accounts() {
		if a := n.findAccount(id); a != nil && keep(a) {
			found = append(found, a)
		}
	}
	return found
}

func isRoot(id string) bool { return strings.HasPrefix(id, "r-") }
