package world

import (
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"github.com/pquerna/otp/hotp"

	"forcemfa/policy/arn"
)

// Reasons for refusing a code.
var (
	ErrNoDevice  = errors.New("no MFA device with this serial number gives codes")
	ErrWrongCode = errors.New("wrong code")
	ErrUsedCode  = errors.New("code was used before")
)

const (
	step = 30 * time.Second
	// tolerance is how many steps off a code may be. AWS does not publish it.
	tolerance = 1
	// reach is how many steps late two consecutive codes may be when a device is
	// enabled or synchronized. AWS does not publish it; 2 h covers any device
	// that was ever close to the right time.
	reach = 240
	// ahead is how many steps early they may be: a clock that is five minutes fast.
	// Codes of a later time were made with the seed for a later use of somebody.
	ahead = 10
)

// Device returns the device with this serial number and the ID of its account,
// read-only; nil if there is none. An account sees its own devices only.
func (w *World) Device(serial string) (account string, d *Device) {
	if w.account != "" {
		if a := w.accountOf(w.account); a != nil && a.Devices[serial] != nil {
			return w.account, a.Devices[serial]
		}
		return "", nil
	}
	if parsed, err := arn.Parse(serial); err == nil {
		a := w.Account(parsed.Account)
		if a == nil {
			return "", nil
		}
		return a.ID, a.Devices[serial]
	}
	for id, a := range w.accounts.all {
		if d := a.Devices[serial]; d != nil {
			return id, d
		}
	}
	return "", nil
}

// Code returns the code that the device with this serial number shows at now.
func (w *World) Code(serial string, now time.Time) (string, error) {
	_, d := w.Device(serial)
	if d == nil || len(d.Seed) == 0 {
		return "", fmt.Errorf("code of %s: %w", serial, ErrNoDevice)
	}
	return CodeAt(d.Seed, now), nil
}

// CodeAt returns the TOTP code of a seed: RFC 6238 with SHA-1, 30 seconds, 6
// digits.
func CodeAt(seed []byte, now time.Time) string { return codeOf(seed, stepAt(now)) }

func stepAt(now time.Time) int64 { return now.Unix() / int64(step/time.Second) }

func codeOf(seed []byte, counter int64) string {
	code, err := hotp.GenerateCode(base32.StdEncoding.EncodeToString(seed), uint64(counter))
	if err != nil {
		panic(err) // only for a secret that is not base 32
	}
	return code
}

// VerifyCode accepts the code of a device at now, at most one step early or
// late, and never twice: it must be of a later step than the last accepted one.
// The error is [ErrNoDevice], [ErrWrongCode] or [ErrUsedCode].
func (w *World) VerifyCode(serial, code string, now time.Time) error {
	_, d := w.Device(serial)
	if d == nil || len(d.Seed) == 0 {
		return ErrNoDevice
	}
	center := stepAt(now) + d.Skew
	found := int64(-1)
	for s := max(center-tolerance, 0); s <= center+tolerance; s++ {
		if same(codeOf(d.Seed, s), code) {
			found = s
		}
	}
	return w.accept(serial, found)
}

// accept spends the code of a step, and those of all steps before it.
func (w *World) accept(serial string, s int64) error {
	if s < 0 {
		return ErrWrongCode
	}
	if last, ok := w.codes.get(serial); ok && s <= last {
		return ErrUsedCode
	}
	w.codes.set(serial, s)
	return nil
}

// Synchronize accepts two consecutive codes of a device and corrects its skew
// when they are further off than [World.VerifyCode] tolerates. Two codes of ten
// minutes ago thus leave the device ten minutes out of sync, as AWS warns
// ("submit your request immediately"). It changes nothing when it returns an
// error.
func (w *World) Synchronize(serial, code1, code2 string, now time.Time) error {
	account, d := w.Device(serial)
	if d == nil || len(d.Seed) == 0 {
		return ErrNoDevice
	}
	center := stepAt(now)
	found, ok := consecutive(d.Seed, code1, code2, center)
	if !ok {
		return ErrWrongCode
	}
	if err := w.accept(serial, found); err != nil {
		return err
	}
	skew := found - center
	if -tolerance <= skew && skew <= tolerance {
		skew = 0
	}
	w.Edit(account).Devices[serial].Skew = skew
	return nil
}

// consecutive returns the step of code2 where code1 belongs to the step before,
// the nearest to center first.
func consecutive(seed []byte, code1, code2 string, center int64) (int64, bool) {
	for off := int64(0); off <= reach; off++ {
		for _, s := range []int64{center + off, center - off} {
			if s < 1 || s > center+ahead {
				continue
			}
			if same(codeOf(seed, s-1), code1) && same(codeOf(seed, s), code2) {
				return s, true
			}
		}
	}
	return 0, false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// RemoveDevice removes a device and its used codes.
func (w *World) RemoveDevice(account, serial string) {
	delete(w.Edit(account).Devices, serial)
	w.codes.remove(serial)
}
