// Package secretssvc implements Secrets Manager of the embedded AWS: secrets with their
// current value and a resource policy.
package secretssvc

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// A Secret is a secret with its current version.
type Secret struct {
	ARN, Name, Description string
	Value, Version, Policy string
	Created, Changed       time.Time
}

// CloneItem implements [world.Item].
func (s *Secret) CloneItem() world.Item { c := *s; return &c }

// Operations returns the operations of Secrets Manager.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Write("CreateSecret", askCreate, create),
		operation.Read("ListSecrets", operation.OnAll[secretsmanager.ListSecretsInput]("secretsmanager:ListSecrets"), list),
		operation.Read("GetSecretValue", on("GetSecretValue", func(in *secretsmanager.GetSecretValueInput) *string { return in.SecretId }), get),
		operation.Read("DescribeSecret", on("DescribeSecret", func(in *secretsmanager.DescribeSecretInput) *string { return in.SecretId }), describe),
		operation.Write("PutSecretValue", on("PutSecretValue", func(in *secretsmanager.PutSecretValueInput) *string { return in.SecretId }), put),
		operation.Write("DeleteSecret", on("DeleteSecret", func(in *secretsmanager.DeleteSecretInput) *string { return in.SecretId }), remove),
		operation.Write("PutResourcePolicy", on("PutResourcePolicy", func(in *secretsmanager.PutResourcePolicyInput) *string { return in.SecretId }), putPolicy),
	}, operation.Naming("SecretId"))
}

func askCreate(c *operation.Call, in *secretsmanager.CreateSecretInput) ([]operation.Ask, error) {
	if n := len(aws.ToString(in.Name)); n < 1 || n > 512 {
		return nil, operation.Fault("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	return []operation.Ask{{Action: "secretsmanager:CreateSecret", Resource: c.ARN("secretsmanager", "secret:"+*in.Name+"-")}}, nil
}

func on[I any](action string, id func(*I) *string) func(*operation.Call, *I) ([]operation.Ask, error) {
	return func(c *operation.Call, in *I) ([]operation.Ask, error) {
		if aws.ToString(id(in)) == "" {
			return nil, operation.Fault("ValidationException", "You must provide a value for SecretId.")
		}
		account, s := find(c, *id(in))
		if s == nil {
			resource := *id(in)
			if !strings.HasPrefix(resource, "arn:") {
				resource = c.ARN("secretsmanager", "secret:"+resource)
			}
			return []operation.Ask{{Action: "secretsmanager:" + action, Resource: resource, ResourceAccount: account}}, nil
		}
		return operation.On(c.World, "secretsmanager:"+action, s.ARN, account, s.Policy), nil
	}
}

// find returns a secret by its ARN, with or without the random suffix, or by its name in
// the caller's account and Region.
func find(c *operation.Call, id string) (account string, s *Secret) {
	account = c.Caller.Account
	if parts := strings.SplitN(id, ":", 7); len(parts) == 7 {
		account = parts[4]
	} else {
		id = c.ARN("secretsmanager", "secret:"+id)
	}
	all := world.List[*Secret](c.World.Account(account))
	i := slices.IndexFunc(all, func(s *Secret) bool { return s.ARN == id || s.ARN[:len(s.ARN)-suffix] == id })
	if i < 0 {
		return account, nil
	}
	return account, all[i]
}

// suffix is the length of a hyphen and six random characters.
const suffix = 7

func absent() error {
	return &types.ResourceNotFoundException{Message: aws.String("Secrets Manager can't find the specified secret.")}
}

func change(c *operation.Call, id *string) (*Secret, error) {
	account, s := find(c, *id)
	if s == nil {
		return nil, absent()
	}
	s, _ = world.Change[*Secret](c.World, account, s.ARN)
	return s, nil
}

func create(c *operation.Call, in *secretsmanager.CreateSecretInput) (*secretsmanager.CreateSecretOutput, error) {
	if _, s := find(c, *in.Name); s != nil {
		return nil, &types.ResourceExistsException{Message: aws.String("The operation failed because the secret " + *in.Name + " already exists.")}
	}
	s := &Secret{
		ARN: c.ARN("secretsmanager", "secret:"+*in.Name+"-"+c.World.NewID("")[:6]), Name: *in.Name, Description: aws.ToString(in.Description),
		Value: aws.ToString(in.SecretString), Version: c.World.NewID(""), Created: c.Now, Changed: c.Now,
	}
	c.World.Put(c.Caller.Account, s.ARN, s)
	return &secretsmanager.CreateSecretOutput{ARN: aws.String(s.ARN), Name: in.Name, VersionId: aws.String(s.Version)}, nil
}

func list(c *operation.Call, in *secretsmanager.ListSecretsInput) (*secretsmanager.ListSecretsOutput, error) {
	out := &secretsmanager.ListSecretsOutput{SecretList: []types.SecretListEntry{}}
	most := c.PageSize(int(aws.ToInt32(in.MaxResults)), 100, 100)
	for _, s := range world.List[*Secret](c.World.Account(c.Caller.Account)) {
		if !c.InRegion(s.ARN) || s.ARN <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.SecretList) == most {
			out.NextToken = out.SecretList[most-1].ARN
			break
		}
		out.SecretList = append(out.SecretList, types.SecretListEntry{ARN: aws.String(s.ARN), Name: aws.String(s.Name), CreatedDate: aws.Time(s.Created), LastChangedDate: aws.Time(s.Changed)})
	}
	return out, nil
}

func get(c *operation.Call, in *secretsmanager.GetSecretValueInput) (*secretsmanager.GetSecretValueOutput, error) {
	_, s := find(c, *in.SecretId)
	if s == nil {
		return nil, absent()
	}
	return &secretsmanager.GetSecretValueOutput{
		ARN: aws.String(s.ARN), Name: aws.String(s.Name), SecretString: aws.String(s.Value), VersionId: aws.String(s.Version), CreatedDate: aws.Time(s.Changed),
		VersionStages: []string{"AWSCURRENT"},
	}, nil
}

func describe(c *operation.Call, in *secretsmanager.DescribeSecretInput) (*secretsmanager.DescribeSecretOutput, error) {
	_, s := find(c, *in.SecretId)
	if s == nil {
		return nil, absent()
	}
	return &secretsmanager.DescribeSecretOutput{ARN: aws.String(s.ARN), Name: aws.String(s.Name), CreatedDate: aws.Time(s.Created), LastChangedDate: aws.Time(s.Changed)}, nil
}

func put(c *operation.Call, in *secretsmanager.PutSecretValueInput) (*secretsmanager.PutSecretValueOutput, error) {
	s, err := change(c, in.SecretId)
	if err != nil {
		return nil, err
	}
	s.Value, s.Version, s.Changed = aws.ToString(in.SecretString), c.World.NewID(""), c.Now
	return &secretsmanager.PutSecretValueOutput{ARN: aws.String(s.ARN), Name: aws.String(s.Name), VersionId: aws.String(s.Version)}, nil
}

func remove(c *operation.Call, in *secretsmanager.DeleteSecretInput) (*secretsmanager.DeleteSecretOutput, error) {
	account, s := find(c, *in.SecretId)
	if s == nil {
		return nil, absent()
	}
	c.World.Drop(account, s.ARN)
	return &secretsmanager.DeleteSecretOutput{ARN: aws.String(s.ARN), Name: aws.String(s.Name), DeletionDate: aws.Time(c.Now)}, nil
}

func putPolicy(c *operation.Call, in *secretsmanager.PutResourcePolicyInput) (*secretsmanager.PutResourcePolicyOutput, error) {
	s, err := change(c, in.SecretId)
	if err != nil {
		return nil, err
	}
	s.Policy = aws.ToString(in.ResourcePolicy)
	return &secretsmanager.PutResourcePolicyOutput{ARN: aws.String(s.ARN), Name: aws.String(s.Name)}, nil
}
