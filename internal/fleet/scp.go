package fleet

import (
	"cmp"
	"context"
	"slices"

	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// controlPolicies reads every SCP and RCP and its attachments with a few calls for each
// policy, none for each account; of a type that is not enabled, nothing. When the list or
// an attachment cannot be read, all policies of the type are left out: a level without
// its FullAWSAccess would appear to deny everything.
func (e *explorer) controlPolicies(ctx context.Context) {
	h := &e.d.Header
	o := h.Organization
	if o.SCPsEnabled && !e.readPolicies(ctx, types.PolicyTypeServiceControlPolicy, &h.SCPs) {
		o.SCPsEnabled, h.SCPs = false, nil
	}
	if o.RCPsEnabled && !e.readPolicies(ctx, types.PolicyTypeResourceControlPolicy, &h.RCPs) {
		o.RCPsEnabled, h.RCPs = false, nil
	}
}

// attach adds the SCPs and RCPs to the units and accounts that they are attached to.
func (e *explorer) attach() {
	h := &e.d.Header
	for _, p := range h.SCPs {
		e.attachTo(p.ID, func(u *org.Unit) *[]string { return &u.SCPs }, func(a *org.Account) *[]string { return &a.SCPs })
	}
	for _, p := range h.RCPs {
		e.attachTo(p.ID, func(u *org.Unit) *[]string { return &u.RCPs }, func(a *org.Account) *[]string { return &a.RCPs })
	}
}

// attachTo adds the ID of a policy to the lists of its targets.
func (e *explorer) attachTo(id string, ofUnit func(*org.Unit) *[]string, ofAccount func(*org.Account) *[]string) {
	for _, target := range e.targets[id] {
		var list *[]string
		if u := e.d.Header.Unit(target); u != nil {
			list = ofUnit(u)
		} else if a := e.d.account(target); a != nil {
			list = ofAccount(a)
		} else {
			continue
		}
		*list = append(*list, id)
	}
}

// readPolicies reads the policies of one type. It reports whether their list and all
// their attachments could be read.
func (e *explorer) readPolicies(ctx context.Context, kind types.PolicyType, to *[]org.SCP) bool {
	pages := organizations.NewListPoliciesPaginator(e.client, &organizations.ListPoliciesInput{Filter: kind})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap(listPolicies[kind], err)
			return false
		}
		for _, p := range page.Policies {
			*to = append(*to, org.SCP{ID: aws.ToString(p.Id), Name: aws.ToString(p.Name), AWSManaged: p.AwsManaged})
		}
	}
	all := *to
	slices.SortFunc(all, func(a, b org.SCP) int { return cmp.Compare(a.ID, b.ID) })
	for i := range all {
		if err := e.attachments(ctx, all[i].ID); err != nil {
			return false
		}
		e.document(ctx, &all[i])
	}
	return true
}

// listPolicies names the calls in gaps.
var listPolicies = map[types.PolicyType]string{
	types.PolicyTypeServiceControlPolicy:  "ListPolicies",
	types.PolicyTypeResourceControlPolicy: "ListPolicies RESOURCE_CONTROL_POLICY",
}

// document reads one policy. When that fails, the policy stays without a document,
// which makes the accounts below it unknown.
func (e *explorer) document(ctx context.Context, p *org.SCP) {
	out, err := e.client.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: &p.ID})
	if err == nil {
		_, err = Whole(out.Policy, "DescribePolicy")
	}
	if err != nil {
		e.gap("DescribePolicy "+p.ID, err)
		return
	}
	p.Document = aws.ToString(out.Policy.Content)
}

func (e *explorer) attachments(ctx context.Context, policy string) error {
	pages := organizations.NewListTargetsForPolicyPaginator(e.client,
		&organizations.ListTargetsForPolicyInput{PolicyId: &policy})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap("ListTargetsForPolicy "+policy, err)
			return err
		}
		for _, t := range page.Targets {
			e.targets[policy] = append(e.targets[policy], aws.ToString(t.TargetId))
		}
	}
	return nil
}
