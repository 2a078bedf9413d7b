package model

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

func TestEveryTableIsReadAndItsPatternsCompile(t *testing.T) {
	for name, s := range map[string]*Service{"iam": IAM(), "sts": STS(), "organizations": Organizations()} {
		if !strings.HasPrefix(s.Source, "botocore ") || !strings.Contains(s.Source, "/"+name+"/") {
			t.Errorf("%s: source %q", name, s.Source)
		}
		if len(s.Errors) < 10 || len(s.Structs) < 10 {
			t.Errorf("%s: %d operations, %d structures", name, len(s.Errors), len(s.Structs))
		}
		for structure, members := range s.Structs {
			for _, m := range members {
				for _, p := range []*Member{&m, m.Item} {
					if p != nil && p.Pattern != nil && p.Pattern.MatchString("\x00\x00") && !strings.Contains(p.Pattern.String(), `[\s\S]`) {
						t.Errorf("%s.%s.%s: its pattern %s matches everything", name, structure, m.Name, p.Pattern)
					}
				}
			}
		}
	}
}

func TestViolationsNameThePlaceAndTheConstraint(t *testing.T) {
	long := strings.Repeat("a", 65)
	for _, row := range []struct {
		in   any
		want []string
	}{
		{&iam.GetUserInput{}, nil},
		{&iam.CreateUserInput{UserName: aws.String("bob"), Path: aws.String("/a/"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("")}}}, nil},
		{&iam.CreateUserInput{}, []string{"Value at 'userName' failed to satisfy constraint: Member must not be null"}},
		{&iam.CreateUserInput{UserName: &long, Path: aws.String("a")}, []string{
			`Value at 'path' failed to satisfy constraint: Member must satisfy regular expression pattern: (\x{002F})|(\x{002F}[\x{0021}-\x{007E}]+\x{002F})`,
			"Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64",
		}},
		{&iam.CreateUserInput{UserName: aws.String("b"), Tags: []types.Tag{{}}}, []string{
			"Value at 'tags.1.member.key' failed to satisfy constraint: Member must not be null",
			"Value at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
		}},
		{&iam.UpdateAccessKeyInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE"), Status: "On"}, []string{
			"Value 'On' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]",
		}},
		{&iam.ListUsersInput{MaxItems: aws.Int32(0)}, []string{"Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"}},
		{&iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{"Users"}}, []string{
			"Value 'Users' at 'filter.1.member' failed to satisfy constraint: Member must satisfy enum value set: [User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]",
		}},
	} {
		var got []string
		for _, v := range IAM().Check(row.in) {
			got = append(got, v.text(false))
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%T:\n%s", row.in, diff)
		}
	}
}

// A member that the SDK does not have would never be checked.
func TestStructuresAreThoseOfTheSDK(t *testing.T) {
	for _, in := range []any{iam.CreateUserInput{}, iam.CreateSAMLProviderInput{}, iam.SimulateCustomPolicyInput{}, iam.UploadSSHPublicKeyInput{}, types.ContextEntry{}, types.Tag{}} {
		v := reflect.TypeOf(in)
		members := IAM().Structs[v.Name()]
		if len(members) == 0 {
			t.Errorf("%s has no members", v.Name())
		}
		for _, m := range members {
			if _, ok := v.FieldByName(m.Name); !ok {
				t.Errorf("%s has no %s", v.Name(), m.Name)
			}
		}
	}
}
