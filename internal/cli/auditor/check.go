package auditor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/evidence"
	"forcemfa/internal/filefault"
	"forcemfa/internal/view"
)

func newCheck(e *command.Env) *cobra.Command {
	o := checkOptions{Output: command.Output{Env: e}}
	c := &cobra.Command{
		Use:   "check PACK.zip",
		Short: "Check the signature and every proof of an evidence pack",
		Long: `evidence check checks an evidence pack without AWS: the signature in PACK.zip.minisig,
the hash of every file, the state of every user against the snapshot and the config in
the pack, and every proof certificate with the independent checker, against the
policies that the snapshot gives the user. It prints what was proved for how many
users, by which documents, as of which time and under which assumptions.

Name the public key of the signer with --key. Without it the pack can be found intact,
but whoever changed a pack could have signed it again: the exit status is 4.

EXIT STATUS
  0  the pack is whole, signed with the key, and everything in it was checked
  1  the pack is refused
  4  the pack is intact, and signed with an unknown key, or has findings of rules that
     this version does not have and did not check`,
		Example: `  forcemfa evidence check pack.zip --key evidence.pub
  forcemfa evidence check pack.zip --key evidence.pub -o json | jq .manifest.users`,
		Args:    cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.Format) },
		RunE:    func(c *cobra.Command, args []string) error { return runCheck(c.Context(), &o, args[0]) },
	}
	o.AddFlags(c)
	c.Flags().StringVar(&o.key, "key", "", "`file` with the public key of the signer")
	return c
}

type checkOptions struct {
	command.Output
	key string
}

func runCheck(ctx context.Context, o *checkOptions, name string) error {
	file, info, err := filefault.OpenRegular(name)
	if err != nil {
		return command.WithHint(command.FileError("read the pack", err), "name a file that \"forcemfa evidence\" wrote")
	}
	defer file.Close()
	key, err := o.verify(file, name)
	if err != nil {
		return err
	}
	report, err := evidence.Check(ctx, file, info.Size(), program(), formats)
	if err != nil {
		return command.WithHint(fmt.Errorf("%s is refused: %w", name, err), "ask the signer for the pack again, and rely on nothing in this one")
	}
	return o.print(report, key)
}

// openPack opens a file, and nothing else: to open a pipe would wait for its writer.
// verify verifies the signature.
func (o *checkOptions) verify(pack io.ReadSeeker, name string) (evidence.PublicKey, error) {
	var key *evidence.PublicKey
	if o.key != "" {
		text, err := readSmall(o.key)
		if err != nil {
			return evidence.PublicKey{}, command.WithHint(command.FileError("read the public key", err), "name the evidence.pub of the signer")
		}
		parsed, err := evidence.ParsePublicKey(text)
		if err != nil {
			return parsed, command.WithHint(fmt.Errorf("%s: %w", o.key, err), "name the evidence.pub of the signer")
		}
		key = &parsed
	}
	signature, err := readSmall(signatureOf(name))
	if errors.Is(err, fs.ErrNotExist) {
		return evidence.PublicKey{}, command.WithHint(fmt.Errorf("%s has no signature: there is no %s", name, signatureOf(name)), "get both files from the signer")
	} else if err != nil {
		return evidence.PublicKey{}, command.FileError("read the signature", err)
	}
	signer, err := evidence.Verify(pack, signature, key)
	if err != nil {
		return signer, command.WithHint(fmt.Errorf("%s is refused: %w", name, err), "ask the signer for pack, signature and public key again, and rely on nothing in this pack")
	}
	_, err = pack.Seek(0, io.SeekStart)
	return signer, err
}

func (o *checkOptions) print(r *evidence.Report, key evidence.PublicKey) error {
	known, signer := o.key != "", fmt.Sprintf("signed with the key %016X", key.ID())
	if !known {
		signer = "intact, signed by unknown key " + evidence.Fingerprint(key)
	}
	if o.JSON() {
		out := view.CheckedEvidence{KeyID: fmt.Sprintf("%016X", key.ID()), Fingerprint: evidence.Fingerprint(key), KeyKnown: known, Report: r}
		if err := view.JSON(o.Stdout(), out); err != nil {
			return err
		}
	} else if err := o.PrintData(func(w io.Writer) error { view.Evidence(w, o.Style(), r, signer); return nil }); err != nil {
		return err
	}
	if !known {
		return &command.Error{Status: command.StatusIncomplete, Hint: "compare the fingerprint with the signer's, or name the public key with --key"}
	}
	if evidence.CountFindings(r.Rules.NotChecked) > 0 {
		return &command.Error{Status: command.StatusIncomplete, Hint: "check the pack with the version of forcemfa that wrote it, or a newer one"}
	}
	return nil
}
