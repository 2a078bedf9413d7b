package orgsvc

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// Quotas of organizational units.
// Source: Organizations User Guide, "Quotas and service limits".
const (
	deepestUnit = 5 // levels below the root
	mostUnits   = 2000
)

func unitOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.CreateOrganizationalUnitInput, organizations.CreateOrganizationalUnitOutput]{
			name: "CreateOrganizationalUnit", who: manager, do: createUnit,
			check: func(v *input, in *organizations.CreateOrganizationalUnitInput) {
				v.id("ParentId", in.ParentId, parentPattern)
				v.text("Name", in.Name, 1, 128)
				v.tags(in.Tags)
			},
			on: func(n names, in *organizations.CreateOrganizationalUnitInput) []string {
				return []string{n.unit(*in.ParentId)}
			},
			tags: func(in *organizations.CreateOrganizationalUnitInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.UpdateOrganizationalUnitInput, organizations.UpdateOrganizationalUnitOutput]{
			name: "UpdateOrganizationalUnit", who: manager, do: updateUnit,
			check: func(v *input, in *organizations.UpdateOrganizationalUnitInput) {
				v.id("OrganizationalUnitId", in.OrganizationalUnitId, unitPattern)
				if in.Name != nil {
					v.text("Name", in.Name, 1, 128)
				}
			},
			on: func(n names, in *organizations.UpdateOrganizationalUnitInput) []string {
				return []string{n.unit(*in.OrganizationalUnitId)}
			},
		}.write(),
		row[organizations.DeleteOrganizationalUnitInput, organizations.DeleteOrganizationalUnitOutput]{
			name: "DeleteOrganizationalUnit", who: manager, do: deleteUnit,
			check: func(v *input, in *organizations.DeleteOrganizationalUnitInput) {
				v.id("OrganizationalUnitId", in.OrganizationalUnitId, unitPattern)
			},
			on: func(n names, in *organizations.DeleteOrganizationalUnitInput) []string {
				return []string{n.unit(*in.OrganizationalUnitId)}
			},
		}.write(),
	}
}

// siblingNamed reports whether another unit of a parent has this name.
func (r *request) siblingNamed(parent, name, except string) bool {
	return slices.ContainsFunc(r.o.Units, func(u org.Unit) bool { return u.Parent == parent && u.Name == name && u.ID != except })
}

func duplicateUnit() error {
	return &types.DuplicateOrganizationalUnitException{Message: aws.String("An OU with the same name already exists.")}
}

// depth counts the units from the root down to a unit, which may be a root: 0.
func (n names) depth(id string) (depth int) {
	for u := n.findUnit(id); u != nil && u.Parent != ""; u = n.findUnit(u.Parent) {
		depth++
	}
	return depth
}

// rootOf returns the ID of the root above a unit, without its prefix.
func (n names) rootOf(id string) string {
	u := n.findUnit(id)
	for u.Parent != "" {
		u = n.findUnit(u.Parent)
	}
	return strings.TrimPrefix(u.ID, "r-")
}

func createUnit(r *request, in *organizations.CreateOrganizationalUnitInput) (*organizations.CreateOrganizationalUnitOutput, error) {
	if err := r.needParent(*in.ParentId); err != nil {
		return nil, err
	}
	switch {
	case r.siblingNamed(*in.ParentId, *in.Name, ""):
		return nil, duplicateUnit()
	case r.depth(*in.ParentId) >= deepestUnit:
		return nil, constraint(types.ConstraintViolationExceptionReasonOuDepthLimitExceeded, "You have exceeded the maximum depth of organizational units.")
	case len(r.o.Units) > mostUnits:
		return nil, constraint(types.ConstraintViolationExceptionReasonOuNumberLimitExceeded, "You have exceeded the number of organizational units in an organization.")
	}
	u := org.Unit{ID: "ou-" + r.rootOf(*in.ParentId) + "-" + strings.ToLower(r.World.NewID("")[:8]), Name: *in.Name, Parent: *in.ParentId}
	for _, c := range controls {
		if *c.enabled(r.o) {
			*c.ofUnit(&u) = []string{c.full.ID}
		}
	}
	o := r.World.EditOrganization()
	o.Units = append(o.Units, u)
	r.setTags(u.ID, in.Tags)
	unit := r.describeUnit(&u)
	return &organizations.CreateOrganizationalUnitOutput{OrganizationalUnit: &unit}, nil
}

func (r *request) needUnit(id string) (*org.Unit, error) {
	u := r.findUnit(id)
	if u == nil {
		return nil, &types.OrganizationalUnitNotFoundException{Message: aws.String("You specified an organizational unit that doesn't exist.")}
	}
	return u, nil
}

func updateUnit(r *request, in *organizations.UpdateOrganizationalUnitInput) (*organizations.UpdateOrganizationalUnitOutput, error) {
	u, err := r.needUnit(*in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	if in.Name != nil {
		if r.siblingNamed(u.Parent, *in.Name, u.ID) {
			return nil, duplicateUnit()
		}
		units := r.World.EditOrganization().Units
		i := slices.IndexFunc(units, func(other org.Unit) bool { return other.ID == u.ID })
		units[i].Name = *in.Name
		u = &units[i]
	}
	unit := r.describeUnit(u)
	return &organizations.UpdateOrganizationalUnitOutput{OrganizationalUnit: &unit}, nil
}

func deleteUnit(r *request, in *organizations.DeleteOrganizationalUnitInput) (*organizations.DeleteOrganizationalUnitOutput, error) {
	u, err := r.needUnit(*in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	id := u.ID
	occupied := slices.ContainsFunc(r.o.Units, func(other org.Unit) bool { return other.Parent == id }) ||
		len(r.accounts(func(a *world.Account) bool { return a.Unit == id })) > 0
	if occupied {
		return nil, &types.OrganizationalUnitNotEmptyException{Message: aws.String("The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.")}
	}
	o := r.World.EditOrganization()
	o.Units = slices.DeleteFunc(o.Units, func(other org.Unit) bool { return other.ID == id })
	delete(o.Tags, id)
	return &organizations.DeleteOrganizationalUnitOutput{}, nil
}
