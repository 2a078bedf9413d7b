package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/fleet"
	"forcemfa/internal/secret"
)

// A Holder is where a long-lived key rests.
type Holder interface {
	// Ready fails where a new key could not be kept.
	Ready(ctx context.Context) error
	// Keep puts a key in place of the one that is there, and reads it back.
	Keep(ctx context.Context, keys secret.Keys) error
}

// maxKeys is AWS's quota, which cannot be raised.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const maxKeys = 2

// proofTime is how long a new key may take until AWS knows it everywhere.
const proofTime = 40 * time.Second

// Rotate gives the person a new access key in place of the one that a holder
// keeps: it is kept before anything else happens, proven before the old one is
// made inactive, and the old one is not deleted. What fails on the way is
// undone. It returns the old key's ID.
func (a *Access) Rotate(ctx context.Context, holder Holder) (newID, oldID string, err error) {
	if err := a.user(); err != nil {
		return "", "", err
	}
	if done, old, err := a.resume(ctx); done || err != nil {
		return a.Route.Key.AccessKeyID, old, err
	}
	if err := a.roomForKey(ctx); err != nil {
		return "", "", err
	}
	if err := holder.Ready(ctx); err != nil {
		return "", "", err
	}
	if err := a.beginRotation(); err != nil {
		return "", "", err
	}
	old := a.Route.Key
	out, err := a.IAM().CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(a.Name)})
	if err != nil {
		a.endRotation()
		return "", "", a.keyProblem(err, "create a key")
	}
	if err := checkNewKey(out.AccessKey); err != nil {
		return "", "", err
	}
	created := secret.Keys{
		AccessKeyID: aws.ToString(out.AccessKey.AccessKeyId), SecretAccessKey: secret.NewText(aws.ToString(out.AccessKey.SecretAccessKey)),
		Created: aws.ToTime(out.AccessKey.CreateDate), Account: a.Account, User: a.Name,
	}
	// From here on the new key must not be lost: an interrupt waits.
	ctx = context.WithoutCancel(ctx)
	if err := holder.Keep(ctx, created); err != nil {
		return "", "", a.undo(ctx, holder, created.AccessKeyID, nil, fmt.Errorf("keep the new key: %w", err))
	}
	if err := a.prove(ctx, created); err != nil {
		return "", "", a.undo(ctx, holder, created.AccessKeyID, &old, err)
	}
	a.carryOver(created)
	if err := a.deactivate(ctx, old.AccessKeyID); err != nil {
		return created.AccessKeyID, old.AccessKeyID, &Problem{
			Sentence: fmt.Sprintf("the new key %s is in place, but the old one %s could not be made inactive: %v", created.AccessKeyID, old.AccessKeyID, err),
			Next:     "run it again, make the old key inactive in the console, or ask an administrator", Err: err,
		}
	}
	a.endRotation()
	return created.AccessKeyID, old.AccessKeyID, nil
}

// checkNewKey refuses an answer without a key. The rotation stays open, so that the
// next one deletes the key that AWS may have created.
func checkNewKey(k *types.AccessKey) error {
	if k == nil {
		k = &types.AccessKey{}
	}
	if err := fleet.CheckKey(k.AccessKeyId, k.SecretAccessKey); err != nil {
		return &Problem{Sentence: "create a key: " + err.Error(), Next: checkEndpoint, Err: err}
	}
	return nil
}

// roomForKey checks the quota before anything is changed.
func (a *Access) roomForKey(ctx context.Context) error {
	keys, err := a.keys(ctx)
	if err != nil || len(keys) < maxKeys {
		return err
	}
	for _, k := range keys {
		id := aws.ToString(k.AccessKeyId)
		if id == a.Route.Key.AccessKeyID {
			continue
		}
		remove := "run " + command("rotate --delete "+id, a.Route.Base)
		next := "if nothing uses it, make it inactive in the console, then " + remove
		if k.Status == types.StatusTypeInactive {
			next = remove + ", then this again"
		}
		return &Problem{
			Sentence: fmt.Sprintf("%s already has two access keys, the most that AWS allows: the other one is %s, %s, created %s",
				a.Name, id, string(k.Status), aws.ToTime(k.CreateDate).Format(time.DateOnly)),
			Next: next,
		}
	}
	return nil
}

func (a *Access) keys(ctx context.Context) ([]types.AccessKeyMetadata, error) {
	var list []types.AccessKeyMetadata
	pages := iam.NewListAccessKeysPaginator(a.IAM(), &iam.ListAccessKeysInput{UserName: aws.String(a.Name)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, a.keyProblem(err, "list the keys")
		}
		list = append(list, page.AccessKeyMetadata...)
	}
	return list, nil
}

func (a *Access) keyProblem(err error, what string) error {
	if message, is := denied(err); is {
		return &Problem{
			Sentence: fmt.Sprintf("%s is not allowed to %s (%s)", a.Name, what, reason(message)),
			Next:     "ask an administrator for iam:CreateAccessKey, ListAccessKeys, UpdateAccessKey and DeleteAccessKey on your own user (self_service: full grants them)", Err: err,
		}
	}
	return a.manager.Explain(err, a.profile())
}

// undo takes back a new key; the old one goes back where it was.
func (a *Access) undo(ctx context.Context, holder Holder, created string, old *secret.Keys, why error) error {
	p := &Problem{Sentence: "the key was not rotated: " + why.Error(), Next: "nothing has changed; fix this and run it again", Err: why}
	if old != nil {
		if err := holder.Keep(ctx, *old); err != nil {
			p.Next = fmt.Sprintf("the store holds the new key %s, and both keys are active: run it again later", created)
			p.Err = errors.Join(why, err)
			return p
		}
	}
	if _, err := a.IAM().DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String(a.Name), AccessKeyId: aws.String(created)}); err != nil {
		p.Next = fmt.Sprintf("the old key is as it was; delete the new one, %s, in the console", created)
		p.Err = errors.Join(why, err)
		return p
	}
	a.endRotation()
	return p
}

// prove calls AWS with a new key until AWS knows it.
func (a *Access) prove(ctx context.Context, keys secret.Keys) error {
	r := *a.Route
	r.Key = keys
	cfg, err := a.manager.keyConfig(ctx, &r)
	if err != nil {
		return err
	}
	fresh := &Access{manager: a.manager, Route: &r, Config: cfg, Bare: true}
	until := a.manager.Now().Add(proofTime)
	for pause := time.Second; ; pause = min(2*pause, 8*time.Second) {
		err := fresh.identify(ctx)
		switch {
		case err == nil && fresh.ARN == a.ARN:
			return nil
		case err == nil:
			return fmt.Errorf("the new key belongs to %s, not to %s", fresh.ARN, a.ARN)
		case a.manager.Now().Add(pause).After(until):
			return fmt.Errorf("AWS does not accept the new key: %w", err)
		}
		if err := a.manager.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// carryOver lets the present session serve the new key, too: AWS lets sessions
// live on when the key that made them goes, so nobody needs a second code.
func (a *Access) carryOver(created secret.Keys) {
	now := *a.Route
	next := now
	next.Key = created
	if e, err := a.manager.Cache.Load(now.name(-1)); err == nil {
		e.KeyID = created.AccessKeyID
		_ = a.manager.Cache.Store(next.name(-1), e)
	}
	_ = a.manager.Cache.SetDevice(next.deviceName(), a.manager.Cache.Device(now.deviceName()))
}

// DeleteKey deletes an inactive key of the person that is not in use here.
func (a *Access) DeleteKey(ctx context.Context, id string) error {
	if err := a.user(); err != nil {
		return err
	}
	keys, err := a.keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		switch {
		case aws.ToString(k.AccessKeyId) != id:
			continue
		case id == a.Route.Key.AccessKeyID:
			return &Problem{Sentence: id + " is the key of this profile", Next: "run " + command("rotate", a.Route.Base) + " first; it prints the ID of the key that it makes inactive"}
		case k.Status == types.StatusTypeActive:
			return &Problem{Sentence: id + " is active: something may be using it", Next: "make it inactive in the console, check that nothing uses it, then run this again"}
		}
		_, err := a.IAM().DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String(a.Name), AccessKeyId: aws.String(id)})
		if err != nil {
			return a.keyProblem(err, "delete a key")
		}
		return nil
	}
	return &Problem{Sentence: fmt.Sprintf("%s has no access key %s", a.Name, id), Next: "check the keys in the console, under Security credentials"}
}
