package collect

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// readCredentials reads the devices, the password and the keys of one user. A
// value that cannot be read stays unchanged.
func (r *reader) readCredentials(ctx context.Context, u *org.User) {
	r.readDevices(ctx, u)
	r.readPassword(ctx, u)
	r.readKeys(ctx, u)
}

func (r *reader) readDevices(ctx context.Context, u *org.User) {
	devices, err := r.devices(ctx, u.Name)
	if err != nil {
		r.fail("iam:ListMFADevices", u.Name, err)
		return
	}
	u.Devices, u.MFA = devices, org.TriOf(len(devices) > 0)
}

func (r *reader) readPassword(ctx context.Context, u *org.User) {
	out, err := r.iam.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: &u.Name})
	if err == nil {
		_, err = fleet.Whole(out.LoginProfile, "GetLoginProfile")
	}
	var none *types.NoSuchEntityException
	switch {
	case errors.As(err, &none):
		u.Password, u.PasswordReset = org.No, org.No
	case err != nil:
		r.fail("iam:GetLoginProfile", u.Name, err)
		u.PasswordReset = org.Unknown
	default:
		u.Password, u.PasswordReset = org.Yes, org.TriOf(out.LoginProfile.PasswordResetRequired)
	}
}

// readKeys lists the keys and keeps what the report says of their use. When the
// list fails and no key is known, the password becomes unknown too: without it,
// a missing key means nothing.
func (r *reader) readKeys(ctx context.Context, u *org.User) {
	var keys []org.AccessKey
	pages := iam.NewListAccessKeysPaginator(r.iam, &iam.ListAccessKeysInput{UserName: &u.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			r.fail("iam:ListAccessKeys", u.Name, err)
			if len(u.Keys) == 0 {
				u.Password = org.Unknown
			}
			return
		}
		for _, k := range page.AccessKeyMetadata {
			keys = append(keys, merge(u.Keys, k))
		}
	}
	slices.SortStableFunc(keys, func(a, b org.AccessKey) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), a.Created.Compare(*b.Created))
	})
	u.Keys = keys
}

// merge adds the known data of a key to a listed one. The report has no key IDs;
// the creation time identifies the key.
func merge(known []org.AccessKey, listed types.AccessKeyMetadata) org.AccessKey {
	created := aws.ToTime(listed.CreateDate)
	var key org.AccessKey
	for _, k := range known {
		sameTime := k.ID == "" && k.Created != nil && sameSecond(*k.Created, created)
		if sameTime || k.ID == aws.ToString(listed.AccessKeyId) {
			key = k
		}
	}
	key.ID, key.Created = aws.ToString(listed.AccessKeyId), &created
	key.Active = listed.Status == types.StatusTypeActive
	return key
}

// readServices counts the credentials that never carry MFA. The result stays
// unknown unless both lists were read.
func (r *reader) readServices(ctx context.Context, u *org.User) {
	u.Services = nil
	services, err := r.serviceSpecific(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: &u.Name})
	if err != nil {
		r.fail("iam:ListServiceSpecificCredentials", u.Name, err)
		return
	}
	keys, err := r.sshKeys(ctx, u.Name)
	if err != nil {
		r.fail("iam:ListSSHPublicKeys", u.Name, err)
		return
	}
	for i := range services {
		keys = append(keys, serviceCredential(&services[i]))
	}
	u.Services = servicesOf(keys)
	u.Services.Listed = nil
}

// serviceSpecific lists the service-specific credentials of a user, or of all users.
func (r *reader) serviceSpecific(ctx context.Context, in *iam.ListServiceSpecificCredentialsInput) ([]types.ServiceSpecificCredentialMetadata, error) {
	var all []types.ServiceSpecificCredentialMetadata
	for {
		out, err := r.iam.ListServiceSpecificCredentials(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.ServiceSpecificCredentials...)
		if !out.IsTruncated {
			return all, nil
		}
		in.Marker = out.Marker
	}
}

func serviceCredential(c *types.ServiceSpecificCredentialMetadata) org.ServiceCredential {
	return org.ServiceCredential{
		ID: aws.ToString(c.ServiceSpecificCredentialId), Service: aws.ToString(c.ServiceName),
		Active: c.Status == types.StatusTypeActive, Created: c.CreateDate, Expires: c.ExpirationDate,
	}
}

func (r *reader) sshKeys(ctx context.Context, user string) (keys []org.ServiceCredential, err error) {
	pages := iam.NewListSSHPublicKeysPaginator(r.iam, &iam.ListSSHPublicKeysInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range page.SSHPublicKeys {
			keys = append(keys, org.ServiceCredential{ID: aws.ToString(k.SSHPublicKeyId), Service: org.SSH, Active: k.Status == types.StatusTypeActive, Created: k.UploadDate})
		}
	}
	return keys, nil
}

// servicesOf counts credentials that were listed one by one.
func servicesOf(list []org.ServiceCredential) *org.ServiceCredentials {
	s := &org.ServiceCredentials{Listed: list}
	for _, c := range list {
		switch {
		case !c.Active:
		case c.Service == org.SSH:
			s.SSHKeys++
		default:
			s.ServiceSpecific = append(s.ServiceSpecific, c.Service)
		}
	}
	s.Sort()
	return s
}
