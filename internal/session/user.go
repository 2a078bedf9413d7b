package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/policy/arn"
)

// A User is the IAM user behind some credentials.
type User struct {
	Name, Account, Partition, ARN string
}

// SignInPage is where the user signs in with a password, and the words "the AWS
// console" in a partition whose sign-in page is not documented.
func (u User) SignInPage() string {
	partition, _ := arn.LookupPartition(u.Partition)
	return or(partition.SignInPage(u.Account), "the AWS console")
}

// An Access is credentials of a person and what can be done with them.
type Access struct {
	User
	Route  *Route // nil: the credentials are another tool's
	Config aws.Config
	// Bare says that the long-lived key itself signs, without MFA.
	Bare bool

	manager *Manager
	roles   []Role // of the profile, assumed by AsProfile
}

// Own is access with the long-lived key of a profile, or where it has none with
// what others, if it is given, finds: a session of "aws login", say.
func (m *Manager) Own(ctx context.Context, req Request, others func(context.Context) (aws.Config, error)) (*Access, error) {
	a := &Access{manager: m, Bare: true}
	r, err := m.Route(ctx, req)
	switch {
	case err == nil:
		a.roles, r.Roles = r.Roles, nil
		a.Route = r
		if r.KeyFrom == KeyFromSignIn {
			a.Bare = false
			e, _, err := m.step(ctx, r, req, -1, m.Now())
			if err != nil {
				return nil, err
			}
			if a.Config, err = m.entryConfig(r, e); err != nil {
				return nil, err
			}
			break
		}
		if a.Config, err = m.keyConfig(ctx, r); err != nil {
			return nil, err
		}
	case others == nil || !a.borrow(ctx, others):
		return nil, err // why the profile has no key is what helps
	}
	return a, a.identify(ctx)
}

// borrow takes what others finds, if there are credentials in it.
func (a *Access) borrow(ctx context.Context, others func(context.Context) (aws.Config, error)) bool {
	cfg, err := others(ctx)
	if err == nil {
		_, err = cfg.Credentials.Retrieve(ctx)
	}
	a.Config, a.Bare = cfg, false
	return err == nil
}

// sts and iam go to the route's endpoints, or where the other tool's config says.
func (a *Access) sts() *sts.Client {
	if a.Route == nil {
		return sts.NewFromConfig(a.Config)
	}
	return a.manager.sts(a.Route, a.Config)
}

// IAM is a client with these credentials.
func (a *Access) IAM() *iam.Client {
	if a.Route == nil {
		return iam.NewFromConfig(a.Config)
	}
	return a.manager.iam(a.Route, a.Config)
}

func (a *Access) profile() string {
	if a.Route == nil {
		return ""
	}
	return a.Route.Profile
}

func (a *Access) identify(ctx context.Context) error {
	out, err := a.sts().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return a.manager.Explain(err, a.profile())
	}
	a.ARN = aws.ToString(out.Arn)
	named, err := arn.Parse(a.ARN)
	if err != nil {
		return fmt.Errorf("read the caller identity: %w", err)
	}
	a.Account, a.Partition = named.Account, named.Partition
	if named.Kind() == "user" {
		a.Name = named.Name()
	}
	return nil
}

// user is nil for an IAM user; others have no MFA devices.
func (a *Access) user() error {
	if a.Name != "" {
		return nil
	}
	return &Problem{
		Sentence: fmt.Sprintf("the credentials belong to %s; only IAM users have MFA devices and access keys", a.ARN),
		Next:     "name the profile with the access key of the user",
	}
}

// WithMFA is the same person by an MFA session, which takes a code where there
// is none yet.
func (a *Access) WithMFA(ctx context.Context, req Request) (*Access, error) {
	if !a.Bare {
		return a, nil
	}
	e, err := a.manager.mfaSession(ctx, a.Route, req)
	if err != nil {
		return nil, err
	}
	more := *a
	more.Bare = false
	more.Config, err = a.manager.entryConfig(a.Route, e)
	return &more, err
}

// denied says that a policy refused a call.
func denied(err error) (message string, is bool) {
	code, message, _ := apiError(err)
	return message, strings.HasPrefix(code, "AccessDenied")
}

// AsProfile is access with the session that the profile leads to, its roles
// included.
func (a *Access) AsProfile(ctx context.Context, req Request) (*Access, error) {
	if a.Route == nil {
		return a, nil
	}
	r := *a.Route
	r.Roles = a.roles
	e, _, err := a.manager.obtain(ctx, &r, req, a.manager.Now())
	if err != nil {
		return nil, err
	}
	more := *a
	more.Bare = false
	more.Config, err = a.manager.entryConfig(a.Route, e)
	return &more, err
}
