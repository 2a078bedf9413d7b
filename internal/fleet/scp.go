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

// scps reads every SCP and its attachments with a few calls for each policy, none
// for each account. When the list or an attachment cannot be read, all SCPs are
// left out: a level without its FullAWSAccess would appear to deny everything.
func (e *explorer) scps(ctx context.Context) {
	h := &e.d.Header
	if !h.Organization.SCPsEnabled {
		return
	}
	if err := e.readSCPs(ctx); err != nil {
		h.Organization.SCPsEnabled = false
		h.SCPs = nil
	}
}

// attach adds the SCPs to the units and accounts that they are attached to.
func (e *explorer) attach() {
	h := &e.d.Header
	for i := range h.SCPs {
		for _, target := range e.targets[h.SCPs[i].ID] {
			if u := h.Unit(target); u != nil {
				u.SCPs = append(u.SCPs, h.SCPs[i].ID)
			} else if a := e.d.account(target); a != nil {
				a.SCPs = append(a.SCPs, h.SCPs[i].ID)
			}
		}
	}
}

func (e *explorer) readSCPs(ctx context.Context) error {
	h := &e.d.Header
	pages := organizations.NewListPoliciesPaginator(e.client,
		&organizations.ListPoliciesInput{Filter: types.PolicyTypeServiceControlPolicy})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap("ListPolicies", err)
			return err
		}
		for _, p := range page.Policies {
			h.SCPs = append(h.SCPs, org.SCP{ID: aws.ToString(p.Id), Name: aws.ToString(p.Name), AWSManaged: p.AwsManaged})
		}
	}
	slices.SortFunc(h.SCPs, func(a, b org.SCP) int { return cmp.Compare(a.ID, b.ID) })
	for i := range h.SCPs {
		if err := e.attachments(ctx, h.SCPs[i].ID); err != nil {
			return err
		}
		e.document(ctx, &h.SCPs[i])
	}
	return nil
}

// document reads one SCP. When that fails, the policy stays without a document,
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
