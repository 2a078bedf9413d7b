package doors

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// enrol creates a device and enables it for the user itself.
func enrol(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.enrolled(ctx, with)
	return err
}

func (a *Attempt) enrolled(ctx context.Context, with aws.CredentialsProvider) (*Device, error) {
	d, err := a.create(ctx, with)
	if err != nil {
		return nil, err
	}
	return d, a.enable(ctx, with, a.User.Name, d)
}

// create makes a virtual device with a name that is free.
func (a *Attempt) create(ctx context.Context, with aws.CredentialsProvider) (*Device, error) {
	out, err := a.iam(with).CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{
		VirtualMFADeviceName: aws.String(a.User.Name + "-phone-of-door"),
	})
	if err != nil {
		return nil, err
	}
	return NewDevice(*out.VirtualMFADevice.SerialNumber, string(out.VirtualMFADevice.Base32StringSeed), a.Clock), nil
}

func (a *Attempt) enable(ctx context.Context, with aws.CredentialsProvider, user string, d *Device) error {
	code1, code2, err := d.Pair()
	if err != nil {
		return err
	}
	_, err = a.iam(with).EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: &user, SerialNumber: &d.Serial, AuthenticationCode1: &code1, AuthenticationCode2: &code2,
	})
	return err
}

// adoptPlanted enables a device for the user that an accomplice made, so that
// CreateVirtualMFADevice is not what stops the thief.
func adoptPlanted(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	return a.enablePlanted(ctx, with, a.User.Name)
}

// enableOn is adoptPlanted for the other user that the attempt aims at.
func enableOn(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	return a.enablePlanted(ctx, with, a.Aim)
}

func (a *Attempt) enablePlanted(ctx context.Context, with aws.CredentialsProvider, user string) error {
	d, err := a.Plant(ctx)
	if err != nil {
		return &setUpError{"plant a device", err}
	}
	return a.enable(ctx, with, user, d)
}

func deactivateOwn(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: a.me(), SerialNumber: &a.Aim})
	return err
}

func deleteOwn(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: &a.Aim})
	return err
}

func deactivateProtected(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &a.Aims.Protected, SerialNumber: &a.Aims.ProtectedBy})
	return err
}

// resyncProtected has no codes of the other's device, so that an answer about
// the codes shows that authorization had let it pass.
func resyncProtected(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{
		UserName: &a.Aims.Protected, SerialNumber: &a.Aims.ProtectedBy,
		AuthenticationCode1: aws.String("314159"), AuthenticationCode2: aws.String("265358"),
	})
	return err
}

func listOwnDevices(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: a.me()})
	return err
}

func getSelf(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).GetUser(ctx, &iam.GetUserInput{})
	return err
}
