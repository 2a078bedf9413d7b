package attack

import (
	"fmt"
	"time"

	"github.com/pquerna/otp/hotp"
)

// step is how long a TOTP code is valid. Source: RFC 6238, and the devices that AWS
// supports.
const step = 30 * time.Second

// A Device is a TOTP device.
type Device struct {
	Serial string

	seed  string // base32
	clock Clock
	last  int64 // the step of the last code that was read
}

// NewDevice is a device with this seed (base32) on the scene's clock.
func NewDevice(serial, seed string, clock Clock) *Device {
	return &Device{Serial: serial, seed: seed, clock: clock}
}

// Code returns a code that was not read before. It advances the scene's clock if the
// current one was.
func (d *Device) Code() (string, error) {
	now := d.clock.Now()
	at := now.Unix() / int64(step/time.Second)
	if at <= d.last {
		at = d.last + 1
		d.clock.Advance(time.Unix(at*int64(step/time.Second), 0).Sub(now))
	}
	d.last = at
	code, err := hotp.GenerateCode(d.seed, uint64(at))
	if err != nil {
		return "", &setUpError{"read a code from " + d.Serial, err}
	}
	return code, nil
}

// Pair returns two consecutive codes, as needed to enable a device.
func (d *Device) Pair() (first, second string, err error) {
	if first, err = d.Code(); err != nil {
		return "", "", err
	}
	second, err = d.Code()
	return first, second, err
}

// wrong is a code that the device does not show now.
func wrong(code string) string {
	last := code[len(code)-1]
	return fmt.Sprintf("%s%d", code[:len(code)-1], (last-'0'+5)%10)
}
