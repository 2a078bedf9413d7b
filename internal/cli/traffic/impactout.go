package traffic

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/filefault"
	"forcemfa/internal/impact"
	"forcemfa/internal/view"
)

var impactForms = []string{"text", "json", "jsonl", "csv"}

// addForms lets --output take the forms of a list. Every form except text sets the
// format to json, which is how data is written.
func addForms(c *cobra.Command, form, format *string, forms []string) {
	last := len(forms) - 1
	c.Flags().Lookup("output").Usage = strings.Join(forms[:last], ", ") + " or " + forms[last]
	check := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		*form = *format
		if err := command.OneOf("output", *form, forms...); err != nil {
			return err
		}
		if *form != "text" {
			*format = "json"
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

func (o *impactOptions) writeExemptions(r *impact.Report) error {
	text := r.Exemptions(o.Env.Now())
	if text == nil {
		o.Remark("no service account stops, so %s was not written", o.exempt)
		return nil
	}
	if err := command.WriteFile(o.exempt, text, 0o644); err != nil {
		return err
	}
	o.Remark("%s holds exemptions until a date; fill in the owners that no tag names, and add them to forcemfa.yaml", o.exempt)
	return nil
}

// mostRedactKey is more than the key of --redact takes.
const mostRedactKey = 1 << 16

// redactKey is the key of this machine, made when it is first needed.
func (o *impactOptions) redactKey() ([]byte, error) {
	dir := o.Env.StateDir
	if dir == "" {
		return nil, command.WithHint(errors.New("no directory for the key of --redact"), "set XDG_STATE_HOME or HOME")
	}
	name := filepath.Join(dir, "redact.key")
	key, err := filefault.Read(name, mostRedactKey)
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

// checkBy checks --by before anything is read.
func (o *impactOptions) checkBy() error {
	if o.by == "" {
		return nil
	}
	if _, err := new(impact.Report).GroupBy(o.by); err != nil {
		return fmt.Errorf("--by: %w", err)
	}
	o.byDay = o.by == "day"
	_, query, err := o.querySource()
	if err == nil && query && o.byDay {
		err = errors.New("--by day needs the log files: the query in Athena does not tell days apart")
	}
	return err
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

// printAssumptions prints the AssumeRole calls that planned trust policies would deny.
func (o *impactOptions) printAssumptions(w io.Writer, r *impact.Report) {
	most := 10
	if o.all {
		most = len(r.Assumptions)
	}
	if lines := r.AssumptionLines(most); len(lines) > 0 {
		fmt.Fprintln(w, "\nAssumeRole that the planned trust policies would deny")
		for _, line := range lines {
			o.Style().Lines(w, "  "+view.Clean(line))
		}
	}
}
