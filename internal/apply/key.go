package apply

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// readKey reads the status of a key: of an access key, service-specific credential or SSH
// public key, as its ID says.
func readKey(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	list := accessKeys
	switch {
	case isServiceCredential(s):
		list = serviceCredentials
	case isSSHKey(s):
		list = sshKeys
	}
	status, err := list(ctx, c, s)
	if err != nil || status == "" {
		return plan.State{}, err
	}
	return plan.State{Present: true, Value: string(status)}, nil
}

func isServiceCredential(s *plan.Step) bool {
	return strings.HasPrefix(s.Object, org.ServiceCredentialPrefix)
}

func isSSHKey(s *plan.Step) bool { return strings.HasPrefix(s.Object, org.SSHKeyPrefix) }

// accessKeys, serviceCredentials and sshKeys return the status of the key of a step;
// empty: the user does not have it.
func accessKeys(ctx context.Context, c *iam.Client, s *plan.Step) (types.StatusType, error) {
	pages := iam.NewListAccessKeysPaginator(c, &iam.ListAccessKeysInput{UserName: nameOf(s)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, k := range page.AccessKeyMetadata {
			if aws.ToString(k.AccessKeyId) == s.Object {
				return k.Status, nil
			}
		}
	}
	return "", nil
}

func serviceCredentials(ctx context.Context, c *iam.Client, s *plan.Step) (types.StatusType, error) {
	for in := (&iam.ListServiceSpecificCredentialsInput{UserName: nameOf(s)}); ; {
		page, err := c.ListServiceSpecificCredentials(ctx, in)
		if err != nil {
			return "", err
		}
		for _, k := range page.ServiceSpecificCredentials {
			if aws.ToString(k.ServiceSpecificCredentialId) == s.Object {
				return k.Status, nil
			}
		}
		if !page.IsTruncated {
			return "", nil
		}
		in.Marker = page.Marker
	}
}

func sshKeys(ctx context.Context, c *iam.Client, s *plan.Step) (types.StatusType, error) {
	pages := iam.NewListSSHPublicKeysPaginator(c, &iam.ListSSHPublicKeysInput{UserName: nameOf(s)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, k := range page.SSHPublicKeys {
			if aws.ToString(k.SSHPublicKeyId) == s.Object {
				return k.Status, nil
			}
		}
	}
	return "", nil
}

func updateKey(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) (err error) {
	status := types.StatusType(s.Want.Value)
	switch {
	case isServiceCredential(s):
		_, err = c.UpdateServiceSpecificCredential(ctx, &iam.UpdateServiceSpecificCredentialInput{UserName: nameOf(s), ServiceSpecificCredentialId: &s.Object, Status: status})
	case isSSHKey(s):
		_, err = c.UpdateSSHPublicKey(ctx, &iam.UpdateSSHPublicKeyInput{UserName: nameOf(s), SSHPublicKeyId: &s.Object, Status: status})
	default:
		_, err = c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: nameOf(s), AccessKeyId: &s.Object, Status: status})
	}
	return err
}

func deleteKey(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) (err error) {
	switch {
	case isServiceCredential(s):
		_, err = c.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: nameOf(s), ServiceSpecificCredentialId: &s.Object})
	case isSSHKey(s):
		_, err = c.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: nameOf(s), SSHPublicKeyId: &s.Object})
	default:
		_, err = c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: nameOf(s), AccessKeyId: &s.Object})
	}
	return err
}

// restoreKey is not reached: such steps are blocked.
func restoreKey(context.Context, *iam.Client, *plan.Step, []Version) error {
	return errors.New("AWS cannot restore a deleted key")
}
