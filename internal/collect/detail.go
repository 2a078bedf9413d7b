package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Detail reads the current credentials of some users of an account: devices,
// password and whether it must be changed, keys with their IDs, service-specific
// credentials and SSH keys. They decide whether a step may lock out a user and
// what it would break; the credential report can be four hours old. A failed
// read is a gap of the account. The error is that of the context, or names a
// user that the account does not have.
func Detail(ctx context.Context, f *fleet.Fleet, a *org.Account, users []string) error {
	if len(users) == 0 {
		return nil
	}
	users = slices.Compact(slices.Sorted(slices.Values(users)))
	cfg, _, err := f.Enter(ctx, a.ID)
	if err != nil {
		a.Gaps = append(a.Gaps, org.Gap{Account: a.ID, What: "assume " + f.Role(), Why: fleet.Reason(err)})
		return ctx.Err()
	}
	var found []*org.User
	for _, name := range users {
		u := a.User(name)
		if u == nil {
			return fmt.Errorf("read user %s: account %s has no such user", name, a.ID)
		}
		found = append(found, u)
	}
	r := newReader(cfg, a)
	forEach(ctx, found, func(ctx context.Context, u *org.User) {
		r.readCredentials(ctx, u)
		r.readServices(ctx, u)
	})
	r.close()
	return ctx.Err()
}

// User reads one user from AWS: the same data as [Run] and [Detail], except when
// the password and keys were last used. The gaps list the reads that failed. The
// error is that of reading the user, types.NoSuchEntityException when there is
// none, or of reading its policies and groups, which every decision needs.
func User(ctx context.Context, cfg aws.Config, name string) (*org.User, []org.Gap, error) {
	r := newReader(cfg, &org.Account{})
	u, err := r.identity(ctx, name)
	if err != nil {
		return nil, nil, fmt.Errorf("read user %s: %w", name, err)
	}
	r.readCredentials(ctx, u)
	r.readServices(ctx, u)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	r.close()
	return u, r.to.Gaps, nil
}

// identity reads the user and its policies.
func (r *reader) identity(ctx context.Context, name string) (*org.User, error) {
	out, err := r.iam.GetUser(ctx, &iam.GetUserInput{UserName: &name})
	if err != nil {
		return nil, err
	}
	if _, err := fleet.Whole(out.User, "GetUser"); err != nil {
		return nil, err
	}
	u := &org.User{
		Name:         aws.ToString(out.User.UserName),
		Path:         aws.ToString(out.User.Path),
		ARN:          aws.ToString(out.User.Arn),
		ID:           aws.ToString(out.User.UserId),
		Created:      aws.ToTime(out.User.CreateDate),
		Tags:         tags(out.User.Tags),
		Boundary:     boundary(out.User.PermissionsBoundary),
		PasswordUsed: out.User.PasswordLastUsed,
	}
	if id, err := arn.Parse(u.ARN); err == nil {
		r.to.ID = id.Account
	}
	if u.Groups, err = r.groupsOf(ctx, name); err != nil {
		return nil, err
	}
	if u.Attached, err = r.attachedTo(ctx, name); err != nil {
		return nil, err
	}
	if u.Inline, err = r.inlineOf(ctx, name); err != nil {
		return nil, err
	}
	return u, nil
}

func (r *reader) groupsOf(ctx context.Context, user string) ([]string, error) {
	var names []string
	pages := iam.NewListGroupsForUserPaginator(r.iam, &iam.ListGroupsForUserInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.Groups {
			names = append(names, aws.ToString(g.GroupName))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (r *reader) attachedTo(ctx context.Context, user string) ([]string, error) {
	var arns []string
	pages := iam.NewListAttachedUserPoliciesPaginator(r.iam, &iam.ListAttachedUserPoliciesInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		arns = append(arns, attached(page.AttachedPolicies)...)
	}
	slices.Sort(arns)
	return arns, nil
}

func (r *reader) inlineOf(ctx context.Context, user string) ([]org.InlinePolicy, error) {
	var policies []org.InlinePolicy
	pages := iam.NewListUserPoliciesPaginator(r.iam, &iam.ListUserPoliciesInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range page.PolicyNames {
			out, err := r.iam.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &user, PolicyName: &name})
			if err != nil {
				return nil, err
			}
			text, err := decodeDocument(aws.ToString(out.PolicyDocument))
			if err != nil {
				return nil, fmt.Errorf("inline policy %s: %w", name, err)
			}
			policies = append(policies, org.InlinePolicy{Name: name, Document: text})
		}
	}
	slices.SortFunc(policies, func(a, b org.InlinePolicy) int { return strings.Compare(a.Name, b.Name) })
	return policies, nil
}
