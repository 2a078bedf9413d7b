package session

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/fleet"
	"forcemfa/internal/session/cache"
)

// rotationWindow is how far the creation of a key may be from the start of the
// rotation that created it: the clocks of two machines, and retries.
const rotationWindow = 15 * time.Minute

func (a *Access) rotationName() string { return cache.Name("rotation", a.Route.stsEndpoint, a.ARN) }

// beginRotation notes the rotation before a key is created, so that the next
// rotation can recognize the key if this one is killed.
func (a *Access) beginRotation() error {
	err := a.manager.Cache.SetRotation(a.rotationName(), cache.Rotation{OldKey: a.Route.Key.AccessKeyID, Began: a.manager.Now()})
	if err != nil {
		return &Problem{Sentence: "cannot record the start of the rotation: " + err.Error(), Next: "make " + a.manager.Cache.Path + " writable; nothing has changed", Err: err}
	}
	return nil
}

func (a *Access) endRotation() { _ = a.manager.Cache.EndRotation(a.rotationName()) }

// resume completes a rotation that was killed. If the new key was stored, it makes
// the old one inactive, and done is true. If the secret of the new key was lost, it
// deletes that key, which nobody has used.
func (a *Access) resume(ctx context.Context) (done bool, oldID string, err error) {
	began := a.manager.Cache.Rotation(a.rotationName())
	if began.OldKey == "" {
		return false, "", nil
	}
	keys, err := a.keys(ctx)
	if err != nil {
		return false, "", err
	}
	for _, k := range keys {
		id := aws.ToString(k.AccessKeyId)
		created := aws.ToTime(k.CreateDate).Sub(began.Began).Abs() <= rotationWindow
		switch current := a.Route.Key.AccessKeyID; {
		case id == current:
			continue
		case id == began.OldKey:
			if err := a.deactivate(ctx, id); err != nil {
				return false, "", err
			}
			a.manager.say("completed the rotation that began at %s", began.Began.Local().Format(time.DateTime))
			a.endRotation()
			return true, id, nil
		case current == began.OldKey && created:
			if err := a.deleteUnused(ctx, id); err != nil {
				return false, "", err
			}
		}
	}
	a.endRotation()
	return false, "", nil
}

// deleteUnused deletes a key whose secret was lost, unless it was used.
func (a *Access) deleteUnused(ctx context.Context, id string) error {
	out, err := a.IAM().GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(id)})
	if err == nil {
		_, err = fleet.Whole(out.AccessKeyLastUsed, "GetAccessKeyLastUsed")
	}
	_, refused := denied(err)
	switch {
	case err != nil && !refused:
		return a.keyProblem(err, "read when a key was last used")
	case err == nil && out.AccessKeyLastUsed.LastUsedDate != nil:
		return nil // somebody has its secret: the quota is reported with the next step
	}
	if err := a.deactivate(ctx, id); err != nil {
		return err
	}
	if _, err := a.IAM().DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String(a.Name), AccessKeyId: aws.String(id)}); err != nil {
		return a.keyProblem(err, "delete a key")
	}
	a.manager.say("deleted the access key %s: an interrupted rotation created it, its secret was lost and it was never used", id)
	return nil
}

func (a *Access) deactivate(ctx context.Context, id string) error {
	_, err := a.IAM().UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
		UserName: aws.String(a.Name), AccessKeyId: aws.String(id), Status: types.StatusTypeInactive,
	})
	if err != nil {
		return a.keyProblem(err, fmt.Sprintf("make the key %s inactive", id))
	}
	return nil
}
