package iamsvc

import (
	"bytes"
	"encoding/base32"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"rsc.io/qr"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// create makes a virtual device and returns its serial number.
func (s *stand) create(name string) string {
	s.t.Helper()
	return *do[iam.CreateVirtualMFADeviceOutput](s, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &name}).VirtualMFADevice.SerialNumber
}

// enabling is the call that enables a device with its codes of now and of the
// step before.
func (s *stand) enabling(user, serial string) *iam.EnableMFADeviceInput {
	s.t.Helper()
	return &iam.EnableMFADeviceInput{
		UserName: &user, SerialNumber: &serial,
		AuthenticationCode1: str(s.code(serial, -1)), AuthenticationCode2: str(s.code(serial, 0)),
	}
}

func TestCreatedDeviceTellsItsSeedOnce(t *testing.T) {
	s := populated(t)
	d := do[iam.CreateVirtualMFADeviceOutput](s, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: str("pad"), Path: str("/m/")}).VirtualMFADevice
	if *d.SerialNumber != "arn:aws:iam::111122223333:mfa/m/pad" || len(d.Base32StringSeed) != 64 {
		t.Errorf("serial %s with a seed of %d characters", *d.SerialNumber, len(d.Base32StringSeed))
	}
	seed, err := base32.StdEncoding.DecodeString(string(d.Base32StringSeed))
	if err != nil || world.CodeAt(seed, noon) != s.code(*d.SerialNumber, 0) {
		t.Errorf("the seed does not give the device's codes: %v", err)
	}
	image, err := png.Decode(bytes.NewReader(d.QRCodePNG))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := modules(image), qrModules(t, "otpauth://totp/pad@111122223333?secret="+string(d.Base32StringSeed)); got != want {
		t.Errorf("the QR code is\n%s\nwant\n%s", got, want)
	}
	listed := do[iam.ListVirtualMFADevicesOutput](s, &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeUnassigned}).VirtualMFADevices
	if diff := cmp.Diff([]types.VirtualMFADevice{{SerialNumber: d.SerialNumber}}, listed, ignoreSmithy); diff != "" {
		t.Errorf("the list:\n%s", diff)
	}
}

// modules prints a QR code from the middle of each of its modules.
func modules(code image.Image) string {
	var b strings.Builder
	for y := qrScale / 2; y < code.Bounds().Dy(); y += qrScale {
		for x := qrScale / 2; x < code.Bounds().Dx(); x += qrScale {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				b.WriteByte('#')
			} else {
				b.WriteByte('.')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// qrModules prints the QR code of a text with its quiet zone of four modules, as
// ISO/IEC 18004 asks.
func qrModules(t *testing.T, text string) string {
	t.Helper()
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for y := -4; y < code.Size+4; y++ {
		for x := -4; x < code.Size+4; x++ {
			if code.Black(x, y) {
				b.WriteByte('#')
			} else {
				b.WriteByte('.')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestEnablingNeedsTwoConsecutiveCodes(t *testing.T) {
	s := populated(t)
	serial := s.create("pad")
	in := s.enabling("Alice", serial)
	for name, wrong := range map[string][2]string{
		"swapped":        {*in.AuthenticationCode2, *in.AuthenticationCode1},
		"the same twice": {*in.AuthenticationCode2, *in.AuthenticationCode2},
		"with a gap":     {s.code(serial, -2), *in.AuthenticationCode2},
	} {
		s.wantRefused(&iam.EnableMFADeviceInput{UserName: str("Alice"), SerialNumber: &serial, AuthenticationCode1: &wrong[0], AuthenticationCode2: &wrong[1]},
			"InvalidAuthenticationCode: Authentication code for device is not valid.")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	s.did(in)
	got := do[iam.ListMFADevicesOutput](s.as("Alice", nil), &iam.ListMFADevicesInput{}).MFADevices
	if diff := cmp.Diff([]types.MFADevice{{SerialNumber: &serial, UserName: str("Alice"), EnableDate: &noon}}, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	s.wantRefused(in, "EntityAlreadyExists: MFA Device is already in use.")
}

func TestEnabledDeviceIsListedWithItsUser(t *testing.T) {
	s := populated(t)
	serial := s.account().DevicesOf("bob")[0].Serial
	got := do[iam.ListVirtualMFADevicesOutput](s, &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeAssigned}).VirtualMFADevices
	enabled := noon.Add(-time.Hour)
	bob := do[iam.ListUsersOutput](s, &iam.ListUsersInput{}).Users[1]
	if diff := cmp.Diff([]types.VirtualMFADevice{{SerialNumber: &serial, EnableDate: &enabled, User: &bob}}, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
}

func TestVirtualDevicesAreListedByStatusInPages(t *testing.T) {
	s := populated(t).smallPages()
	a := s.call.World.Edit(here)
	rootDevice := "arn:aws:iam::111122223333:mfa/root-account-mfa-device"
	a.Devices[rootDevice] = &world.Device{Serial: rootDevice, Kind: org.VirtualMFA, User: world.RootUser}
	a.Devices["GAHT12345678"] = &world.Device{Serial: "GAHT12345678", Kind: org.HardwareMFA, User: "alice"}
	s.create("a")
	s.create("z")
	for status, want := range map[types.AssignmentStatusType][]string{
		"":                                 {"mfa/a", "mfa/phone", "mfa/root-account-mfa-device", "mfa/z"},
		types.AssignmentStatusTypeAny:      {"mfa/a", "mfa/phone", "mfa/root-account-mfa-device", "mfa/z"},
		types.AssignmentStatusTypeAssigned: {"mfa/phone", "mfa/root-account-mfa-device"}, types.AssignmentStatusTypeUnassigned: {"mfa/a", "mfa/z"},
	} {
		var got []string
		in := &iam.ListVirtualMFADevicesInput{AssignmentStatus: status}
		for {
			out := do[iam.ListVirtualMFADevicesOutput](s, in)
			for _, d := range out.VirtualMFADevices {
				got = append(got, (*d.SerialNumber)[len("arn:aws:iam::111122223333:"):])
				if *d.SerialNumber == rootDevice && *d.User.Arn != "arn:aws:iam::111122223333:root" {
					t.Errorf("root's device belongs to %s", *d.User.Arn)
				}
			}
			if in.Marker = out.Marker; !out.IsTruncated {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("status %q:\n%s", status, diff)
		}
	}
}

func TestUserHasAtMostEightDevices(t *testing.T) {
	s := populated(t)
	for _, name := range []string{"d2", "d3", "d4", "d5", "d6", "d7", "d8"} {
		s.did(s.enabling("bob", s.create(name)))
	}
	ninth := s.create("d9")
	s.wantRefused(s.enabling("bob", ninth), "LimitExceeded: Cannot exceed quota for MFADevicesPerUser: 8")
}

// AWS-2023-001: AWS requires MFA of the user itself; policies decide about
// administrators.
func TestUserWithDeviceNeedsMFAToAddOrRemoveOne(t *testing.T) {
	for _, row := range []struct {
		name    string
		session *world.Session
		allowed bool
	}{
		{"access key", nil, false},
		{"session without MFA", &world.Session{Present: policy.False}, false},
		{"session with MFA", withMFA(), true},
	} {
		s := populated(t)
		bob := s.as("bob", row.session)
		old, second := s.account().DevicesOf("bob")[0].Serial, s.create("second")
		for _, in := range []any{s.enabling("bob", second), &iam.DeactivateMFADeviceInput{SerialNumber: &old}} {
			if !row.allowed {
				bob.wantRefused(in, "AccessDenied: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:")
			} else if _, err := bob.try(in); err != nil {
				t.Errorf("%s: %T: %v", row.name, in, err)
			}
		}
	}
}

func TestFirstDeviceAndOtherUsersDevicesNeedNoMFA(t *testing.T) {
	s := populated(t)
	s.as("Alice", nil).did(s.enabling("Alice", s.create("first")))
	old := s.account().DevicesOf("bob")[0].Serial
	s.as("Alice", nil).did(&iam.DeactivateMFADeviceInput{UserName: str("bob"), SerialNumber: &old})
	if n := len(s.account().DevicesOf("bob")); n != 0 {
		t.Errorf("bob has %d devices, want 0", n)
	}
}

func TestDeactivatedDeviceStaysUnassigned(t *testing.T) {
	s := populated(t)
	serial := s.account().DevicesOf("bob")[0].Serial
	s.wantRefused(&iam.DeleteVirtualMFADeviceInput{SerialNumber: &serial}, "DeleteConflict: MFA VirtualDevice in use. Must deactivate first.")
	s.did(&iam.DeactivateMFADeviceInput{UserName: str("bob"), SerialNumber: &serial})
	if d := s.account().Devices[serial]; d == nil || d.User != "" || !d.Enabled.IsZero() {
		t.Errorf("the device is %+v", d)
	}
	s.did(s.enabling("Alice", serial)) // it may serve another user
	s.did(&iam.DeactivateMFADeviceInput{UserName: str("Alice"), SerialNumber: &serial}, &iam.DeleteVirtualMFADeviceInput{SerialNumber: &serial})
	if s.account().Devices[serial] != nil {
		t.Error("the device is still there")
	}
}

func TestResyncCorrectsADeviceThatWasEnabledLate(t *testing.T) {
	s := populated(t)
	serial := s.create("late")
	in := s.enabling("Alice", serial)
	s.call.Now = noon.Add(10 * time.Minute)
	s.did(in)
	later := noon.Add(20 * time.Minute)
	s.call.Now = later
	if err := s.call.World.VerifyCode(serial, s.code(serial, 0), later); err == nil {
		t.Fatal("a device that was enabled with codes of ten minutes ago is in sync")
	}
	resync := func(first, second int) *iam.ResyncMFADeviceInput {
		return &iam.ResyncMFADeviceInput{UserName: str("Alice"), SerialNumber: &serial, AuthenticationCode1: str(s.code(serial, first)), AuthenticationCode2: str(s.code(serial, second))}
	}
	s.wantRefused(resync(0, -1), "InvalidAuthenticationCode: ")
	s.did(resync(-1, 0))
	s.call.Now = later.Add(time.Minute)
	if err := s.call.World.VerifyCode(serial, s.code(serial, 0), s.call.Now); err != nil {
		t.Errorf("after resynchronizing: %v", err)
	}
}

func TestGetMFADeviceAcceptsOnlySecurityKeys(t *testing.T) {
	s := populated(t)
	key := "arn:aws:iam::111122223333:u2f/user/bob/yubikey-ABC"
	s.call.World.Edit(here).Devices[key] = &world.Device{Serial: key, Kind: org.FIDO, User: "bob", Enabled: noon}
	got := do[iam.GetMFADeviceOutput](s.as("bob", nil), &iam.GetMFADeviceInput{SerialNumber: &key})
	if diff := cmp.Diff(&iam.GetMFADeviceOutput{SerialNumber: &key, UserName: str("bob"), EnableDate: &noon}, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	phone := "arn:aws:iam::111122223333:mfa/phone"
	s.wantRefused(&iam.GetMFADeviceInput{UserName: str("bob"), SerialNumber: &phone}, "ValidationError: ")
	s.wantRefused(&iam.ResyncMFADeviceInput{UserName: str("bob"), SerialNumber: &key, AuthenticationCode1: str("123456"), AuthenticationCode2: str("123456")}, "NoSuchEntity: ")
	s.did(&iam.DeactivateMFADeviceInput{UserName: str("bob"), SerialNumber: &key})
	if s.account().Devices[key] != nil {
		t.Error("a deactivated security key is still known")
	}
}
