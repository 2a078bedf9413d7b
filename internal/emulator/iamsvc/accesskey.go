package iamsvc

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// createAccessKey is the only operation that returns a secret key.
func createAccessKey(c *operation.Call, in *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	a := edit(c)
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	if quota := a.Quota(world.QuotaAccessKeysPerUser); len(u.Keys) >= quota {
		return nil, overQuota("AccessKeysPerUser", quota)
	}
	k := &world.Key{ID: c.World.NewID("AKIA"), Secret: c.World.NewSecret(), Active: true, Created: c.Now}
	c.World.AddKey(a.ID, u.Name, k)
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: aws.String(k.ID), SecretAccessKey: aws.String(k.Secret), Status: types.StatusTypeActive,
		UserName: aws.String(u.Name), CreateDate: aws.Time(k.Created),
	}}, nil
}

func listAccessKeys(c *operation.Call, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	u, err := userOrOwn(c, account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	l := listing[*world.Key]{"ListAccessKeys", slices.Clone(u.Keys), func(k *world.Key) string { return k.ID }}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAccessKeysOutput{AccessKeyMetadata: []types.AccessKeyMetadata{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, k := range p.items {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, types.AccessKeyMetadata{
			AccessKeyId: aws.String(k.ID), CreateDate: aws.Time(k.Created), Status: statusOf(k.Active), UserName: aws.String(u.Name),
		})
	}
	return out, nil
}

// statusOf returns IAM's status of a credential.
func statusOf(active bool) types.StatusType {
	if active {
		return types.StatusTypeActive
	}
	return types.StatusTypeInactive
}

// isActive parses a requested status.
func isActive(s types.StatusType) (bool, error) {
	if s == types.StatusTypeExpired {
		return false, invalidInput("Status %s cannot be set.", s)
	}
	return s == types.StatusTypeActive, nil
}

func updateAccessKey(c *operation.Call, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	u, err := userOrOwn(c, edit(c), in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := keyOf(u, *in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	active, err := isActive(in.Status)
	if err != nil {
		return nil, err
	}
	k.Active = active
	return &iam.UpdateAccessKeyOutput{}, nil
}

func keyOf(u *world.User, id string) (*world.Key, error) {
	i := slices.IndexFunc(u.Keys, func(k *world.Key) bool { return k.ID == id })
	if i < 0 {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", id)
	}
	return u.Keys[i], nil
}

func deleteAccessKey(c *operation.Call, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	a := edit(c)
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	if _, err := keyOf(u, *in.AccessKeyId); err != nil {
		return nil, err
	}
	c.World.RemoveKey(a.ID, u.Name, *in.AccessKeyId)
	return &iam.DeleteAccessKeyOutput{}, nil
}

// getAccessKeyLastUsed returns N/A as the region and service of a key that was
// never used.
// Source: IAM API Reference, AccessKeyLastUsed.
func getAccessKeyLastUsed(c *operation.Call, in *iam.GetAccessKeyLastUsedInput) (*iam.GetAccessKeyLastUsedOutput, error) {
	owner, known := c.World.FindKey(*in.AccessKeyId)
	if !known || owner.Account != c.Caller.Account {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", *in.AccessKeyId)
	}
	_, k := c.World.Key(*in.AccessKeyId)
	u := account(c).Users[owner.User]
	last := &types.AccessKeyLastUsed{Region: aws.String("N/A"), ServiceName: aws.String("N/A")}
	if use := c.World.KeyUse(k); !use.At.IsZero() {
		last = &types.AccessKeyLastUsed{LastUsedDate: &use.At, Region: orNA(use.Region), ServiceName: orNA(use.Service)}
	}
	return &iam.GetAccessKeyLastUsedOutput{UserName: aws.String(u.Name), AccessKeyLastUsed: last}, nil
}

func orNA(s string) *string {
	if s == "" {
		s = "N/A"
	}
	return &s
}
