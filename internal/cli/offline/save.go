package offline

import (
	"fmt"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/rehearse"
)

// save writes the state to the file of --save, and the secrets to a second file that only
// its owner can read. Each file is written whole or not at all, the secrets first: keys
// without their user do no harm.
func save(box *rehearse.Sandbox, name string) error {
	if name == "" {
		return nil
	}
	defer command.Finish()()
	file, err := command.CreateFile(name, 0o600) // no secrets for a snapshot that cannot be written
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	file.Discard()
	if err := command.WriteStream(rehearse.SecretsOf(name), 0o600, box.SaveSecrets); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	if err := command.WriteStream(name, 0o600, box.Save); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	return nil
}

// restore gives the users of a snapshot that --save wrote their secrets back.
func restore(box *rehearse.Sandbox, snapshot string) error {
	if snapshot == "" || snapshot == rehearse.Sample {
		return nil
	}
	if err := box.LoadSecrets(snapshot); err != nil {
		return command.WithHint(err, "remove this file to load the snapshot with new secrets")
	}
	return nil
}
