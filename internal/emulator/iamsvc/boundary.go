package iamsvc

import (
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
)

// boundaryExists refuses a permissions boundary that is not a managed policy;
// nil means none.
func boundaryExists(c *operation.Call, policyARN *string) error {
	if policyARN == nil {
		return nil
	}
	return attachable(c, *policyARN)
}

func boundaryType(policyARN string) *types.AttachedPermissionsBoundary {
	if policyARN == "" {
		return nil
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn:  &policyARN,
		PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy,
	}
}

func putUserPermissionsBoundary(c *operation.Call, in *iam.PutUserPermissionsBoundaryInput) (*iam.PutUserPermissionsBoundaryOutput, error) {
	u, err := userOf(edit(c), in.UserName)
	if err != nil {
		return nil, err
	}
	if err := boundaryExists(c, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	u.Boundary = *in.PermissionsBoundary
	return &iam.PutUserPermissionsBoundaryOutput{}, nil
}

func deleteUserPermissionsBoundary(c *operation.Call, in *iam.DeleteUserPermissionsBoundaryInput) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
	u, err := userOf(edit(c), in.UserName)
	if err != nil {
		return nil, err
	}
	if u.Boundary == "" {
		return nil, noSuchEntity("The user with name %s does not have a permissions boundary.", u.Name)
	}
	u.Boundary = ""
	return &iam.DeleteUserPermissionsBoundaryOutput{}, nil
}

func putRolePermissionsBoundary(c *operation.Call, in *iam.PutRolePermissionsBoundaryInput) (*iam.PutRolePermissionsBoundaryOutput, error) {
	r, err := modifiableRole(edit(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	if err := boundaryExists(c, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	r.Boundary = *in.PermissionsBoundary
	return &iam.PutRolePermissionsBoundaryOutput{}, nil
}

func deleteRolePermissionsBoundary(c *operation.Call, in *iam.DeleteRolePermissionsBoundaryInput) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	r, err := modifiableRole(edit(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.Boundary == "" {
		return nil, noSuchEntity("The role with name %s does not have a permissions boundary.", r.Name)
	}
	r.Boundary = ""
	return &iam.DeleteRolePermissionsBoundaryOutput{}, nil
}
