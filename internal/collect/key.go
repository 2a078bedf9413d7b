package collect

import (
	"context"
	"fmt"
	"strings"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// KeyOwner finds the account and the user of an access key, with the user's keys and
// inline policies as they are now. The key has its last use.
func KeyOwner(ctx context.Context, f *fleet.Fleet, from aws.Config, id string) (account string, u *org.User, err error) {
	if !strings.HasPrefix(id, "AKIA") {
		return "", nil, fmt.Errorf("%q is not the ID of an access key, which begins with AKIA", id)
	}
	info, err := sts.NewFromConfig(from).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &id})
	if err != nil {
		return "", nil, fmt.Errorf("find the account of access key %s: %w", id, err)
	}
	account = aws.ToString(info.Account)
	cfg, _, err := f.Enter(ctx, account)
	if err != nil {
		return account, nil, fmt.Errorf("access key %s belongs to account %s: %w", id, account, err)
	}
	used, err := client(cfg).GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &id})
	if err != nil {
		return account, nil, fmt.Errorf("find the user of access key %s: %w", id, err)
	}
	u, gaps, err := User(ctx, cfg, aws.ToString(used.UserName))
	if err != nil {
		return account, nil, err
	}
	for i := range u.Keys {
		if k := &u.Keys[i]; k.ID == id && used.AccessKeyLastUsed != nil {
			k.Used, k.UsedRegion, k.UsedService = used.AccessKeyLastUsed.LastUsedDate, aws.ToString(used.AccessKeyLastUsed.Region), aws.ToString(used.AccessKeyLastUsed.ServiceName)
			return account, u, nil
		}
	}
	if len(gaps) > 0 {
		return account, nil, fmt.Errorf("read the keys of %s: %s: %s", u.Name, gaps[0].What, gaps[0].Why)
	}
	return account, nil, fmt.Errorf("user %s of account %s does not have access key %s", u.Name, account, id)
}
