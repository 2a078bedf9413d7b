package iamsvc

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// services lists the services with service-specific credentials.
// Source: IAM API Reference, CreateServiceSpecificCredential.
var services = []string{"bedrock.amazonaws.com", "cassandra.amazonaws.com", "codecommit.amazonaws.com", "logs.amazonaws.com"}

func supported(service *string) error {
	if service != nil && !slices.Contains(services, *service) {
		return &types.ServiceNotSupportedException{Message: aws.String("No such service " + *service + " is supported for Service Specific Credentials")}
	}
	return nil
}

func createServiceSpecificCredential(c *operation.Call, in *iam.CreateServiceSpecificCredentialInput) (*iam.CreateServiceSpecificCredentialOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	if err := supported(in.ServiceName); err != nil {
		return nil, err
	}
	n := 0
	for _, s := range u.Services {
		if s.Service == *in.ServiceName {
			n++
		}
	}
	if quota := a.Quota(world.QuotaServiceCredentials); n >= quota {
		return nil, overQuota("ServiceSpecificCredentialsPerUser", quota)
	}
	if in.CredentialAgeDays != nil && !world.IsAPIKey(*in.ServiceName) {
		return nil, invalidInput("CredentialAgeDays is not valid for %s.", *in.ServiceName)
	}
	s := &world.ServiceCredential{ID: c.World.NewID("ACCA"), Service: *in.ServiceName, Active: true, Created: c.Now}
	s.Name(u.Name, a.ID, len(u.Services))
	if in.CredentialAgeDays != nil {
		s.Expires = c.Now.Add(time.Duration(*in.CredentialAgeDays) * 24 * time.Hour)
	}
	u.Services = append(u.Services, s)
	return &iam.CreateServiceSpecificCredentialOutput{ServiceSpecificCredential: newCredential(c, u, s)}, nil
}

// newCredential returns a credential with a new password or secret, which the
// world does not keep: no service uses it here.
func newCredential(c *operation.Call, u *world.User, s *world.ServiceCredential) *types.ServiceSpecificCredential {
	m := metadata(c, u, s)
	t := &types.ServiceSpecificCredential{
		CreateDate: m.CreateDate, ServiceName: m.ServiceName, ServiceSpecificCredentialId: m.ServiceSpecificCredentialId,
		Status: m.Status, UserName: m.UserName, ExpirationDate: m.ExpirationDate,
		ServiceCredentialAlias: m.ServiceCredentialAlias, ServiceUserName: m.ServiceUserName,
	}
	if world.IsAPIKey(s.Service) {
		t.ServiceCredentialSecret = aws.String("ABSK" + c.World.NewSecret())
	} else {
		t.ServicePassword = aws.String(c.World.NewSecret())
	}
	return t
}

func metadata(c *operation.Call, u *world.User, s *world.ServiceCredential) types.ServiceSpecificCredentialMetadata {
	s = copyOf(s)
	m := types.ServiceSpecificCredentialMetadata{
		CreateDate: &s.Created, ServiceName: &s.Service, ServiceSpecificCredentialId: &s.ID,
		Status: statusOf(s.Active), UserName: aws.String(u.Name), ExpirationDate: timeOrNil(s.Expires),
	}
	if !s.Expires.IsZero() && !c.Now.Before(s.Expires) {
		m.Status = types.StatusTypeExpired
	}
	if s.Alias != "" {
		m.ServiceCredentialAlias = &s.Alias
	} else {
		m.ServiceUserName = &s.UserName
	}
	return m
}

// A credentialOf is a service-specific credential with its user.
type credentialOf struct {
	user       *world.User
	credential *world.ServiceCredential
}

func listServiceSpecificCredentials(c *operation.Call, in *iam.ListServiceSpecificCredentialsInput) (*iam.ListServiceSpecificCredentialsOutput, error) {
	users, err := usersAsked(c, in)
	if err != nil {
		return nil, err
	}
	if err := supported(in.ServiceName); err != nil {
		return nil, err
	}
	l := listing[credentialOf]{operation: "ListServiceSpecificCredentials", key: func(s credentialOf) string { return s.credential.ID }}
	for _, u := range users {
		for _, s := range u.Services {
			if in.ServiceName == nil || s.Service == *in.ServiceName {
				l.items = append(l.items, credentialOf{u, s})
			}
		}
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListServiceSpecificCredentialsOutput{
		ServiceSpecificCredentials: []types.ServiceSpecificCredentialMetadata{}, IsTruncated: p.truncated(), Marker: p.marker,
	}
	for _, item := range p.items {
		out.ServiceSpecificCredentials = append(out.ServiceSpecificCredentials, metadata(c, item.user, item.credential))
	}
	return out, nil
}

// usersAsked returns all users of the account or one.
func usersAsked(c *operation.Call, in *iam.ListServiceSpecificCredentialsInput) ([]*world.User, error) {
	if !aws.ToBool(in.AllUsers) {
		u, err := userOrOwn(c, account(c), in.UserName)
		return []*world.User{u}, err
	}
	if in.UserName != nil {
		return nil, validationError("UserName cannot be specified together with AllUsers.")
	}
	return slices.Collect(maps.Values(account(c).Users)), nil
}

func credential(c *operation.Call, a *world.Account, user, id *string) (*world.User, int, error) {
	u, err := userOrOwn(c, a, user)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(u.Services, func(s *world.ServiceCredential) bool { return s.ID == *id })
	if i < 0 {
		return nil, 0, noSuchEntity("No such credential %s exists", *id)
	}
	return u, i, nil
}

func updateServiceSpecificCredential(c *operation.Call, in *iam.UpdateServiceSpecificCredentialInput) (*iam.UpdateServiceSpecificCredentialOutput, error) {
	u, i, err := credential(c, edit(c), in.UserName, in.ServiceSpecificCredentialId)
	if err != nil {
		return nil, err
	}
	active, err := isActive(in.Status)
	if err != nil {
		return nil, err
	}
	u.Services[i].Active = active
	return &iam.UpdateServiceSpecificCredentialOutput{}, nil
}

func resetServiceSpecificCredential(c *operation.Call, in *iam.ResetServiceSpecificCredentialInput) (*iam.ResetServiceSpecificCredentialOutput, error) {
	u, i, err := credential(c, edit(c), in.UserName, in.ServiceSpecificCredentialId)
	if err != nil {
		return nil, err
	}
	return &iam.ResetServiceSpecificCredentialOutput{ServiceSpecificCredential: newCredential(c, u, u.Services[i])}, nil
}

func deleteServiceSpecificCredential(c *operation.Call, in *iam.DeleteServiceSpecificCredentialInput) (*iam.DeleteServiceSpecificCredentialOutput, error) {
	u, i, err := credential(c, edit(c), in.UserName, in.ServiceSpecificCredentialId)
	if err != nil {
		return nil, err
	}
	u.Services = slices.Delete(u.Services, i, i+1)
	return &iam.DeleteServiceSpecificCredentialOutput{}, nil
}
