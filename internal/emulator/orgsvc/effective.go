package orgsvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
)

// effectiveOperations are about policies of the types that have an effective policy. The
// organization can enable none of them, so there is never one.
func effectiveOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.DescribeEffectivePolicyInput, organizations.DescribeEffectivePolicyOutput]{
			name: "DescribeEffectivePolicy", who: member, do: describeEffective,
			check: func(v *input, in *organizations.DescribeEffectivePolicyInput) {
				v.optional("TargetId", in.TargetId, targetPattern)
			},
			on: func(n names, in *organizations.DescribeEffectivePolicyInput) []string {
				if in.TargetId == nil {
					return []string{"*"}
				}
				return []string{n.target(*in.TargetId)}
			},
			kind: func(in *organizations.DescribeEffectivePolicyInput) types.PolicyType {
				return types.PolicyType(in.PolicyType)
			},
		}.read(),
		row[organizations.ListAccountsWithInvalidEffectivePolicyInput, organizations.ListAccountsWithInvalidEffectivePolicyOutput]{
			name: "ListAccountsWithInvalidEffectivePolicy", who: observer, do: listInvalidEffective,
			check: func(v *input, in *organizations.ListAccountsWithInvalidEffectivePolicyInput) { v.page(in.MaxResults) },
			kind: func(in *organizations.ListAccountsWithInvalidEffectivePolicyInput) types.PolicyType {
				return types.PolicyType(in.PolicyType)
			},
		}.read(),
		row[organizations.ListEffectivePolicyValidationErrorsInput, organizations.ListEffectivePolicyValidationErrorsOutput]{
			name: "ListEffectivePolicyValidationErrors", who: observer, do: listEffectiveErrors,
			check: func(v *input, in *organizations.ListEffectivePolicyValidationErrorsInput) {
				v.id("AccountId", in.AccountId, accountPattern)
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListEffectivePolicyValidationErrorsInput) []string {
				return []string{n.account(*in.AccountId)}
			},
			kind: func(in *organizations.ListEffectivePolicyValidationErrorsInput) types.PolicyType {
				return types.PolicyType(in.PolicyType)
			},
		}.read(),
	}
}

func (r *request) noEffective() error {
	if err := r.needAllFeatures(); err != nil {
		return err
	}
	return &types.EffectivePolicyNotFoundException{Message: aws.String("This policy type is not enabled.")}
}

// describeEffective is about the caller's own account, or by the management account about
// another one.
func describeEffective(r *request, in *organizations.DescribeEffectivePolicyInput) (*organizations.DescribeEffectivePolicyOutput, error) {
	target := r.Caller.Account
	if in.TargetId != nil {
		target = *in.TargetId
	}
	switch {
	case r.findUnit(target) != nil:
		return nil, invalid(types.InvalidInputExceptionReasonTargetNotSupported, "You can't perform the operation on a root or an organizational unit.")
	case r.findAccount(target) == nil:
		return nil, noTarget()
	case target != r.Caller.Account && !observer.includes(r.o, r.Caller.Account):
		return nil, noAccess()
	}
	return nil, r.noEffective()
}

func listInvalidEffective(r *request, _ *organizations.ListAccountsWithInvalidEffectivePolicyInput) (*organizations.ListAccountsWithInvalidEffectivePolicyOutput, error) {
	return nil, r.noEffective()
}

func listEffectiveErrors(r *request, in *organizations.ListEffectivePolicyValidationErrorsInput) (*organizations.ListEffectivePolicyValidationErrorsOutput, error) {
	if r.findAccount(*in.AccountId) == nil {
		return nil, noAccount()
	}
	return nil, r.noEffective()
}
