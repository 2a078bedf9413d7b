package orgsvc

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// mostTags is the quota of tags on one resource.
// Source: Organizations User Guide, "Tagging AWS Organizations resources".
const mostTags = 50

func tagOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.TagResourceInput, organizations.TagResourceOutput]{
			name: "TagResource", who: manager, do: tagResource,
			check: func(v *input, in *organizations.TagResourceInput) {
				v.id("ResourceId", in.ResourceId, resourcePattern)
				v.tags(in.Tags)
				if in.Tags == nil {
					v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for Tags.")
				}
			},
			on: func(n names, in *organizations.TagResourceInput) []string {
				return []string{n.resource(*in.ResourceId)}
			},
			tags: func(in *organizations.TagResourceInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.UntagResourceInput, organizations.UntagResourceOutput]{
			name: "UntagResource", who: manager, do: untagResource,
			check: func(v *input, in *organizations.UntagResourceInput) {
				v.id("ResourceId", in.ResourceId, resourcePattern)
				if in.TagKeys == nil {
					v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for TagKeys.")
				}
				for i := range in.TagKeys {
					v.text("TagKeys", &in.TagKeys[i], 1, 128)
				}
			},
			on: func(n names, in *organizations.UntagResourceInput) []string {
				return []string{n.resource(*in.ResourceId)}
			},
			keys: func(in *organizations.UntagResourceInput) []string { return in.TagKeys },
		}.write(),
		row[organizations.ListTagsForResourceInput, organizations.ListTagsForResourceOutput]{
			name: "ListTagsForResource", who: observer, do: listTags,
			check: func(v *input, in *organizations.ListTagsForResourceInput) {
				v.id("ResourceId", in.ResourceId, resourcePattern)
			},
			on: func(n names, in *organizations.ListTagsForResourceInput) []string {
				return []string{n.resource(*in.ResourceId)}
			},
		}.read(),
	}
}

// tags checks tags of a request.
// Source: Organizations API Reference, Tag; User Guide, "Tagging AWS Organizations resources".
func (v *input) tags(tags []types.Tag) {
	seen := map[string]bool{}
	for _, t := range tags {
		v.text("Tags.Key", t.Key, 1, 128)
		if t.Value == nil {
			v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for Tags.Value.")
		}
		v.text("Tags.Value", t.Value, 0, 256)
		key := aws.ToString(t.Key)
		switch {
		case seen[key]:
			v.fail(types.InvalidInputExceptionReasonDuplicateTagKey, "You provided the same tag key more than once.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			v.fail(types.InvalidInputExceptionReasonInvalidSystemTagsParameter, "You provided a tag key with the reserved prefix aws:.")
		case !utf8.ValidString(key) || !utf8.ValidString(aws.ToString(t.Value)):
			v.fail(types.InvalidInputExceptionReasonInvalidPattern, "You provided a tag with characters that are not valid.")
		}
		seen[key] = true
	}
}

// setTagKeys sets the condition keys of tags in a request.
func setTagKeys(x *policy.Context, tags []types.Tag, keys []string) {
	for _, t := range tags {
		x.Set("aws:RequestTag/"+aws.ToString(t.Key), aws.ToString(t.Value))
		keys = append(keys, aws.ToString(t.Key))
	}
	if len(keys) > 0 {
		x.SetMany("aws:TagKeys", keys)
	}
}

// setResourceTags sets the condition keys of the tags of a resource. The last part of
// its ARN is its ID.
func (n names) setResourceTags(x *policy.Context, resource string) {
	for _, t := range n.w.Organization.Tags[resource[strings.LastIndexByte(resource, '/')+1:]] {
		x.Set("aws:ResourceTag/"+t.Key, t.Value)
	}
}

// needTagged refuses the ID of something that has no tags.
func (r *request) needTagged(id string) error {
	if p, ok := r.findPolicy(id); ok && p.AWSManaged {
		return invalid(types.InvalidInputExceptionReasonImmutablePolicy, "You specified a policy that is managed by AWS and can't be modified.")
	} else if !ok && !r.tagged(id) {
		return noTarget()
	}
	return nil
}

// tagged reports whether something other than a policy exists and can have tags.
func (r *request) tagged(id string) bool {
	return r.findUnit(id) != nil || r.findAccount(id) != nil || r.o.FindTransfer(id) != nil || r.o.ResourcePolicy != nil && r.o.ResourcePolicy.ID == id
}

func tagResource(r *request, in *organizations.TagResourceInput) (*organizations.TagResourceOutput, error) {
	if err := r.needTagged(*in.ResourceId); err != nil {
		return nil, err
	}
	if merged := mergeTags(r.o.Tags[*in.ResourceId], in.Tags); len(merged) > mostTags {
		return nil, constraint(types.ConstraintViolationExceptionReasonMaxTagLimitExceeded, "You have exceeded the number of tags allowed on this resource.")
	}
	r.setTags(*in.ResourceId, in.Tags)
	return &organizations.TagResourceOutput{}, nil
}

// setTags adds tags to a resource, replacing those with the same key.
func (r *request) setTags(id string, tags []types.Tag) {
	if len(tags) == 0 {
		return
	}
	o := r.World.EditOrganization()
	if o.Tags == nil {
		o.Tags = map[string][]org.Tag{}
	}
	o.Tags[id] = mergeTags(o.Tags[id], tags)
}

func mergeTags(had []org.Tag, added []types.Tag) []org.Tag {
	all := slices.Clone(had)
	for _, t := range added {
		tag := org.Tag{Key: *t.Key, Value: *t.Value}
		if i := slices.IndexFunc(all, func(old org.Tag) bool { return old.Key == tag.Key }); i >= 0 {
			all[i] = tag
		} else {
			all = append(all, tag)
		}
	}
	return all
}

func untagResource(r *request, in *organizations.UntagResourceInput) (*organizations.UntagResourceOutput, error) {
	if err := r.needTagged(*in.ResourceId); err != nil {
		return nil, err
	}
	if tags := r.o.Tags[*in.ResourceId]; len(tags) > 0 {
		r.World.EditOrganization().Tags[*in.ResourceId] = slices.DeleteFunc(slices.Clone(tags), func(t org.Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	}
	return &organizations.UntagResourceOutput{}, nil
}

func listTags(r *request, in *organizations.ListTagsForResourceInput) (*organizations.ListTagsForResourceOutput, error) {
	id := *in.ResourceId
	if _, isPolicy := r.findPolicy(id); !isPolicy && !r.tagged(id) {
		return nil, noTarget()
	}
	list := listing[org.Tag]{of: "ListTagsForResource " + id, items: slices.Clone(r.o.Tags[id]), key: func(t org.Tag) string { return t.Key }}
	most := int32(largestPage)
	found, next, err := list.page(r, in.NextToken, &most)
	out := &organizations.ListTagsForResourceOutput{Tags: []types.Tag{}, NextToken: next}
	for _, t := range found {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out, err
}
