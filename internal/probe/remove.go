package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// remove removes everything under the path of probes, also of an earlier one.
func (s *stand) remove(ctx context.Context) error {
	for _, part := range []func(context.Context) error{s.removeStack, s.removeUsers, s.removeDevices, s.removeRoles} {
		if err := part(ctx); err != nil {
			return fmt.Errorf("remove the probe: %w", err)
		}
	}
	return nil
}

func (s *stand) removeUsers(ctx context.Context) error {
	for pages := iam.NewListUsersPaginator(s.admin, &iam.ListUsersInput{PathPrefix: aws.String(Path)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if err := s.removeUser(ctx, u.UserName); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeUser removes what hangs on a user, then the user. A probe makes no more than one
// page of each.
func (s *stand) removeUser(ctx context.Context, user *string) error {
	keys, err := s.admin.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: user})
	if err != nil {
		return err
	}
	for _, k := range keys.AccessKeyMetadata {
		if _, err := s.admin.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: k.AccessKeyId}); err != nil {
			return err
		}
	}
	devices, err := s.admin.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: user})
	if err != nil {
		return err
	}
	for _, d := range devices.MFADevices {
		if _, err := s.admin.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: user, SerialNumber: d.SerialNumber}); err != nil {
			return err
		}
	}
	var none *iamtypes.NoSuchEntityException
	if _, err := s.admin.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: user}); err != nil && !errors.As(err, &none) {
		return err
	}
	policies, err := s.admin.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: user})
	if err != nil {
		return err
	}
	for _, p := range policies.PolicyNames {
		if _, err := s.admin.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: user, PolicyName: &p}); err != nil {
			return err
		}
	}
	_, err = s.admin.DeleteUser(ctx, &iam.DeleteUserInput{UserName: user})
	return err
}

func (s *stand) removeDevices(ctx context.Context) error {
	var own []*string
	for pages := iam.NewListVirtualMFADevicesPaginator(s.admin, &iam.ListVirtualMFADevicesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, d := range page.VirtualMFADevices {
			if strings.Contains(aws.ToString(d.SerialNumber), ":mfa"+Path) {
				own = append(own, d.SerialNumber)
			}
		}
	}
	var failed error
	for _, serial := range own {
		_, err := s.admin.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
		failed = errors.Join(failed, err)
	}
	return failed
}

func (s *stand) removeRoles(ctx context.Context) error {
	for pages := iam.NewListRolesPaginator(s.admin, &iam.ListRolesInput{PathPrefix: aws.String(Path)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.Roles {
			policies, err := s.admin.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: r.RoleName})
			if err != nil {
				return err
			}
			for _, p := range policies.PolicyNames {
				if _, err := s.admin.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: r.RoleName, PolicyName: &p}); err != nil {
					return err
				}
			}
			if _, err := s.admin.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: r.RoleName}); err != nil {
				return err
			}
		}
	}
	return nil
}
