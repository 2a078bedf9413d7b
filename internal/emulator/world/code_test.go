package world

import (
	"errors"
	"testing"
	"time"

	"forcemfa/internal/org"
)

// The seed and the codes of RFC 6238, appendix B, for SHA-1: its eight digits
// end in the six that AWS uses.
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	for unix, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := CodeAt([]byte("12345678901234567890"), time.Unix(unix, 0)); got != want {
			t.Errorf("code at %d = %s, want %s", unix, got, want)
		}
	}
}

func codeOn(t *testing.T, w *World, serial string, at time.Time) string {
	t.Helper()
	c, err := w.Code(serial, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCodeIsGoodOneStepEarlyOrLate(t *testing.T) {
	for off, want := range map[time.Duration]error{
		-60 * time.Second: ErrWrongCode,
		-30 * time.Second: nil,
		0:                 nil,
		30 * time.Second:  nil,
		60 * time.Second:  ErrWrongCode,
	} {
		w := small(t)
		if err := w.VerifyCode(bobsDevice, codeOn(t, w, bobsDevice, noon.Add(off)), noon); !errors.Is(err, want) {
			t.Errorf("a code of %v: %v, want %v", off, err, want)
		}
	}
}

func TestCodeWorksOnce(t *testing.T) {
	w := small(t)
	first := codeOn(t, w, bobsDevice, noon)
	if err := w.VerifyCode(bobsDevice, first, noon); err != nil {
		t.Fatal(err)
	}
	if err := w.VerifyCode(bobsDevice, first, noon); !errors.Is(err, ErrUsedCode) {
		t.Errorf("the same code again: %v, want %v", err, ErrUsedCode)
	}
	earlier := codeOn(t, w, bobsDevice, noon.Add(-30*time.Second))
	if err := w.VerifyCode(bobsDevice, earlier, noon); !errors.Is(err, ErrUsedCode) {
		t.Errorf("the code before the last one: %v, want %v", err, ErrUsedCode)
	}
	later := noon.Add(30 * time.Second)
	if err := w.VerifyCode(bobsDevice, codeOn(t, w, bobsDevice, later), later); err != nil {
		t.Errorf("the next code: %v", err)
	}
}

func TestUsedCodeIsUnusedInAnEarlierFork(t *testing.T) {
	w := small(t)
	before := w.Fork()
	c := codeOn(t, w, bobsDevice, noon)
	if err := w.VerifyCode(bobsDevice, c, noon); err != nil {
		t.Fatal(err)
	}
	after := w.Fork()
	if err := before.VerifyCode(bobsDevice, c, noon); err != nil {
		t.Errorf("in the fork from before: %v", err)
	}
	if err := after.VerifyCode(bobsDevice, c, noon); !errors.Is(err, ErrUsedCode) {
		t.Errorf("in the fork from after: %v, want %v", err, ErrUsedCode)
	}
}

func TestOnlyTOTPDevicesGiveCodes(t *testing.T) {
	w := small(t)
	a := w.Edit(member)
	key := "arn:aws:iam::222222222222:u2f/user/bob/key"
	a.Devices[key] = &Device{Serial: key, Kind: org.FIDO, User: "bob"}
	a.Devices["GAHT12345678"] = &Device{Serial: "GAHT12345678", Kind: org.HardwareMFA, Seed: []byte("abc"), User: "bob"}
	for _, serial := range []string{key, "arn:aws:iam::222222222222:mfa/nobody", "arn:aws:iam::999999999999:mfa/bobs-phone", "GAHT00000000"} {
		if err := w.VerifyCode(serial, "123456", noon); !errors.Is(err, ErrNoDevice) {
			t.Errorf("%s: %v, want %v", serial, err, ErrNoDevice)
		}
	}
	if err := w.VerifyCode("GAHT12345678", codeOn(t, w, "GAHT12345678", noon), noon); err != nil {
		t.Errorf("a hardware token: %v", err)
	}
}

func TestSynchronizeNeedsConsecutiveCodesInOrder(t *testing.T) {
	at := func(w *World, step int) string {
		return codeOn(t, w, bobsDevice, noon.Add(time.Duration(step)*30*time.Second))
	}
	for _, row := range []struct {
		name          string
		first, second int
		want          error
	}{
		{"in order", -1, 0, nil},
		{"in advance", 0, 1, nil},
		{"swapped", 0, -1, ErrWrongCode},
		{"the same twice", 0, 0, ErrWrongCode},
		{"with a gap", -2, 0, ErrWrongCode},
		{"too old", -242, -241, ErrWrongCode},
		{"late", -21, -20, nil},
		{"five minutes early", 9, 10, nil},
		{"more than five minutes early", 10, 11, ErrWrongCode},
		{"two hours early", 238, 239, ErrWrongCode},
	} {
		w := small(t)
		if err := w.Synchronize(bobsDevice, at(w, row.first), at(w, row.second), noon); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

// The IAM User Guide warns that codes sent late leave a device out of sync, and
// that resynchronizing corrects it.
func TestLateCodesLeaveTheDeviceOutOfSync(t *testing.T) {
	w := small(t)
	steps := func(n int) time.Time { return noon.Add(time.Duration(n) * 30 * time.Second) }
	if err := w.Synchronize(bobsDevice, codeOn(t, w, bobsDevice, noon), codeOn(t, w, bobsDevice, steps(1)), steps(11)); err != nil {
		t.Fatal(err)
	}
	if err := w.VerifyCode(bobsDevice, codeOn(t, w, bobsDevice, steps(20)), steps(20)); !errors.Is(err, ErrWrongCode) {
		t.Errorf("a right code for a device out of sync: %v, want %v", err, ErrWrongCode)
	}
	if err := w.Synchronize(bobsDevice, codeOn(t, w, bobsDevice, steps(29)), codeOn(t, w, bobsDevice, steps(30)), steps(30)); err != nil {
		t.Fatal(err)
	}
	if err := w.VerifyCode(bobsDevice, codeOn(t, w, bobsDevice, steps(40)), steps(40)); err != nil {
		t.Errorf("a right code after resynchronizing: %v", err)
	}
}

func TestCodesOfSynchronizeAreSpent(t *testing.T) {
	w := small(t)
	first, second := codeOn(t, w, bobsDevice, noon.Add(-30*time.Second)), codeOn(t, w, bobsDevice, noon)
	if err := w.Synchronize(bobsDevice, first, second, noon); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{first, second} {
		if err := w.VerifyCode(bobsDevice, c, noon); !errors.Is(err, ErrUsedCode) {
			t.Errorf("a code that enabled the device: %v, want %v", err, ErrUsedCode)
		}
	}
	if err := w.Synchronize(bobsDevice, first, second, noon); !errors.Is(err, ErrUsedCode) {
		t.Errorf("the same pair again: %v, want %v", err, ErrUsedCode)
	}
}

func TestRemovedDeviceLeavesNoUsedCodes(t *testing.T) {
	w := small(t)
	if err := w.VerifyCode(bobsDevice, codeOn(t, w, bobsDevice, noon), noon); err != nil {
		t.Fatal(err)
	}
	w.RemoveDevice(member, bobsDevice)
	w.Edit(member).Devices[bobsDevice] = &Device{Serial: bobsDevice, Kind: org.VirtualMFA, Seed: []byte("another seed")}
	if err := w.VerifyCode(bobsDevice, codeOn(t, w, bobsDevice, noon), noon); err != nil {
		t.Errorf("the first code of a new device with the old name: %v", err)
	}
}
