package signin

import (
	"time"

	"forcemfa/internal/emulator/world"
)

// ShownCode is what the display of an MFA device shows, for people without an
// authenticator app.
type ShownCode struct{ Serial, Before, Now, Next string }

// CodesOf returns the codes of a device around a time.
func CodesOf(d *world.Device, now time.Time) ShownCode {
	at := func(off time.Duration) string { return world.CodeAt(d.Seed, now.Add(off)) }
	return ShownCode{d.Serial, at(-30 * time.Second), at(0), at(30 * time.Second)}
}
