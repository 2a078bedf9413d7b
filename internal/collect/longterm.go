package collect

import (
	"context"

	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// longTerm reads what the credential report does not have: the IDs of access keys, with
// one request for each user with keys, the service-specific credentials of all users with
// one request for each page, and the SSH keys with one request for each user.
func (r *reader) longTerm(ctx context.Context) {
	var withKeys, all []*org.User
	for i := range r.to.Users {
		u := &r.to.Users[i]
		all = append(all, u)
		if len(u.Keys) > 0 {
			withKeys = append(withKeys, u)
		}
	}
	forEach(ctx, withKeys, r.readKeys)
	listed, err := r.serviceSpecific(ctx, &iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(true)})
	if err != nil {
		r.gap("iam:ListServiceSpecificCredentials", err)
		return
	}
	services := map[string][]org.ServiceCredential{} // by user
	for i := range listed {
		user := aws.ToString(listed[i].UserName)
		services[user] = append(services[user], serviceCredential(&listed[i]))
	}
	forEach(ctx, all, func(ctx context.Context, u *org.User) {
		keys, err := r.sshKeys(ctx, u.Name)
		if err != nil {
			r.fail("iam:ListSSHPublicKeys", u.Name, err)
			return
		}
		u.Services = servicesOf(append(keys, services[u.Name]...))
	})
}
