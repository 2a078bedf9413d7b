// Package auditor is the verbs that show others what forcemfa found: reports and evidence packs.
package auditor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/evidence"
	"forcemfa/internal/filefault"
	"forcemfa/internal/interchange"
	"forcemfa/internal/run"
	"forcemfa/internal/secret"
	"forcemfa/internal/view"
)

// NewEvidence returns the verb evidence.
func NewEvidence(e *command.Env) *cobra.Command {
	o := evidenceOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "evidence",
		Short: "Write a signed evidence pack, or check one",
		Long: `evidence reads every account and writes an evidence pack: the snapshot, the config, the
policy documents, the state of each user, and for each enforced user the proof
certificate that no request without MFA succeeds. Anybody can check the proofs with
"evidence check", without access to AWS.

The signature is written next to the pack, as PACK.zip.minisig. It covers every byte of
the pack, and minisign verifies it too. The pack is checked before it is signed.

A pack holds no secrets, but it names users, accounts and policies. With --redact, names of
users, addresses and values of tags are replaced by an HMAC with a key that stays with
you. The redacted users are proved anew; users whose state depends on the text that was
replaced are left out and counted.
` + command.StatusHelp,
		Example: `  forcemfa evidence keygen keys
  forcemfa evidence --out pack.zip --sign-key keys/evidence.key
  forcemfa evidence check pack.zip --key keys/evidence.pub
  forcemfa evidence --redact redact.key --out pack.zip --sign-key keys/evidence.key
  forcemfa evidence --sandbox --out pack.zip --sign-key keys/evidence.key`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runEvidence(c.Context(), c, &o) },
	}
	o.Add(c)
	c.Flags().StringVar(&o.out, "out", "", "write the pack to this `file`")
	c.Flags().StringVar(&o.signKey, "sign-key", "", "sign with the private key in this `file` (see evidence keygen)")
	c.Flags().StringVar(&o.redact, "redact", "", "replace names of users, addresses and values of tags by hashes with the key in this `file`, which is made if it does not exist")
	c.AddCommand(newKeygen(e), newCheck(e))
	return c
}

type evidenceOptions struct {
	organization.Flags
	out     string
	signKey string
	redact  string
}

func runEvidence(ctx context.Context, c *cobra.Command, o *evidenceOptions) error {
	if o.out == "" || o.signKey == "" {
		return command.Misused(c, errors.New("a pack needs --out FILE and --sign-key FILE"))
	}
	key, err := readPrivateKey(ctx, o.Env, o.signKey)
	if err != nil {
		return err
	}
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	in := evidence.Input{Header: s.Header, Accounts: s.Accounts(), Baseline: s.Baseline, Now: s.Now, Program: program(), Head: s.RunHead(), Formats: formats}
	if o.redact != "" {
		key, err := redactKey(o.redact)
		if err != nil {
			return err
		}
		in = evidence.Redact(in, key)
	}
	err = command.WriteStream(o.out, 0o600, func(w io.Writer) error {
		_, err := evidence.Write(w, in)
		return err
	})
	if err != nil {
		return err
	}
	o.ProgressLine().Done()
	report, err := signChecked(ctx, o.out, key)
	if err != nil {
		_ = os.Remove(o.out) // nobody gets a pack that is not signed
		return err
	}
	if err := o.print(report); err != nil {
		return err
	}
	s.PrintUnread(o.Stderr())
	s.Totals.Unknown = report.Manifest.Users.Unknown // an undecided user makes a pack incomplete
	return s.Exit()
}

// signChecked checks a pack as any reader would, and signs it.
func signChecked(ctx context.Context, name string, key evidence.PrivateKey) (*evidence.Report, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, command.FileError("read the pack", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, command.FileError("read the pack", err)
	}
	report, err := evidence.Check(ctx, file, info.Size(), program(), formats)
	if err != nil {
		return nil, fmt.Errorf("the pack is not written, because its check fails: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, command.FileError("read the pack", err)
	}
	signature, err := evidence.Sign(file, key)
	if err != nil {
		return nil, command.FileError("sign the pack", err)
	}
	return report, command.WriteFile(signatureOf(name), signature, 0o644)
}

// signatureOf is the file of the signature of a pack, as minisign names it.
func signatureOf(pack string) string { return pack + ".minisig" }

func (o *evidenceOptions) print(r *evidence.Report) error {
	if o.JSON() {
		return view.JSON(o.Stdout(), view.WrittenEvidence{Pack: o.out, Signature: signatureOf(o.out), Report: r})
	}
	o.Remark("wrote %s and %s", o.out, signatureOf(o.out))
	view.Evidence(o.Stdout(), o.Style(), r, "")
	return nil
}

// formats are the findings of a pack for other programs.
var formats = evidence.Formats{
	OCSF: func(w io.Writer, h *run.Head) (audit.Sink, func() error) {
		return closing(interchange.New("ocsf", w, h))
	},
	OSCAL: func(w io.Writer, h *run.Head) (audit.Sink, func() error) { return closing(interchange.NewOSCAL(w, h)) },
}

func closing(out view.AuditSink) (audit.Sink, func() error) {
	return out, func() error { return out.Close(view.Conclusion{}) }
}

func program() evidence.Program {
	b := offline.Build()
	return evidence.Program{Version: b.Version, Revision: b.Revision, Go: b.Go}
}

func readPrivateKey(ctx context.Context, e *command.Env, name string) (evidence.PrivateKey, error) {
	const make = `make a key with "forcemfa evidence keygen DIR"`
	text, err := readSmall(name)
	if err != nil {
		return evidence.PrivateKey{}, command.WithHint(command.FileError("read the private key", err), make)
	}
	encrypted := false
	key, err := evidence.ParsePrivateKey(text, func() (string, error) {
		encrypted = true
		if given := e.Getenv(secret.SigningVariable); given != "" {
			return given, nil
		}
		if err := e.WhyNotAsk(); err != nil {
			return "", fmt.Errorf("the key needs a password: %w", err)
		}
		return e.AskSecret(ctx, fmt.Sprintf("Password of %s (it is not shown): ", name))
	})
	switch {
	case err != nil && encrypted:
		return key, command.WithHint(fmt.Errorf("%s: %w", name, err), "run it in a terminal, or set "+secret.SigningVariable)
	case err != nil:
		return key, command.WithHint(fmt.Errorf("%s: %w", name, err), make)
	}
	return key, nil
}

// mostKey is far above the size of a key or signature.
const mostKey = 1 << 16

func readSmall(name string) ([]byte, error) {
	return filefault.Read(name, mostKey)
}
