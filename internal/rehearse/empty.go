package rehearse

import (
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// emptyAccount is the ID of the account of [EmptySandbox].
const emptyAccount = "999999999999"

// EmptySandbox is one account without users and without an organization, whose behavior
// follows the readings where AWS's documentation is not clear.
func EmptySandbox(clock func() time.Time, readings operation.Readings) (*Sandbox, error) {
	header := org.Header{Format: org.Format, Taken: clock(), Partition: "aws", Caller: "arn:aws:iam::" + emptyAccount + ":root"}
	accounts := []org.Account{{ID: emptyAccount, Name: "Probe", Alias: "probe-sandbox", Partition: "aws", State: "ACTIVE", Read: true}}
	w, err := world.Load(header, stream(accounts), 0)
	if err != nil {
		return nil, err
	}
	addRoles(w)
	return NewSandbox(w, emulator.Options{Clock: clock, Readings: readings, History: true})
}
