package apply

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/fleet"
	"forcemfa/internal/plan"
	"forcemfa/policy/arn"
)

// An executor carries out one Op.
type executor struct {
	// read returns the state of the step's subject and object in AWS. A
	// NoSuchEntityException means that the subject does not exist.
	read func(context.Context, *iam.Client, *plan.Step) (plan.State, error)
	// drops reads the policy versions that write deletes; nil: it deletes none.
	drops func(context.Context, *iam.Client, *plan.Step) ([]Version, error)
	write func(context.Context, *iam.Client, *plan.Step, []Version) error
	// scp replaces the functions above for changes of the organization.
	scp *scpExecutor
}

// executors has a row for every Op of package plan.
var executors = map[plan.Op]executor{
	plan.CreatePolicy: {read: readPolicy, write: createPolicy},
	plan.UpdatePolicy: {read: readPolicy, drops: oldestVersion, write: updatePolicy},
	plan.DeletePolicy: {read: readPolicy, drops: otherVersions, write: deletePolicy},

	plan.RestorePolicy: {read: readPolicy, drops: replacedVersions, write: restorePolicy},

	plan.CreateGroup:       {read: readGroup, write: createGroup},
	plan.DeleteGroup:       {read: readGroup, write: deleteGroup},
	plan.AttachGroupPolicy: {read: readGroupAttachment, write: attachGroupPolicy},
	plan.DetachGroupPolicy: {read: readGroupAttachment, write: detachGroupPolicy},

	plan.AddUserToGroup:      {read: readMembership, write: addUserToGroup},
	plan.RemoveUserFromGroup: {read: readMembership, write: removeUserFromGroup},
	plan.AttachUserPolicy:    {read: readUserAttachment, write: attachUserPolicy},
	plan.DetachUserPolicy:    {read: readUserAttachment, write: detachUserPolicy},
	plan.PutUserPolicy:       {read: readInline, write: putUserPolicy},
	plan.DeleteUserPolicy:    {read: readInline, write: deleteUserPolicy},
	plan.TagUser:             {read: readTag, write: tagUser},
	plan.UntagUser:           {read: readTag, write: untagUser},

	plan.PutGroupPolicy:      {read: readGroupInline, write: putGroupPolicy},
	plan.DeleteGroupPolicy:   {read: readGroupInline, write: deleteGroupPolicy},
	plan.CreateRole:          {read: readRole, write: createRole},
	plan.DeleteRole:          {read: readRole, write: deleteRole},
	plan.AttachRolePolicy:    {read: readRoleAttachment, write: attachRolePolicy},
	plan.DetachRolePolicy:    {read: readRoleAttachment, write: detachRolePolicy},
	plan.PutRolePolicy:       {read: readRoleInline, write: putRolePolicy},
	plan.DeleteRolePolicy:    {read: readRoleInline, write: deleteRolePolicy},
	plan.UpdateTrust:         {read: readTrust, write: updateTrust},
	plan.UpdateEntranceTrust: {read: readTrust, write: updateTrust},

	plan.DeactivateKey: {read: readKey, write: updateKey},
	plan.ActivateKey:   {read: readKey, write: updateKey},
	plan.DeleteKey:     {read: readKey, write: deleteKey},
	plan.RestoreKey:    {read: readKey, write: restoreKey},

	plan.CreateSCP: {scp: &scpExecutor{read: readSCP, write: createSCP}},
	plan.UpdateSCP: {scp: &scpExecutor{read: readSCP, write: updateSCP}},
	plan.DeleteSCP: {scp: &scpExecutor{read: readSCP, write: deleteSCP}},
	plan.AttachSCP: {scp: &scpExecutor{read: readSCPTarget, write: attachSCP}},
	plan.DetachSCP: {scp: &scpExecutor{read: readSCPTarget, write: detachSCP}},
}

// entity is the path and name in the ARN of a user, group, role or policy.
func entity(s *plan.Step) (path, name string) {
	a, err := arn.Parse(s.Subject)
	if err != nil {
		return "/", "" // AWS rejects that; plans have no such step
	}
	path = strings.TrimPrefix(strings.TrimSuffix(a.Resource, a.Name()), a.Kind())
	return path, a.Name()
}

func nameOf(s *plan.Step) *string {
	_, name := entity(s)
	return &name
}

// document decodes a document that IAM returns URL-encoded by RFC 3986, where a plus
// sign stands for itself. Plain JSON is returned unchanged.
// Source: IAM API Reference, PolicyVersion and GetUserPolicy.
func document(encoded *string) (string, error) {
	text := aws.ToString(encoded)
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return text, nil
	}
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return "", fmt.Errorf("decode policy document: %w", err)
	}
	return decoded, nil
}

// A pager returns the pages of a list of IAM.
type pager[P any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*iam.Options)) (P, error)
}

// present is the state of an entry in a list: present when has finds it on a page.
func present[P any](ctx context.Context, pages pager[P], has func(P) bool) (plan.State, error) {
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return plan.State{}, err
		}
		if has(page) {
			return plan.State{Present: true}, nil
		}
	}
	return plan.State{}, nil
}

// inline reads an inline policy. It lists the names first, because the Get operations
// return the same error for a missing user, group or role and for a missing policy.
func inline[P any](ctx context.Context, names pager[P], has func(P) bool, get func() (*string, error)) (plan.State, error) {
	there, err := present(ctx, names, has)
	if err != nil || !there.Present {
		return there, err
	}
	text, err := get()
	if err != nil {
		return plan.State{}, err
	}
	there.Document, err = document(text)
	return there, err
}

func createGroup(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	path, name := entity(s)
	_, err := c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: &name, Path: &path})
	return err
}

func deleteGroup(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: nameOf(s)})
	return err
}

// readGroup compares the whole ARN: a group of the same name under another
// path is a different group.
func readGroup(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	out, err := c.GetGroup(ctx, &iam.GetGroupInput{GroupName: nameOf(s), MaxItems: aws.Int32(1)})
	switch {
	case gone(err):
		return plan.State{}, nil
	case err != nil:
		return plan.State{}, err
	}
	group, err := fleet.Whole(out.Group, "GetGroup")
	if err != nil {
		return plan.State{}, err
	}
	if aws.ToString(group.Arn) != s.Subject {
		return plan.State{}, fmt.Errorf("the name is used by %s", aws.ToString(group.Arn))
	}
	return plan.State{Present: true}, nil
}

func readGroupAttachment(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListAttachedGroupPoliciesPaginator(c, &iam.ListAttachedGroupPoliciesInput{GroupName: nameOf(s)})
	return present(ctx, pages, func(page *iam.ListAttachedGroupPoliciesOutput) bool { return attached(page.AttachedPolicies, s.Object) })
}

func attached(policies []types.AttachedPolicy, policyARN string) bool {
	return slices.ContainsFunc(policies, func(p types.AttachedPolicy) bool { return aws.ToString(p.PolicyArn) == policyARN })
}

func attachGroupPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: nameOf(s), PolicyArn: &s.Object})
	return err
}

func detachGroupPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: nameOf(s), PolicyArn: &s.Object})
	return err
}

func readMembership(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListGroupsForUserPaginator(c, &iam.ListGroupsForUserInput{UserName: nameOf(s)})
	return present(ctx, pages, func(page *iam.ListGroupsForUserOutput) bool {
		return slices.ContainsFunc(page.Groups, func(g types.Group) bool { return strings.EqualFold(aws.ToString(g.GroupName), s.Object) })
	})
}

func addUserToGroup(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: nameOf(s), GroupName: &s.Object})
	return err
}

func removeUserFromGroup(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{UserName: nameOf(s), GroupName: &s.Object})
	return err
}

func readUserAttachment(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListAttachedUserPoliciesPaginator(c, &iam.ListAttachedUserPoliciesInput{UserName: nameOf(s)})
	return present(ctx, pages, func(page *iam.ListAttachedUserPoliciesOutput) bool { return attached(page.AttachedPolicies, s.Object) })
}

func attachUserPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: nameOf(s), PolicyArn: &s.Object})
	return err
}

func detachUserPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: nameOf(s), PolicyArn: &s.Object})
	return err
}

func readInline(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListUserPoliciesPaginator(c, &iam.ListUserPoliciesInput{UserName: nameOf(s)})
	named := func(page *iam.ListUserPoliciesOutput) bool { return slices.Contains(page.PolicyNames, s.Object) }
	return inline(ctx, pages, named, func() (*string, error) {
		out, err := c.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: nameOf(s), PolicyName: &s.Object})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	})
}

func putUserPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: nameOf(s), PolicyName: &s.Object, PolicyDocument: &s.Want.Document})
	return err
}

func deleteUserPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: nameOf(s), PolicyName: &s.Object})
	return err
}

// readTag ignores the case of the key, because IAM does not allow two keys of a user
// that differ only in case.
func readTag(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListUserTagsPaginator(c, &iam.ListUserTagsInput{UserName: nameOf(s)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return plan.State{}, err
		}
		for _, t := range page.Tags {
			if strings.EqualFold(aws.ToString(t.Key), s.Object) {
				return plan.State{Present: true, Value: aws.ToString(t.Value)}, nil
			}
		}
	}
	return plan.State{}, nil
}

func tagUser(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.TagUser(ctx, &iam.TagUserInput{UserName: nameOf(s), Tags: []types.Tag{{Key: &s.Object, Value: &s.Want.Value}}})
	return err
}

func untagUser(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.UntagUser(ctx, &iam.UntagUserInput{UserName: nameOf(s), TagKeys: []string{s.Object}})
	return err
}
