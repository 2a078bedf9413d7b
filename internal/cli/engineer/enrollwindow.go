package engineer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/org"
	"forcemfa/internal/session"
)

// runWindow opens or closes a user's enrollment window: the tag that lifts the
// Deny of enrollment by access key.
func runWindow(ctx context.Context, o *enrollOptions) error {
	b, err := o.env.Baseline(command.ConfigFile(o.config), func() (*baseline.Baseline, error) { return baseline.Default(), nil })
	if err != nil {
		return err
	}
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	access, err := o.administrator(ctx, k)
	if err != nil {
		return err
	}
	client := access.IAM()
	if o.confirm != "" {
		return o.confirmDevice(ctx, k, client)
	}
	if o.open != "" {
		return o.openWindow(ctx, k, client, b.Window)
	}
	return o.closeWindow(ctx, k, client, b.Window)
}

// administrator is the session of a profile, or what the AWS CLI would take.
func (o *enrollOptions) administrator(ctx context.Context, k *session.Manager) (*session.Access, error) {
	own, err := k.Own(ctx, o.request(), o.otherCredentials)
	if err != nil {
		return nil, err
	}
	return own.AsProfile(ctx, o.request())
}

func (o *enrollOptions) openWindow(ctx context.Context, k *session.Manager, client *iam.Client, w baseline.Window) error {
	devices, err := client.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: aws.String(o.open)})
	if err != nil {
		return o.windowProblem(k, err, o.open)
	}
	if len(devices.MFADevices) > 0 {
		return command.WithHint(fmt.Errorf("%s already has an MFA device, so an enrollment window has no effect", o.open),
			"if the device is lost, deactivate it first: aws iam deactivate-mfa-device --user-name "+o.open+" --serial-number "+aws.ToString(devices.MFADevices[0].SerialNumber))
	}
	if o.days > 0 {
		w.Days = o.days
	}
	value := w.Value(o.env.Now())
	_, err = client.TagUser(ctx, &iam.TagUserInput{
		UserName: aws.String(o.open), Tags: []types.Tag{{Key: aws.String(w.Tag), Value: aws.String(value)}},
	})
	if err != nil {
		return o.windowProblem(k, err, o.open)
	}
	o.say("%s is allowed to enroll with an access key until %s; the next forcemfa apply closes the window once the user has a device", o.open, value)
	return nil
}

func (o *enrollOptions) closeWindow(ctx context.Context, k *session.Manager, client *iam.Client, w baseline.Window) error {
	tags, err := userTags(ctx, client, o.close)
	if err != nil {
		return o.windowProblem(k, err, o.close)
	}
	open, there := w.Of(tags)
	if !there {
		o.say("%s has no enrollment window", o.close)
		return nil
	}
	_, err = client.UntagUser(ctx, &iam.UntagUserInput{UserName: aws.String(o.close), TagKeys: []string{open.Tag}})
	if err != nil {
		return o.windowProblem(k, err, o.close)
	}
	o.say("the enrollment window of %s is closed", o.close)
	return nil
}

// confirmDevice removes the mark of a user who enrolled a device in an enrollment window.
// It prints the devices, so that a person can compare them.
func (o *enrollOptions) confirmDevice(ctx context.Context, k *session.Manager, client *iam.Client) error {
	tags, err := userTags(ctx, client, o.confirm)
	if err != nil {
		return o.windowProblem(k, err, o.confirm)
	}
	closed, marked := baseline.DeviceByKey(tags)
	if !marked {
		o.say("%s has no device that waits for confirmation", o.confirm)
		return nil
	}
	devices, err := client.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: aws.String(o.confirm)})
	if err != nil {
		return o.windowProblem(k, err, o.confirm)
	}
	for _, d := range devices.MFADevices {
		o.say("device %s, enabled on %s", aws.ToString(d.SerialNumber), aws.ToTime(d.EnableDate).UTC().Format(time.DateOnly))
	}
	i := slices.IndexFunc(tags, func(t org.Tag) bool { return strings.EqualFold(t.Key, baseline.DeviceByKeyTag) })
	_, err = client.UntagUser(ctx, &iam.UntagUserInput{UserName: aws.String(o.confirm), TagKeys: []string{tags[i].Key}})
	if err != nil {
		return o.windowProblem(k, err, o.confirm)
	}
	o.say("confirmed: the finding about %s, whose enrollment window was closed on %s, is gone after the next audit", o.confirm, closed)
	return nil
}

func userTags(ctx context.Context, client *iam.Client, user string) ([]org.Tag, error) {
	var tags []org.Tag
	pages := iam.NewListUserTagsPaginator(client, &iam.ListUserTagsInput{UserName: aws.String(user)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			tags = append(tags, org.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)})
		}
	}
	return tags, nil
}

func (o *enrollOptions) windowProblem(k *session.Manager, err error, user string) error {
	var missing *types.NoSuchEntityException
	if errors.As(err, &missing) {
		return command.WithHint(fmt.Errorf("user %s does not exist in this account", user), "check the name and the account of the profile")
	}
	return k.Explain(err, o.profile)
}
