// Package taggingsvc implements the Resource Groups Tagging API of the embedded AWS for
// the resources of IAM. Tags are changed by the operations of IAM, with the rights of the
// caller.
//
// The inputs and outputs are exported because their members are those of the API.
package taggingsvc

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// Inputs and outputs contain the members of the API that are used here.
type (
	// GetResourcesInput selects resources by tags and types, or by ARN.
	GetResourcesInput struct {
		PaginationToken               *string
		TagFilters                    []TagFilter
		ResourcesPerPage, TagsPerPage *int32
		ResourceTypeFilters           []string
		ResourceARNList               []string
		IncludeComplianceDetails      *bool
		ExcludeCompliantResources     *bool
	}
	// TagFilter selects resources by a tag. Without values any value fits.
	TagFilter struct {
		Key    *string
		Values []string
	}
	// GetResourcesOutput is a page of resources. The token is empty on the last page.
	GetResourcesOutput struct {
		PaginationToken        *string
		ResourceTagMappingList []ResourceTagMapping
	}
	// ResourceTagMapping is a resource with its tags.
	ResourceTagMapping struct {
		ResourceARN *string
		Tags        []Tag
	}
	// Tag is a tag.
	Tag struct{ Key, Value *string }

	// GetTagKeysInput asks for all keys.
	GetTagKeysInput struct{ PaginationToken *string }
	// GetTagKeysOutput is a page of keys.
	GetTagKeysOutput struct {
		PaginationToken *string
		TagKeys         []string
	}
	// GetTagValuesInput asks for the values of a key.
	GetTagValuesInput struct{ PaginationToken, Key *string }
	// GetTagValuesOutput is a page of values.
	GetTagValuesOutput struct {
		PaginationToken *string
		TagValues       []string
	}
)

// Operations returns the table of operations. None has a resource.
// Source: Service Authorization Reference, Resource Group Tagging API.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Read("GetResources", operation.OnAll[GetResourcesInput]("tag:GetResources"), getResources),
		operation.Read("GetTagKeys", operation.OnAll[GetTagKeysInput]("tag:GetTagKeys"), getTagKeys),
		operation.Read("GetTagValues", operation.OnAll[GetTagValuesInput]("tag:GetTagValues"), getTagValues),
		operation.Write("TagResources", operation.OnAll[TagResourcesInput]("tag:TagResources"), tagResources),
		operation.Write("UntagResources", operation.OnAll[UntagResourcesInput]("tag:UntagResources"), untagResources),
	}, operation.Own)
}

func invalid(format string, a ...any) error {
	return operation.Fault("InvalidParameterException", format, a...)
}

// A tagged resource of IAM.
type tagged struct {
	arn  string
	tags []org.Tag
}

// all returns the tagged resources of the caller's account by ARN. IAM's are in one
// Region, and users and roles are not among them.
// Source: Resource Groups Tagging API Reference, "Services that support the Resource
// Groups Tagging API"; GetResources: untagged resources are not returned.
func all(c *operation.Call) []tagged {
	if c.Region != arn.HomeRegion(c.World.Partition) {
		return nil
	}
	a := c.World.Account(c.Caller.Account)
	var out []tagged
	add := func(arn string, tags []org.Tag) {
		if len(tags) > 0 {
			out = append(out, tagged{arn, tags})
		}
	}
	for _, p := range a.Policies {
		add(p.ARN, p.Tags)
	}
	for serial, d := range a.Devices {
		add(serial, d.Tags)
	}
	for _, p := range a.InstanceProfiles {
		add(c.World.InstanceProfileARN(a.ID, p), p.Tags)
	}
	for arn, p := range a.OIDCProviders {
		add(arn, p.Tags)
	}
	for arn, p := range a.SAMLProviders {
		add(arn, p.Tags)
	}
	for _, s := range a.ServerCertificates {
		add(c.World.ServerCertificateARN(a.ID, s), s.Tags)
	}
	slices.SortFunc(out, func(x, y tagged) int { return cmp.Compare(x.arn, y.arn) })
	return out
}

func getResources(c *operation.Call, in *GetResourcesInput) (*GetResourcesOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(all(c), func(t tagged) bool { return !in.selects(t) })
	size := 100
	if in.ResourcesPerPage != nil {
		size = int(*in.ResourcesPerPage)
	}
	page, token, err := pageOf(c, found, func(t tagged) string { return t.arn }, in.PaginationToken, size)
	if err != nil {
		return nil, err
	}
	out := &GetResourcesOutput{PaginationToken: &token}
	for _, t := range page {
		m := ResourceTagMapping{ResourceARN: &t.arn, Tags: []Tag{}}
		for _, tag := range t.tags {
			m.Tags = append(m.Tags, Tag{&tag.Key, &tag.Value})
		}
		out.ResourceTagMappingList = append(out.ResourceTagMappingList, m)
	}
	return out, nil
}

// Source: Resource Groups Tagging API Reference, GetResources.
func (in *GetResourcesInput) check() error {
	switch {
	case len(in.ResourceARNList) > 0 && (len(in.TagFilters) > 0 || len(in.ResourceTypeFilters) > 0 || in.ResourcesPerPage != nil || in.TagsPerPage != nil || in.PaginationToken != nil):
		return invalid("ResourceARNList cannot be specified together with filters or pages.")
	case len(in.ResourceARNList) > 100:
		return invalid("ResourceARNList can have at most 100 items.")
	case len(in.TagFilters) > 50:
		return invalid("TagFilters can have at most 50 items.")
	case in.ResourcesPerPage != nil && (*in.ResourcesPerPage < 1 || *in.ResourcesPerPage > 100):
		return invalid("ResourcesPerPage must be from 1 to 100.")
	case in.TagsPerPage != nil && (*in.TagsPerPage < 100 || *in.TagsPerPage > 500 || *in.TagsPerPage%100 != 0):
		return invalid("TagsPerPage must be a multiple of 100 from 100 to 500.")
	case in.TagsPerPage != nil && in.ResourcesPerPage != nil:
		return invalid("TagsPerPage and ResourcesPerPage cannot be specified together.")
	}
	for _, f := range in.TagFilters {
		if f.Key == nil || *f.Key == "" || len(f.Values) > 20 {
			return invalid("A tag filter needs a key, and can have at most 20 values.")
		}
	}
	return nil
}

func (in *GetResourcesInput) selects(t tagged) bool {
	if len(in.ResourceARNList) > 0 {
		return slices.Contains(in.ResourceARNList, t.arn)
	}
	kind := func(filter string) bool {
		service, kind, narrow := strings.Cut(filter, ":")
		return service == "iam" && (!narrow || kind == kindOf(t.arn))
	}
	if len(in.ResourceTypeFilters) > 0 && !slices.ContainsFunc(in.ResourceTypeFilters, kind) {
		return false
	}
	for _, f := range in.TagFilters {
		if !slices.ContainsFunc(t.tags, func(tag org.Tag) bool {
			return tag.Key == *f.Key && (len(f.Values) == 0 || slices.Contains(f.Values, tag.Value))
		}) {
			return false
		}
	}
	return true
}

// kindOf returns the type of a resource: instance-profile, mfa, oidc-provider…
func kindOf(resource string) string {
	a, _ := arn.Split(resource)
	kind, _, _ := strings.Cut(a.Resource, "/")
	return kind
}

// pageOf returns a page of sorted items and the token of the next; a token is the key of
// the last item before.
func pageOf[T any](c *operation.Call, items []T, key func(T) string, token *string, size int) (page []T, next string, err error) {
	if token != nil && *token != "" {
		i := slices.IndexFunc(items, func(t T) bool { return key(t) > *token })
		if i < 0 {
			return nil, "", nil
		}
		items = items[i:]
	}
	if size = c.PageSize(size, 100, 100); len(items) > size {
		return items[:size], key(items[size-1]), nil
	}
	return items, "", nil
}

func getTagKeys(c *operation.Call, in *GetTagKeysInput) (*GetTagKeysOutput, error) {
	page, token, err := texts(c, in.PaginationToken, func(t org.Tag) (string, bool) { return t.Key, true })
	return &GetTagKeysOutput{PaginationToken: &token, TagKeys: page}, err
}

func getTagValues(c *operation.Call, in *GetTagValuesInput) (*GetTagValuesOutput, error) {
	if in.Key == nil || *in.Key == "" {
		return nil, invalid("1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null")
	}
	page, token, err := texts(c, in.PaginationToken, func(t org.Tag) (string, bool) { return t.Value, t.Key == *in.Key })
	return &GetTagValuesOutput{PaginationToken: &token, TagValues: page}, err
}

// texts returns a page of what pick returns for the tags of all resources, sorted.
func texts(c *operation.Call, token *string, pick func(org.Tag) (string, bool)) ([]string, string, error) {
	found := map[string]bool{}
	for _, t := range all(c) {
		for _, tag := range t.tags {
			if text, ok := pick(tag); ok {
				found[text] = true
			}
		}
	}
	return pageOf(c, slices.Sorted(maps.Keys(found)), func(s string) string { return s }, token, 100)
}
