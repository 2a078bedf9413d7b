// Package offline holds the verbs that need no AWS account: those of the embedded AWS,
// of policy files, of the config's schema and of the version.
package offline

import (
	"errors"

	"github.com/spf13/pflag"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/rehearse"
)

// organizationFlags are the flags of the verbs that only work on the embedded AWS, where
// --sandbox, which every verb has, is the same as --org.
func organizationFlags(f *pflag.FlagSet, file *string) {
	f.StringVar(file, "org", "", "snapshot `file` to load instead of the sample organization")
	f.StringVar(file, "sandbox", "", "same as --org (--sandbox=FILE)")
	f.Lookup("sandbox").NoOptDefVal = rehearse.Sample
}

// OpenSandbox loads a snapshot file, or the sample organization.
func OpenSandbox(name string, o emulator.Options) (*rehearse.Sandbox, error) {
	box, err := rehearse.OpenSandbox(name, o)
	var snapshot *rehearse.SnapshotError
	if errors.As(err, &snapshot) {
		return nil, command.WithHint(err, `name a file that "forcemfa snapshot" wrote`)
	}
	return box, err
}
