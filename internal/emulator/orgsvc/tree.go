package orgsvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

func treeOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.DescribeOrganizationInput, organizations.DescribeOrganizationOutput]{
			name: "DescribeOrganization", who: member, do: describeOrganization,
		}.read(),
		row[organizations.DescribeOrganizationalUnitInput, organizations.DescribeOrganizationalUnitOutput]{
			name: "DescribeOrganizationalUnit", who: observer, do: describeUnit,
			check: func(v *input, in *organizations.DescribeOrganizationalUnitInput) {
				v.id("OrganizationalUnitId", in.OrganizationalUnitId, unitPattern)
			},
			on: func(n names, in *organizations.DescribeOrganizationalUnitInput) []string {
				return []string{n.unit(*in.OrganizationalUnitId)}
			},
		}.read(),
		row[organizations.ListRootsInput, organizations.ListRootsOutput]{
			name: "ListRoots", who: observer, do: listRoots,
			check: func(v *input, in *organizations.ListRootsInput) { v.page(in.MaxResults) },
		}.read(),
		row[organizations.ListOrganizationalUnitsForParentInput, organizations.ListOrganizationalUnitsForParentOutput]{
			name: "ListOrganizationalUnitsForParent", who: observer, do: listUnits,
			check: func(v *input, in *organizations.ListOrganizationalUnitsForParentInput) {
				v.id("ParentId", in.ParentId, parentPattern)
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListOrganizationalUnitsForParentInput) []string {
				return []string{n.unit(*in.ParentId)}
			},
		}.read(),
		row[organizations.ListChildrenInput, organizations.ListChildrenOutput]{
			name: "ListChildren", who: observer, do: listChildren,
			check: func(v *input, in *organizations.ListChildrenInput) {
				v.id("ParentId", in.ParentId, parentPattern)
				if in.ChildType != types.ChildTypeAccount && in.ChildType != types.ChildTypeOrganizationalUnit {
					v.fail(types.InvalidInputExceptionReasonInvalidEnum, "You provided a value for ChildType that is not one of its values.")
				}
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListChildrenInput) []string { return []string{n.unit(*in.ParentId)} },
		}.read(),
		row[organizations.ListParentsInput, organizations.ListParentsOutput]{
			name: "ListParents", who: observer, do: listParents,
			check: func(v *input, in *organizations.ListParentsInput) {
				v.id("ChildId", in.ChildId, childPattern)
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListParentsInput) []string { return []string{n.target(*in.ChildId)} },
		}.read(),
	}
}

func describeOrganization(r *request, _ *organizations.DescribeOrganizationInput) (*organizations.DescribeOrganizationOutput, error) {
	o := &types.Organization{
		Arn:                aws.String(r.o.ARN),
		FeatureSet:         types.OrganizationFeatureSet(r.o.FeatureSet),
		Id:                 aws.String(r.o.ID),
		MasterAccountArn:   aws.String(r.account(r.o.ManagementAccount)),
		MasterAccountEmail: aws.String(""),
		MasterAccountId:    aws.String(r.o.ManagementAccount),
	}
	if a := r.World.Account(r.o.ManagementAccount); a != nil {
		o.MasterAccountEmail = aws.String(a.Email)
	}
	if o.FeatureSet == types.OrganizationFeatureSetAll {
		o.AvailablePolicyTypes = []types.PolicyTypeSummary{{Status: types.PolicyTypeStatusEnabled, Type: types.PolicyTypeServiceControlPolicy}}
	}
	return &organizations.DescribeOrganizationOutput{Organization: o}, nil
}

func (n names) describeUnit(u *org.Unit) types.OrganizationalUnit {
	return types.OrganizationalUnit{
		Arn:  aws.String(n.unit(u.ID)),
		Id:   aws.String(u.ID),
		Name: aws.String(u.Name),
		Path: aws.String(n.unitPath(u.ID)),
	}
}

func describeUnit(r *request, in *organizations.DescribeOrganizationalUnitInput) (*organizations.DescribeOrganizationalUnitOutput, error) {
	u, err := r.needUnit(*in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	unit := r.describeUnit(u)
	return &organizations.DescribeOrganizationalUnitOutput{OrganizationalUnit: &unit}, nil
}

func (n names) describeRoot(u *org.Unit) types.Root {
	root := types.Root{Arn: aws.String(n.unit(u.ID)), Id: aws.String(u.ID), Name: aws.String(u.Name), PolicyTypes: []types.PolicyTypeSummary{}}
	for _, c := range controls {
		if *c.enabled(n.w.Organization) {
			root.PolicyTypes = append(root.PolicyTypes, types.PolicyTypeSummary{Status: types.PolicyTypeStatusEnabled, Type: c.name})
		}
	}
	return root
}

func listRoots(r *request, in *organizations.ListRootsInput) (*organizations.ListRootsOutput, error) {
	list := r.unitsBelow("ListRoots", "")
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	out := &organizations.ListRootsOutput{Roots: []types.Root{}, NextToken: next}
	for _, u := range found {
		out.Roots = append(out.Roots, r.describeRoot(u))
	}
	return out, err
}

// unitsBelow returns the units directly below a parent; without a parent, the
// roots.
func (r *request) unitsBelow(of, parent string) listing[*org.Unit] {
	list := listing[*org.Unit]{of: of, key: func(u *org.Unit) string { return u.ID }}
	for i := range r.o.Units {
		if u := &r.o.Units[i]; u.Parent == parent {
			list.items = append(list.items, u)
		}
	}
	return list
}

func (r *request) needParent(id string) error {
	if r.findUnit(id) == nil {
		return &types.ParentNotFoundException{Message: aws.String("You specified a parent that doesn't exist.")}
	}
	return nil
}

func listUnits(r *request, in *organizations.ListOrganizationalUnitsForParentInput) (*organizations.ListOrganizationalUnitsForParentOutput, error) {
	if err := r.needParent(*in.ParentId); err != nil {
		return nil, err
	}
	list := r.unitsBelow("ListOrganizationalUnitsForParent "+*in.ParentId, *in.ParentId)
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	out := &organizations.ListOrganizationalUnitsForParentOutput{OrganizationalUnits: []types.OrganizationalUnit{}, NextToken: next}
	for _, u := range found {
		out.OrganizationalUnits = append(out.OrganizationalUnits, r.describeUnit(u))
	}
	return out, err
}

func listChildren(r *request, in *organizations.ListChildrenInput) (*organizations.ListChildrenOutput, error) {
	if err := r.needParent(*in.ParentId); err != nil {
		return nil, err
	}
	list := listing[string]{
		of: "ListChildren " + *in.ParentId + " " + string(in.ChildType), items: r.children(*in.ParentId, in.ChildType),
		key: func(id string) string { return id },
	}
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	out := &organizations.ListChildrenOutput{Children: []types.Child{}, NextToken: next}
	for _, id := range found {
		out.Children = append(out.Children, types.Child{Id: aws.String(id), Type: in.ChildType})
	}
	return out, err
}

func (r *request) children(parent string, kind types.ChildType) []string {
	var ids []string
	if kind == types.ChildTypeAccount {
		for _, a := range r.accounts(func(a *world.Account) bool { return a.Unit == parent }) {
			ids = append(ids, a.ID)
		}
		return ids
	}
	for _, u := range r.unitsBelow("", parent).items {
		ids = append(ids, u.ID)
	}
	return ids
}

// listParents returns the only parent.
func listParents(r *request, in *organizations.ListParentsInput) (*organizations.ListParentsOutput, error) {
	parent := ""
	if u := r.findUnit(*in.ChildId); u != nil {
		parent = u.Parent
	} else if a := r.findAccount(*in.ChildId); a != nil {
		parent = a.Unit
	}
	if parent == "" {
		return nil, &types.ChildNotFoundException{Message: aws.String("You specified a child that doesn't exist.")}
	}
	kind := types.ParentTypeOrganizationalUnit
	if isRoot(parent) {
		kind = types.ParentTypeRoot
	}
	return &organizations.ListParentsOutput{Parents: []types.Parent{{Id: aws.String(parent), Type: kind}}}, nil
}
