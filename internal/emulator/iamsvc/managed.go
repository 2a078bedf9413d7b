package iamsvc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// policyOf returns a managed policy that is visible in the caller's account,
// read-only.
func policyOf(c *operation.Call, policyARN *string) (*world.Policy, error) {
	p := c.World.ManagedPolicy(c.Caller.Account, *policyARN)
	if p == nil {
		return nil, noSuchEntity("Policy %s was not found.", *policyARN)
	}
	return p, nil
}

// modifiablePolicy returns a customer managed policy of the account. AWS managed
// policies, and those of other accounts, cannot be changed.
// Source: IAM User Guide, "AWS managed policies".
func modifiablePolicy(a *world.Account, policyARN *string) (*world.Policy, error) {
	if parsed, err := arn.Parse(*policyARN); err != nil || parsed.Service != "iam" {
		return nil, invalidInput("ARN %s is not valid.", *policyARN)
	} else if parsed.Account != a.ID {
		return nil, accessDenied("Policy is outside your own account.")
	}
	p := a.Policies[*policyARN]
	if p == nil {
		return nil, noSuchEntity("Policy %s was not found.", *policyARN)
	}
	return p, nil
}

func checkManaged(a *world.Account, text string) error {
	if quota := a.Quota(world.QuotaPolicySize); policy.Size(text) > quota {
		return overQuota("PolicySize", quota)
	}
	return checkDocument(policy.Identity, text)
}

func createPolicy(c *operation.Call, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	a := edit(c)
	for _, p := range a.Policies {
		if strings.EqualFold(p.Name, *in.PolicyName) {
			return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", *in.PolicyName)
		}
	}
	if quota := a.Quota(world.QuotaPolicies); len(a.Policies) >= quota {
		return nil, overQuota("PoliciesPerAccount", quota)
	}
	if err := checkManaged(a, *in.PolicyDocument); err != nil {
		return nil, err
	}
	if quota := a.Quota(world.QuotaVersionsInUse); versionsInUse(a) >= quota {
		return nil, overQuota("PolicyVersionsInUse", quota)
	}
	tags, err := mergeTags(a, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	p := &world.Policy{
		ARN:  arn.IAM(c.World.Partition, a.ID, "policy", pathOr(in.Path), *in.PolicyName),
		Name: *in.PolicyName, Path: pathOr(in.Path), ID: c.World.NewID("ANPA"), Description: aws.ToString(in.Description),
		Created: c.Now, Updated: c.Now, Tags: tags, Default: "v1", NextVersion: 2,
		Versions: []org.Version{{ID: "v1", Created: c.Now, Document: *in.PolicyDocument}},
	}
	a.Policies[p.ARN] = p
	return &iam.CreatePolicyOutput{Policy: policyType(p, use{}, false)}, nil
}

func versionsInUse(a *world.Account) int {
	n := 0
	for _, p := range a.Policies {
		n += len(p.Versions)
	}
	return n
}

func getPolicy(c *operation.Call, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	p, err := policyOf(c, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	t := policyType(p, uses(account(c))[p.ARN], true)
	t.Tags = tagTypes(p.Tags)
	return &iam.GetPolicyOutput{Policy: t}, nil
}

func listPolicies(c *operation.Call, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	a := account(c)
	used := uses(a)
	l := listing[*world.Policy]{operation: "ListPolicies", key: policyKey}
	for _, p := range policiesIn(c, in.Scope) {
		if strings.HasPrefix(p.Path, aws.ToString(in.PathPrefix)) && used[p.ARN].passes(in.OnlyAttached, in.PolicyUsageFilter) {
			l.items = append(l.items, p)
		}
	}
	found, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPoliciesOutput{Policies: []types.Policy{}, IsTruncated: found.truncated(), Marker: found.marker}
	for _, p := range found.items {
		out.Policies = append(out.Policies, *policyType(p, used[p.ARN], false))
	}
	return out, nil
}

// policyKey orders policies by name, and AWS's and the account's policy of the
// same name by ID.
func policyKey(p *world.Policy) string { return world.Fold(p.Name) + "\n" + p.ID }

func policiesIn(c *operation.Call, scope types.PolicyScopeType) []*world.Policy {
	var all []*world.Policy
	if scope != types.PolicyScopeTypeLocal {
		all = append(all, c.World.AWSManaged()...)
	}
	if scope != types.PolicyScopeTypeAws {
		for _, p := range account(c).Policies {
			all = append(all, p)
		}
	}
	return all
}

func deletePolicy(c *operation.Call, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	a := edit(c)
	p, err := modifiablePolicy(a, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if used := uses(a)[p.ARN]; used.attached+used.boundaries > 0 {
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	}
	if len(p.Versions) > 1 {
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	delete(a.Policies, p.ARN)
	return &iam.DeletePolicyOutput{}, nil
}

func createPolicyVersion(c *operation.Call, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	a := edit(c)
	p, err := modifiablePolicy(a, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if err := checkManaged(a, *in.PolicyDocument); err != nil {
		return nil, err
	}
	if quota := a.Quota(world.QuotaVersionsPerPolicy); len(p.Versions) >= quota {
		return nil, limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", quota)
	}
	if quota := a.Quota(world.QuotaVersionsInUse); versionsInUse(a) >= quota {
		return nil, overQuota("PolicyVersionsInUse", quota)
	}
	v := org.Version{ID: "v" + strconv.Itoa(p.NextVersion), Created: c.Now, Document: *in.PolicyDocument}
	p.NextVersion++
	p.Versions = append(p.Versions, v)
	p.Updated = c.Now
	if in.SetAsDefault {
		p.Default = v.ID
	}
	t := versionType(p, v)
	t.Document = nil
	return &iam.CreatePolicyVersionOutput{PolicyVersion: &t}, nil
}

// versionOf returns the index of a version of a policy.
func versionOf(p *world.Policy, id *string) (int, error) {
	i := slices.IndexFunc(p.Versions, func(v org.Version) bool { return v.ID == *id })
	if i < 0 {
		return 0, noSuchEntity("Policy %s version %s does not exist or is not attachable.", p.ARN, *id)
	}
	return i, nil
}

func getPolicyVersion(c *operation.Call, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	p, err := policyOf(c, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	i, err := versionOf(p, in.VersionId)
	if err != nil {
		return nil, err
	}
	t := versionType(p, p.Versions[i])
	return &iam.GetPolicyVersionOutput{PolicyVersion: &t}, nil
}

func listPolicyVersions(c *operation.Call, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	p, err := policyOf(c, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	l := listing[org.Version]{"ListPolicyVersions", slices.Clone(p.Versions), newestFirst}
	found, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPolicyVersionsOutput{Versions: []types.PolicyVersion{}, IsTruncated: found.truncated(), Marker: found.marker}
	for _, v := range found.items {
		t := versionType(p, v)
		t.Document = nil
		out.Versions = append(out.Versions, t)
	}
	return out, nil
}

// newestFirst orders versions by number, highest first.
func newestFirst(v org.Version) string {
	n, _ := strconv.Atoi(v.ID[1:])
	return strconv.Itoa(1<<31 - n)
}

func setDefaultPolicyVersion(c *operation.Call, in *iam.SetDefaultPolicyVersionInput) (*iam.SetDefaultPolicyVersionOutput, error) {
	p, err := modifiablePolicy(edit(c), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if _, err := versionOf(p, in.VersionId); err != nil {
		return nil, err
	}
	p.Default = *in.VersionId
	p.Updated = c.Now
	return &iam.SetDefaultPolicyVersionOutput{}, nil
}

func deletePolicyVersion(c *operation.Call, in *iam.DeletePolicyVersionInput) (*iam.DeletePolicyVersionOutput, error) {
	p, err := modifiablePolicy(edit(c), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	i, err := versionOf(p, in.VersionId)
	if err != nil {
		return nil, err
	}
	if p.Default == *in.VersionId {
		return nil, deleteConflict("Cannot delete the default version of a policy.")
	}
	p.Versions = slices.Delete(p.Versions, i, i+1)
	p.Updated = c.Now
	return &iam.DeletePolicyVersionOutput{}, nil
}

// A use counts the attachments of a managed policy and its uses as a boundary.
type use struct{ attached, boundaries int32 }

// passes applies the filters of ListPolicies.
func (u use) passes(onlyAttached bool, filter types.PolicyUsageType) bool {
	n := u.attached + u.boundaries
	switch filter {
	case types.PolicyUsageTypePermissionsPolicy:
		n = u.attached
	case types.PolicyUsageTypePermissionsBoundary:
		n = u.boundaries
	}
	return n > 0 || !onlyAttached && filter == ""
}

// uses counts the uses of each managed policy in an account.
func uses(a *world.Account) map[string]use {
	used := map[string]use{}
	count := func(attached []string, boundary string) {
		for _, p := range attached {
			u := used[p]
			u.attached++
			used[p] = u
		}
		if boundary != "" {
			u := used[boundary]
			u.boundaries++
			used[boundary] = u
		}
	}
	for _, u := range a.Users {
		count(u.Attached, u.Boundary)
	}
	for _, g := range a.Groups {
		count(g.Attached, "")
	}
	for _, r := range a.ListedRoles() {
		count(r.Attached, r.Boundary)
	}
	return used
}

// policyType converts a managed policy to the SDK's type. Lists omit the
// description.
// Source: IAM API Reference, Policy.
func policyType(p *world.Policy, used use, described bool) *types.Policy {
	p = copyOf(p)
	t := &types.Policy{
		Arn: &p.ARN, PolicyName: &p.Name, PolicyId: &p.ID, Path: &p.Path, CreateDate: &p.Created, UpdateDate: &p.Updated,
		DefaultVersionId: &p.Default, IsAttachable: true,
		AttachmentCount: &used.attached, PermissionsBoundaryUsageCount: &used.boundaries,
	}
	if described && p.Description != "" {
		t.Description = &p.Description
	}
	return t
}

func versionType(p *world.Policy, v org.Version) types.PolicyVersion {
	return types.PolicyVersion{
		CreateDate: &v.Created, Document: encoded(v.Document), IsDefaultVersion: v.ID == p.Default, VersionId: &v.ID,
	}
}
