package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

var impactForms = []string{"text", "json", "jsonl", "csv"}

// addFormats lets --output take the formats of a list of users.
func (o *impactOptions) addFormats(c *cobra.Command) {
	c.Flags().Lookup("output").Usage = "text, json, jsonl or csv"
	check := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		o.form = o.Format
		if err := command.OneOf("output", o.form, impactForms...); err != nil {
			return err
		}
		if o.form != "text" {
			o.Format = "json"
		}
		return check(c, args)
	}
}

// write writes the files that the flags name, and prints the report.
func (o *impactOptions) write(r *impact.Report) error {
	if o.exempt != "" {
		if err := o.writeExemptions(r); err != nil {
			return err
		}
	}
	if o.redact {
		key, err := o.redactKey()
		if err != nil {
			return err
		}
		r.Redact(key)
	}
	return o.printReport(r)
}

// saveReport writes the report with its head.
func (o *impactOptions) saveReport(s *organization, r *impact.Report) error {
	if o.save == "" {
		return nil
	}
	if o.redact {
		return errors.New("--save goes without --redact: plan --impact needs the names")
	}
	f := impact.File{Taken: o.Env.Now().UTC(), Organization: organizationID(s.Header), Version: offline.Build().Version, Config: s.baseline.Hash(), Report: r}
	return command.WriteStream(o.save, 0o600, f.Write)
}

// organizationID is the ID of an organization; empty without one.
func organizationID(h *org.Header) string {
	if h.Organization == nil {
		return ""
	}
	return h.Organization.ID
}

// readImpact reads the file of --impact, which must be about the same organization.
func (o *planOptions) readImpact(h *org.Header) (*impact.Report, error) {
	if o.impact == "" {
		return nil, nil
	}
	file, err := os.Open(o.impact)
	if err != nil {
		return nil, command.FileError("read impact", err)
	}
	defer file.Close()
	f, err := impact.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.impact, err)
	}
	if id := organizationID(h); f.Organization != id {
		return nil, command.WithHint(fmt.Errorf("%s is about the organization %q, and the plan about %q", o.impact, f.Organization, id), "make it with forcemfa impact --save in this organization")
	}
	return f.Report, nil
}

func (o *impactOptions) writeExemptions(r *impact.Report) error {
	text := r.Exemptions(o.Env.Now())
	if text == nil {
		o.Remark("no service account stops, so %s was not written", o.exempt)
		return nil
	}
	if err := command.WriteFile(o.exempt, text, 0o644); err != nil {
		return err
	}
	o.Remark("%s holds exemptions until a date; fill in the owners and add them to forcemfa.yaml", o.exempt)
	return nil
}

// redactKey is the key of this machine, made when it is first needed.
func (o *impactOptions) redactKey() ([]byte, error) {
	dir := o.Env.StateDir
	if dir == "" {
		return nil, command.WithHint(errors.New("no directory for the key of --redact"), "set XDG_STATE_HOME or HOME")
	}
	name := filepath.Join(dir, "redact.key")
	key, err := os.ReadFile(name)
	if err == nil && len(key) >= 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, command.FileError("read the key for --redact", err)
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, command.FileError("keep the key for --redact", err)
	}
	if err := command.WriteFile(name, key, 0o600); err != nil {
		return nil, fmt.Errorf("keep the key for --redact: %w", err)
	}
	return key, nil
}

func (o *impactOptions) printGroups(r *impact.Report) error {
	groups, err := r.GroupBy(o.by)
	if err != nil {
		return fmt.Errorf("--by: %w", err)
	}
	if o.JSON() {
		return view.JSON(o.Stdout(), groups)
	}
	view.ImpactGroups(o.Stdout(), o.Style(), o.by, groups)
	return nil
}
