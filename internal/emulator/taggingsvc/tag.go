package taggingsvc

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/wire"
	"forcemfa/policy/arn"
)

type (
	// TagResourcesInput adds tags to resources.
	TagResourcesInput struct {
		ResourceARNList []string
		Tags            map[string]string
	}
	// TagResourcesOutput lists what failed, by ARN.
	TagResourcesOutput struct{ FailedResourcesMap map[string]FailureInfo }
	// UntagResourcesInput removes tags from resources.
	UntagResourcesInput struct{ ResourceARNList, TagKeys []string }
	// UntagResourcesOutput lists what failed, by ARN.
	UntagResourcesOutput struct{ FailedResourcesMap map[string]FailureInfo }
	// FailureInfo is the error of the service that has the resource.
	FailureInfo struct {
		StatusCode              int32
		ErrorCode, ErrorMessage *string
	}
)

func tagResources(c *operation.Call, in *TagResourcesInput) (*TagResourcesOutput, error) {
	if len(in.ResourceARNList) == 0 || len(in.ResourceARNList) > 20 || len(in.Tags) == 0 || len(in.Tags) > 50 {
		return nil, invalid("ResourceARNList must have from 1 to 20 items, and Tags from 1 to 50.")
	}
	var tags []types.Tag
	for _, k := range slices.Sorted(maps.Keys(in.Tags)) {
		value := in.Tags[k]
		tags = append(tags, types.Tag{Key: &k, Value: &value})
	}
	return &TagResourcesOutput{each(c, in.ResourceARNList, func(k kind, id string) (string, any) { return k.tag(id, tags) })}, nil
}

func untagResources(c *operation.Call, in *UntagResourcesInput) (*UntagResourcesOutput, error) {
	if len(in.ResourceARNList) == 0 || len(in.ResourceARNList) > 20 || len(in.TagKeys) == 0 || len(in.TagKeys) > 50 {
		return nil, invalid("ResourceARNList must have from 1 to 20 items, and TagKeys from 1 to 50.")
	}
	return &UntagResourcesOutput{each(c, in.ResourceARNList, func(k kind, id string) (string, any) { return k.untag(id, in.TagKeys) })}, nil
}

// each calls IAM for every resource and returns the failures.
func each(c *operation.Call, resources []string, call func(kind, string) (operation string, in any)) map[string]FailureInfo {
	failed := map[string]FailureInfo{}
	for _, resource := range resources {
		k, ok := kinds[kindOf(resource)]
		a, _ := arn.Split(resource)
		if !ok || a.Service != "iam" || a.Account != c.Caller.Account {
			failed[resource] = failure(invalid("The resource %s is not supported.", resource))
			continue
		}
		id := resource
		if k.named {
			id = resource[strings.LastIndexByte(resource, '/')+1:]
		}
		name, in := call(k, id)
		if _, err := c.Invoke(operation.Nested{
			Via: "tag.amazonaws.com", AccessKeyID: c.Caller.AccessKeyID, Forwarded: true, Region: c.Region, Service: "iam", Operation: name, In: in,
		}); err != nil {
			failed[resource] = failure(err)
		}
	}
	return failed
}

func failure(err error) FailureInfo {
	f := FailureInfo{StatusCode: 500}
	var api smithy.APIError
	if errors.As(err, &api) {
		code, message := api.ErrorCode(), api.ErrorMessage()
		f.StatusCode, f.ErrorCode, f.ErrorMessage = int32(wire.Status(wire.Query, code)), &code, &message
	}
	return f
}

// A kind of resource has its own operations of IAM, which identify it by its name or by
// its ARN.
type kind struct {
	named bool
	tag   func(id string, tags []types.Tag) (operation string, in any)
	untag func(id string, keys []string) (operation string, in any)
}

var kinds = map[string]kind{
	"user": {true,
		func(id string, t []types.Tag) (string, any) {
			return "TagUser", &iam.TagUserInput{UserName: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagUser", &iam.UntagUserInput{UserName: &id, TagKeys: k}
		}},
	"role": {true,
		func(id string, t []types.Tag) (string, any) {
			return "TagRole", &iam.TagRoleInput{RoleName: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagRole", &iam.UntagRoleInput{RoleName: &id, TagKeys: k}
		}},
	"policy": {false,
		func(id string, t []types.Tag) (string, any) {
			return "TagPolicy", &iam.TagPolicyInput{PolicyArn: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagPolicy", &iam.UntagPolicyInput{PolicyArn: &id, TagKeys: k}
		}},
	"mfa": {false,
		func(id string, t []types.Tag) (string, any) {
			return "TagMFADevice", &iam.TagMFADeviceInput{SerialNumber: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagMFADevice", &iam.UntagMFADeviceInput{SerialNumber: &id, TagKeys: k}
		}},
	"instance-profile": {true,
		func(id string, t []types.Tag) (string, any) {
			return "TagInstanceProfile", &iam.TagInstanceProfileInput{InstanceProfileName: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagInstanceProfile", &iam.UntagInstanceProfileInput{InstanceProfileName: &id, TagKeys: k}
		}},
	"oidc-provider": {false,
		func(id string, t []types.Tag) (string, any) {
			return "TagOpenIDConnectProvider", &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagOpenIDConnectProvider", &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: &id, TagKeys: k}
		}},
	"saml-provider": {false,
		func(id string, t []types.Tag) (string, any) {
			return "TagSAMLProvider", &iam.TagSAMLProviderInput{SAMLProviderArn: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagSAMLProvider", &iam.UntagSAMLProviderInput{SAMLProviderArn: &id, TagKeys: k}
		}},
	"server-certificate": {true,
		func(id string, t []types.Tag) (string, any) {
			return "TagServerCertificate", &iam.TagServerCertificateInput{ServerCertificateName: &id, Tags: t}
		},
		func(id string, k []string) (string, any) {
			return "UntagServerCertificate", &iam.UntagServerCertificateInput{ServerCertificateName: &id, TagKeys: k}
		}},
}
