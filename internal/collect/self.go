package collect

import (
	"context"
	"errors"
	"time"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// Self reads only the caller's own account. From Organizations it reads the
// organization's ID, which every member account may read; units and SCPs stay
// unread, which is safe because an SCP can only deny more. The error is that of
// the credentials, the network or the context. An account that cannot be read
// has Read false and a gap.
// Source: AWS Organizations API Reference, DescribeOrganization: "can be called
// from any account in a organization".
func Self(ctx context.Context, f *fleet.Fleet, o Options) (org.Header, *org.Account, error) {
	id, err := f.Identify(ctx)
	if err != nil {
		return org.Header{}, nil, err
	}
	cfg, caller, err := f.Enter(ctx, id.Account)
	if err != nil {
		return org.Header{}, nil, err
	}
	if o.ReportPatience == 0 {
		o.ReportPatience = time.Minute
	}
	h := org.Header{Format: org.Format, Taken: f.Now().UTC(), Partition: id.Partition, Caller: caller, Accounts: 1}
	describe(ctx, cfg, &h)
	a := &org.Account{ID: id.Account, Partition: id.Partition, Caller: caller}
	a.Management = h.Organization != nil && h.Organization.ManagementAccount == a.ID
	newReader(cfg, a).account(ctx, &collector{fleet: f, options: o, managed: &policyCache{}})
	a.Sort()
	return h, a, ctx.Err()
}

// describe reads which organization the caller's account belongs to.
func describe(ctx context.Context, cfg aws.Config, h *org.Header) {
	client := organizations.NewFromConfig(cfg, func(o *organizations.Options) { o.APIOptions = append(o.APIOptions, fleet.WholeAnswers) })
	out, err := client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if err == nil {
		_, err = fleet.Whole(out.Organization, "DescribeOrganization")
	}
	var none *types.AWSOrganizationsNotInUseException
	switch {
	case errors.As(err, &none):
	case err != nil:
		h.Gaps = append(h.Gaps, org.Gap{What: "organizations:DescribeOrganization", Why: fleet.Reason(err)})
	default:
		h.Organization = &org.Organization{
			ID: aws.ToString(out.Organization.Id), ManagementAccount: aws.ToString(out.Organization.MasterAccountId),
			FeatureSet: string(out.Organization.FeatureSet),
		}
	}
}
