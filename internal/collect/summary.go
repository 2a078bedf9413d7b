package collect

import (
	"context"
	"errors"
	"slices"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// summary reads the quotas and the data about the root user.
// Source: IAM API, GetAccountSummary.
func (r *reader) summary(ctx context.Context) {
	out, err := r.iam.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		r.gap("iam:GetAccountSummary", err)
		return
	}
	of := func(key types.SummaryKeyType) int { return int(out.SummaryMap[string(key)]) }
	r.to.Quotas = org.Quotas{
		AttachedPoliciesPerUser:  of(types.SummaryKeyTypeAttachedPoliciesPerUserQuota),
		AttachedPoliciesPerGroup: of(types.SummaryKeyTypeAttachedPoliciesPerGroupQuota),
		GroupsPerUser:            of(types.SummaryKeyTypeGroupsPerUserQuota),
		Groups:                   of(types.SummaryKeyTypeGroupsQuota),
		Policies:                 of(types.SummaryKeyTypePoliciesQuota),
		PolicySize:               of(types.SummaryKeyTypePolicySizeQuota),
		UserPolicySize:           of(types.SummaryKeyTypeUserPolicySizeQuota),
		GroupPolicySize:          of(types.SummaryKeyTypeGroupPolicySizeQuota),
		VersionsPerPolicy:        of(types.SummaryKeyTypeVersionsPerPolicyQuota),
	}
	told := func(key string) org.Tri {
		n, ok := out.SummaryMap[key]
		if !ok {
			return org.Unknown
		}
		return org.TriOf(n > 0)
	}
	r.to.Root.MFA = told(string(types.SummaryKeyTypeAccountMFAEnabled))
	r.to.Root.AccessKeys = told(string(types.SummaryKeyTypeAccountAccessKeysPresent))
	r.to.Root.Password = told("AccountPasswordPresent")
}

// root completes the summary with the report's row for the root user: the
// summary is current, the report up to four hours old.
func (r *reader) root(report *credentialReport, virtual virtualDevices) {
	root := &r.to.Root
	if report != nil && report.root != nil {
		row := report.root
		root.PasswordUsed = row.passwordUsed
		if root.MFA == org.Unknown {
			root.MFA = row.mfa
		}
		if root.Password == org.Unknown {
			root.Password = row.password
		}
		if root.AccessKeys == org.Unknown && row.keysKnown {
			root.AccessKeys = org.TriOf(len(row.keys) > 0)
		}
	}
	switch {
	case root.MFA == org.No:
		root.HardwareMFA = org.No
	case root.MFA == org.Yes && virtual.read:
		root.HardwareMFA = org.TriOf(!virtual.root)
	}
}

func (r *reader) alias(ctx context.Context) {
	pages := iam.NewListAccountAliasesPaginator(r.iam, &iam.ListAccountAliasesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			r.gap("iam:ListAccountAliases", err)
			return
		}
		for _, alias := range page.AccountAliases { // at most one
			r.to.Alias = alias
		}
	}
}

// passwordPolicy reads whether only an administrator can replace an expired password,
// where passwords expire.
// Source: IAM API, GetAccountPasswordPolicy, HardExpiry.
func (r *reader) passwordPolicy(ctx context.Context) {
	if !slices.ContainsFunc(r.to.Users, func(u org.User) bool { return u.PasswordExpires != nil }) {
		return
	}
	out, err := r.iam.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	if err == nil {
		_, err = fleet.Whole(out.PasswordPolicy, "GetAccountPasswordPolicy")
	}
	var none *types.NoSuchEntityException
	switch {
	case errors.As(err, &none):
		r.to.HardExpiry = org.No
	case err != nil:
		r.gap("iam:GetAccountPasswordPolicy", err)
	default:
		r.to.HardExpiry = org.TriOf(aws.ToBool(out.PasswordPolicy.HardExpiry))
	}
}
