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

// scps reads every SCP and where it is attached: a few calls a policy and not
// one an account. When the list or an attachment cannot be read, nothing is
// said of SCPs at all: a level that misses its FullAWSAccess would look as if
// it refused everything.
func (e *explorer) scps(ctx context.Context) {
	h := &e.d.Header
	if !h.Organization.SCPsEnabled {
		return
	}
	if err := e.readSCPs(ctx); err != nil {
		h.Organization.SCPsEnabled = false
		h.SCPs = nil
		for i := range h.Units {
			h.Units[i].SCPs = nil
		}
		for _, a := range e.d.Accounts {
			a.SCPs = nil
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
		if err := e.targets(ctx, h.SCPs[i].ID); err != nil {
			return err
		}
		e.document(ctx, &h.SCPs[i])
	}
	return nil
}

// document reads one SCP; without it the policy stands there without a
// document, which is unknown to whoever it applies to.
func (e *explorer) document(ctx context.Context, p *org.SCP) {
	out, err := e.client.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: &p.ID})
	if err != nil {
		e.gap("DescribePolicy "+p.ID, err)
		return
	}
	p.Document = aws.ToString(out.Policy.Content)
}

func (e *explorer) targets(ctx context.Context, policy string) error {
	pages := organizations.NewListTargetsForPolicyPaginator(e.client,
		&organizations.ListTargetsForPolicyInput{PolicyId: &policy})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap("ListTargetsForPolicy "+policy, err)
			return err
		}
		for _, t := range page.Targets {
			id := aws.ToString(t.TargetId)
			if u := e.d.Header.Unit(id); u != nil {
				u.SCPs = append(u.SCPs, policy)
			} else if a := e.d.account(id); a != nil {
				a.SCPs = append(a.SCPs, policy)
			}
		}
	}
	return nil
}
