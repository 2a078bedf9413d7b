package iamsvc

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// mergeTags returns the tags after adding some. Keys that differ only in case
// are the same: the new spelling and value replace the old ones.
// Source: IAM User Guide, "Rules for tagging in IAM and AWS STS".
func mergeTags(a *world.Account, tags []org.Tag, add []types.Tag) ([]org.Tag, error) {
	merged := slices.Clone(tags)
	for i, t := range add {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, invalidInput("Tag keys beginning with 'aws:' are reserved for AWS use.")
		}
		if slices.ContainsFunc(add[:i], func(o types.Tag) bool { return strings.EqualFold(*o.Key, *t.Key) }) {
			return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		tag := org.Tag{Key: *t.Key, Value: *t.Value}
		if at := indexTag(merged, tag.Key); at >= 0 {
			merged[at] = tag
		} else {
			merged = append(merged, tag)
		}
	}
	if quota := a.Quota(world.QuotaTags); len(merged) > quota {
		return nil, overQuota("TagsPerResource", quota)
	}
	return merged, nil
}

// addTags adds tags to those of a resource, which stay as they are on an error.
func addTags(a *world.Account, tags *[]org.Tag, add []types.Tag) error {
	merged, err := mergeTags(a, *tags, add)
	if err == nil {
		*tags = merged
	}
	return err
}

func withoutTags(tags []org.Tag, keys []string) []org.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t org.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}

func indexTag(tags []org.Tag, key string) int {
	return slices.IndexFunc(tags, func(t org.Tag) bool { return strings.EqualFold(t.Key, key) })
}

func tagTypes(tags []org.Tag) []types.Tag {
	var out []types.Tag
	for _, t := range tags {
		out = append(out, types.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out
}

func tagPage(c *operation.Call, operation string, tags []org.Tag, marker *string, maxItems *int32) ([]types.Tag, page[org.Tag], error) {
	l := listing[org.Tag]{operation, slices.Clone(tags), func(t org.Tag) string { return t.Key }}
	p, err := l.page(c, marker, maxItems)
	found := tagTypes(p.items)
	if found == nil {
		found = []types.Tag{}
	}
	return found, p, err
}

func tagUser(c *operation.Call, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.TagUserOutput{}, addTags(a, &u.Tags, in.Tags)
}

func untagUser(c *operation.Call, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
	u, err := userOf(edit(c), in.UserName)
	if err != nil {
		return nil, err
	}
	u.Tags = withoutTags(u.Tags, in.TagKeys)
	return &iam.UntagUserOutput{}, nil
}

func listUserTags(c *operation.Call, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
	u, err := userOf(account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	tags, p, err := tagPage(c, "ListUserTags", u.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUserTagsOutput{Tags: tags, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func tagRole(c *operation.Call, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	a := edit(c)
	r, err := labeledRole(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iam.TagRoleOutput{}, addTags(a, &r.Tags, in.Tags)
}

func untagRole(c *operation.Call, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	r, err := labeledRole(edit(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	r.Tags = withoutTags(r.Tags, in.TagKeys)
	return &iam.UntagRoleOutput{}, nil
}

func listRoleTags(c *operation.Call, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	r, err := roleOf(account(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	tags, p, err := tagPage(c, "ListRoleTags", r.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRoleTagsOutput{Tags: tags, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func tagPolicy(c *operation.Call, in *iam.TagPolicyInput) (*iam.TagPolicyOutput, error) {
	a := edit(c)
	p, err := modifiablePolicy(a, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &iam.TagPolicyOutput{}, addTags(a, &p.Tags, in.Tags)
}

func untagPolicy(c *operation.Call, in *iam.UntagPolicyInput) (*iam.UntagPolicyOutput, error) {
	p, err := modifiablePolicy(edit(c), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	p.Tags = withoutTags(p.Tags, in.TagKeys)
	return &iam.UntagPolicyOutput{}, nil
}

func listPolicyTags(c *operation.Call, in *iam.ListPolicyTagsInput) (*iam.ListPolicyTagsOutput, error) {
	p, err := policyOf(c, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	tags, found, err := tagPage(c, "ListPolicyTags", p.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListPolicyTagsOutput{Tags: tags, IsTruncated: found.truncated(), Marker: found.marker}, nil
}

func tagMFADevice(c *operation.Call, in *iam.TagMFADeviceInput) (*iam.TagMFADeviceOutput, error) {
	a := edit(c)
	d, err := virtualDevice(a, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	return &iam.TagMFADeviceOutput{}, addTags(a, &d.Tags, in.Tags)
}

func untagMFADevice(c *operation.Call, in *iam.UntagMFADeviceInput) (*iam.UntagMFADeviceOutput, error) {
	d, err := virtualDevice(edit(c), *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	d.Tags = withoutTags(d.Tags, in.TagKeys)
	return &iam.UntagMFADeviceOutput{}, nil
}

func listMFADeviceTags(c *operation.Call, in *iam.ListMFADeviceTagsInput) (*iam.ListMFADeviceTagsOutput, error) {
	d, err := virtualDevice(account(c), *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	tags, p, err := tagPage(c, "ListMFADeviceTags", d.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListMFADeviceTagsOutput{Tags: tags, IsTruncated: p.truncated(), Marker: p.marker}, nil
}
