package command

import (
	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
)

// FailOn holds the flags that decide which findings change the exit status.
type FailOn struct {
	severity string
	exitZero bool
}

// AddFlags adds --fail-on and --exit-zero.
func (f *FailOn) AddFlags(c *cobra.Command) {
	c.Flags().StringVar(&f.severity, "fail-on", string(audit.Low), "exit with 3 for findings of this `severity` or worse: critical, high, medium, low, info")
	c.Flags().BoolVar(&f.exitZero, "exit-zero", false, "exit with 0 even if there are findings")
	_ = c.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp))
}

var severities = []string{string(audit.Critical), string(audit.High), string(audit.Medium), string(audit.Low), string(audit.Info)}

// Check refuses a severity that does not exist.
func (f *FailOn) Check() error { return OneOf("fail-on", f.severity, severities...) }

// Of returns the number of findings that change the exit status, and that status.
// Findings about something that could not be read have a status of their own.
func (f *FailOn) Of(t audit.Totals) (found, status int) {
	for severity, n := range t.Findings {
		if severity.Rank() <= audit.Severity(f.severity).Rank() {
			found += n - t.Undecided[severity]
		}
	}
	return found, If(found > 0 && !f.exitZero, StatusFound)
}

// Status returns the exit status for the worst finding of a run.
func (f *FailOn) Status(worst audit.Severity) int {
	if !f.exitZero && worst != "" && worst.Rank() <= audit.Severity(f.severity).Rank() {
		return StatusFound
	}
	return StatusOK
}
