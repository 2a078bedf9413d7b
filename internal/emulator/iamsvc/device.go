package iamsvc

import (
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// virtualDevice returns a virtual MFA device of an account.
func virtualDevice(a *world.Account, serial string) (*world.Device, error) {
	d := a.Devices[serial]
	if d == nil || d.Kind != org.VirtualMFA {
		return nil, noSuchEntity("VirtualMFADevice with serial number %s doesn't exist.", serial)
	}
	return d, nil
}

func createVirtualMFADevice(c *operation.Call, in *iam.CreateVirtualMFADeviceInput) (*iam.CreateVirtualMFADeviceOutput, error) {
	a := edit(c)
	serial := arn.IAM(c.World.Partition, a.ID, "mfa", pathOr(in.Path), *in.VirtualMFADeviceName)
	virtual := 0
	for s, d := range a.Devices {
		if world.Fold(s) == world.Fold(serial) {
			return nil, alreadyExists("MFADevice entity at the same path and name already exists.")
		}
		if d.Kind == org.VirtualMFA {
			virtual++
		}
	}
	// Source: IAM User Guide, "IAM and AWS STS quotas": virtual MFA devices,
	// assigned or not, up to the quota of users.
	if quota := a.Quota(world.QuotaUsers); virtual >= quota {
		return nil, overQuota("VirtualMFADevicesPerAccount", quota)
	}
	tags, err := mergeTags(a, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	d := &world.Device{Serial: serial, Kind: org.VirtualMFA, Seed: c.World.NewSeed(), Tags: tags}
	a.Devices[serial] = d
	secret := base32.StdEncoding.EncodeToString(d.Seed)
	qr, err := qrCode(*in.VirtualMFADeviceName, accountLabel(a), secret)
	if err != nil {
		return nil, fmt.Errorf("draw the QR code of %s: %w", serial, err)
	}
	return &iam.CreateVirtualMFADeviceOutput{VirtualMFADevice: &types.VirtualMFADevice{
		SerialNumber: aws.String(serial), Base32StringSeed: []byte(secret), QRCodePNG: qr, Tags: tagTypes(tags),
	}}, nil
}

func accountLabel(a *world.Account) string {
	if a.Alias != "" {
		return a.Alias
	}
	return a.ID
}

// needsMFA implements AWS's own rule since 2023-04-21, in addition to all
// policies: a user with a device can add or remove a device for itself only from
// a session with MFA.
// Source: AWS-2023-001; IAM User Guide, "Enabling MFA devices (AWS CLI or API)".
func needsMFA(c *operation.Call, a *world.Account, u *world.User, action string) error {
	if !isSelf(c, u) || len(a.DevicesOf(u.Name)) == 0 {
		return nil
	}
	if s := c.Caller.Session; s != nil && s.Present == policy.True {
		return nil
	}
	return accessDenied("User: %s is not authorized to perform: iam:%s on resource: %s because the user has an MFA device and the request was not authenticated with MFA",
		c.Caller.Principal.ARN, action, c.World.UserARN(a.ID, u))
}

func enableMFADevice(c *operation.Call, in *iam.EnableMFADeviceInput) (*iam.EnableMFADeviceOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	if err := needsMFA(c, a, u, "EnableMFADevice"); err != nil {
		return nil, err
	}
	d := a.Devices[*in.SerialNumber]
	if d == nil || !d.Kind.GivesCodes() {
		return nil, noSuchEntity("MFA Device with serial number %s does not exist.", *in.SerialNumber)
	}
	if d.User != "" {
		return nil, alreadyExists("MFA Device is already in use.")
	}
	if quota := a.Quota(world.QuotaMFADevicesPerUser); len(a.DevicesOf(u.Name)) >= quota {
		return nil, overQuota("MFADevicesPerUser", quota)
	}
	if err := synchronize(c, d.Serial, *in.AuthenticationCode1, *in.AuthenticationCode2); err != nil {
		return nil, err
	}
	d.User = world.Fold(u.Name)
	d.Enabled = c.Now
	return &iam.EnableMFADeviceOutput{}, nil
}

// synchronize accepts two consecutive codes of a device.
func synchronize(c *operation.Call, serial, code1, code2 string) error {
	err := c.World.Synchronize(serial, code1, code2, c.Now)
	if errors.Is(err, world.ErrWrongCode) || errors.Is(err, world.ErrUsedCode) {
		return &types.InvalidAuthenticationCodeException{Message: aws.String("Authentication code for device is not valid.")}
	}
	return err
}

// deviceOf returns a device of a user.
func deviceOf(a *world.Account, u *world.User, serial string) (*world.Device, error) {
	d := a.Devices[serial]
	if d == nil || d.User != world.Fold(u.Name) {
		return nil, noSuchEntity("MFA Device invalid for user.")
	}
	return d, nil
}

// deactivateMFADevice removes a device from its user. A virtual device stays,
// unassigned; a security key is deleted.
func deactivateMFADevice(c *operation.Call, in *iam.DeactivateMFADeviceInput) (*iam.DeactivateMFADeviceOutput, error) {
	a := edit(c)
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	d, err := deviceOf(a, u, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	if err := needsMFA(c, a, u, "DeactivateMFADevice"); err != nil {
		return nil, err
	}
	if d.Kind.GivesCodes() {
		d.User, d.Enabled, d.Skew = "", time.Time{}, 0
	} else {
		c.World.RemoveDevice(a.ID, d.Serial)
	}
	return &iam.DeactivateMFADeviceOutput{}, nil
}

func resyncMFADevice(c *operation.Call, in *iam.ResyncMFADeviceInput) (*iam.ResyncMFADeviceOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	d, err := deviceOf(a, u, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	if !d.Kind.GivesCodes() {
		return nil, noSuchEntity("MFA Device invalid for user.")
	}
	if err := synchronize(c, d.Serial, *in.AuthenticationCode1, *in.AuthenticationCode2); err != nil {
		return nil, err
	}
	return &iam.ResyncMFADeviceOutput{}, nil
}

func deleteVirtualMFADevice(c *operation.Call, in *iam.DeleteVirtualMFADeviceInput) (*iam.DeleteVirtualMFADeviceOutput, error) {
	a := edit(c)
	d, err := virtualDevice(a, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	if d.User != "" {
		return nil, deleteConflict("MFA VirtualDevice in use. Must deactivate first.")
	}
	c.World.RemoveDevice(a.ID, d.Serial)
	return &iam.DeleteVirtualMFADeviceOutput{}, nil
}

func listMFADevices(c *operation.Call, in *iam.ListMFADevicesInput) (*iam.ListMFADevicesOutput, error) {
	a := account(c)
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := devicesBySerial("ListMFADevices", a.DevicesOf(u.Name)).page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, d := range p.items {
		out.MFADevices = append(out.MFADevices, types.MFADevice{
			EnableDate: timeOrNil(d.Enabled), SerialNumber: aws.String(d.Serial), UserName: aws.String(u.Name),
		})
	}
	return out, nil
}

func devicesBySerial(operation string, devices []*world.Device) listing[*world.Device] {
	return listing[*world.Device]{operation, devices, func(d *world.Device) string { return d.Serial }}
}

// listVirtualMFADevices never returns a seed.
func listVirtualMFADevices(c *operation.Call, in *iam.ListVirtualMFADevicesInput) (*iam.ListVirtualMFADevicesOutput, error) {
	a := account(c)
	devices := slices.DeleteFunc(slices.Collect(maps.Values(a.Devices)), func(d *world.Device) bool {
		return d.Kind != org.VirtualMFA || !hasStatus(d, in.AssignmentStatus)
	})
	p, err := devicesBySerial("ListVirtualMFADevices", devices).page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, d := range p.items {
		t := types.VirtualMFADevice{SerialNumber: aws.String(d.Serial), EnableDate: timeOrNil(d.Enabled)}
		if d.User == world.RootUser {
			t.User = rootType(c, a)
		} else if d.User != "" {
			t.User = userType(c, a.Users[d.User], false)
		}
		out.VirtualMFADevices = append(out.VirtualMFADevices, t)
	}
	return out, nil
}

func hasStatus(d *world.Device, asked types.AssignmentStatusType) bool {
	switch asked {
	case types.AssignmentStatusTypeAssigned:
		return d.User != ""
	case types.AssignmentStatusTypeUnassigned:
		return d.User == ""
	}
	return true
}

// getMFADevice accepts only security keys and passkeys.
// Source: IAM API Reference, GetMFADevice, SerialNumber.
func getMFADevice(c *operation.Call, in *iam.GetMFADeviceInput) (*iam.GetMFADeviceOutput, error) {
	a := account(c)
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	if parsed, err := arn.Parse(*in.SerialNumber); err != nil || parsed.Kind() != "u2f" {
		return nil, validationError("Invalid serial number: GetMFADevice accepts the ARN of a FIDO security key.")
	}
	d, err := deviceOf(a, u, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	return &iam.GetMFADeviceOutput{
		SerialNumber: aws.String(d.Serial), EnableDate: timeOrNil(d.Enabled), UserName: aws.String(u.Name),
	}, nil
}
