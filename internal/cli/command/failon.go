package command

import (
	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
)

// FailOn holds the flags that decide which findings change the exit status.
type FailOn struct {
	ExitZero bool // findings, and what was not read, do not change the exit status
	severity string
}

// ExitZeroUsage is the help of --exit-zero.
const ExitZeroUsage = "exit with 0 even if there are findings, or something was not read"

// noSeverity is the value of --fail-on with which no finding changes the exit status.
const noSeverity = "none"

// AddFlags adds --fail-on and --exit-zero.
func (f *FailOn) AddFlags(c *cobra.Command) {
	c.Flags().StringVar(&f.severity, "fail-on", string(audit.Low), "exit with 3 for findings of this `severity` or worse: critical, high, medium, low, info; none: never")
	c.Flags().BoolVar(&f.ExitZero, "exit-zero", false, ExitZeroUsage)
	_ = c.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp))
}

var severities = []string{string(audit.Critical), string(audit.High), string(audit.Medium), string(audit.Low), string(audit.Info), noSeverity}

// Check refuses a severity that does not exist.
func (f *FailOn) Check() error { return OneOf("fail-on", f.severity, severities...) }

// Of returns the number of findings that change the exit status, and that status.
// Findings about something that could not be read have a status of their own.
func (f *FailOn) Of(t audit.Totals) (found, status int) {
	for severity, n := range t.Findings {
		if f.counts(severity) {
			found += n - t.Undecided[severity]
		}
	}
	return found, If(found > 0 && !f.ExitZero, StatusFound)
}

// Status returns the exit status for the worst finding of a run.
func (f *FailOn) Status(worst audit.Severity) int {
	return If(!f.ExitZero && worst != "" && f.counts(worst), StatusFound)
}

func (f *FailOn) counts(severity audit.Severity) bool {
	return f.severity != noSeverity && severity.Rank() <= audit.Severity(f.severity).Rank()
}
