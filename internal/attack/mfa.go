package attack

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// enroll creates a device and enables it for the user.
func enroll(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.enrolled(ctx, with)
	return err
}

func (a *attempt) enrolled(ctx context.Context, with aws.CredentialsProvider) (*Device, error) {
	d, err := a.create(ctx, with)
	if err != nil {
		return nil, err
	}
	return d, a.enable(ctx, with, a.User.Name, d)
}

// create makes a virtual device with an unused name.
func (a *attempt) create(ctx context.Context, with aws.CredentialsProvider) (*Device, error) {
	out, err := a.iam(with).CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{
		VirtualMFADeviceName: aws.String(a.User.Name + "-attacker-phone"),
	})
	if err != nil {
		return nil, err
	}
	return NewDevice(*out.VirtualMFADevice.SerialNumber, string(out.VirtualMFADevice.Base32StringSeed), a.Clock), nil
}

func (a *attempt) enable(ctx context.Context, with aws.CredentialsProvider, user string, d *Device) error {
	code1, code2, err := d.Pair()
	if err != nil {
		return err
	}
	_, err = a.iam(with).EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: &user, SerialNumber: &d.Serial, AuthenticationCode1: &code1, AuthenticationCode2: &code2,
	})
	return err
}

// enablePlantedOnSelf enables a device that an accomplice made for the user, so that
// the attack does not depend on CreateVirtualMFADevice.
func enablePlantedOnSelf(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.enablePlanted(ctx, with, a.User.Name)
}

// enablePlantedOnOther enables such a device for the targeted user.
func enablePlantedOnOther(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.enablePlanted(ctx, with, a.target)
}

func (a *attempt) enablePlanted(ctx context.Context, with aws.CredentialsProvider, user string) error {
	d, err := a.Plant(ctx)
	if err != nil {
		return &setUpError{"plant a device", err}
	}
	return a.enable(ctx, with, user, d)
}

func deactivateOwn(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: a.me(), SerialNumber: &a.target})
	return err
}

func deleteOwn(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: &a.target})
	return err
}

func deactivateOther(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &a.targets.otherWithDevice, SerialNumber: &a.targets.otherDevice})
	return err
}

// resyncOther has no codes of the other user's device. An error about the codes shows
// that the request was authorized.
func resyncOther(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{
		UserName: &a.targets.otherWithDevice, SerialNumber: &a.targets.otherDevice,
		AuthenticationCode1: aws.String("314159"), AuthenticationCode2: aws.String("265358"),
	})
	return err
}

func listOwnDevices(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: a.me()})
	return err
}

func getSelf(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).GetUser(ctx, &iam.GetUserInput{})
	return err
}
