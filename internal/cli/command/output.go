package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/progress"
	"forcemfa/internal/view"
)

// Output is where and how a verb prints: data on stdout, everything else on stderr.
type Output struct {
	Env      *Env
	Format   string // text or json
	Quiet    bool
	NoColor  bool
	NoPager  bool
	Progress progressFlag

	bar *progress.Line // see ProgressLine
}

// AddFlags adds --output and the flags of what is shown on a terminal.
func (o *Output) AddFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&o.Format, "output", "o", "text", "text or json")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "print no progress and no remarks on stderr")
	f.Var(&o.Progress, "progress", "how to print progress on stderr: auto, json (a JSON object a line, every second) or none")
	f.BoolVar(&o.NoColor, "no-color", false, "no colors on a terminal")
	f.BoolVar(&o.NoPager, "no-pager", false, "print long text on a terminal without a pager (PAGER, default less)")
	_ = c.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions([]string{"auto", "json", "none"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// JSON reports whether the output is JSON.
func (o *Output) JSON() bool { return o.Format == "json" }

// Style is the style of text on stdout. It has colors only on a terminal, and not where
// the reader refused them: https://no-color.org.
func (o *Output) Style() view.Style {
	return view.Style{
		Color: o.Env.StdoutTerminal && !o.NoColor && o.Env.Getenv("NO_COLOR") == "" && o.Env.Getenv("TERM") != "dumb",
		Width: o.Env.Columns,
	}
}

// Remark prints a line on stderr, unless the user asked for quiet.
func (o *Output) Remark(format string, args ...any) {
	if !o.Quiet {
		fmt.Fprintln(o.Stderr(), view.CleanLines(fmt.Sprintf(format, args...)))
	}
}

// ProgressLine is the progress line of the run on stderr; nil, which shows nothing, if the
// user asked for quiet.
func (o *Output) ProgressLine() *progress.Line {
	if o.bar == nil && !o.Quiet && o.Progress != "none" {
		o.bar = progress.New(o.Env.Stderr, o.progressForm(), o.Env.Now)
	}
	return o.bar
}

func (o *Output) progressForm() progress.Form {
	switch {
	case o.Progress == "json":
		return progress.JSON
	case o.Env.StderrTerminal:
		return progress.Terminal
	}
	return progress.Log
}

// progressFlag is the value of --progress.
type progressFlag string

func (p *progressFlag) String() string { return cmp.Or(string(*p), "auto") }
func (*progressFlag) Type() string     { return "form" }

func (p *progressFlag) Set(value string) error {
	*p = progressFlag(value)
	if !slices.Contains([]string{"auto", "json", "none"}, value) {
		return errors.New("give auto, json or none")
	}
	return nil
}

// PrintData prints data on stdout. Text that is longer than the screen goes through a
// pager if stdout is a terminal.
func (o *Output) PrintData(print func(io.Writer) error) error {
	if o.JSON() || !o.Env.StdoutTerminal || o.Env.Page == nil || o.NoPager {
		return print(o.Stdout())
	}
	var text bytes.Buffer
	if err := print(&text); err != nil {
		return err
	}
	o.ProgressLine().Done()
	if bytes.Count(text.Bytes(), []byte("\n")) < o.Env.Rows {
		_, err := o.Stdout().Write(text.Bytes())
		return err
	}
	if !o.Env.UTF8() {
		var plain bytes.Buffer
		_, _ = view.ASCII(&plain).Write(text.Bytes())
		text = plain
	}
	return o.Env.Page(text.Bytes())
}

// Stdout and Stderr remove the progress line before they write to the terminal.
func (o *Output) Stdout() io.Writer {
	w := o.above(o.Env.Stdout, o.Env.StdoutTerminal)
	if o.JSON() || o.Env.UTF8() {
		return w
	}
	return view.ASCII(w)
}

// Stderr is the counterpart of Stdout.
func (o *Output) Stderr() io.Writer {
	w := o.above(o.Env.Stderr, o.Env.StderrTerminal)
	if o.Env.UTF8() {
		return w
	}
	return view.ASCII(w)
}

func (o *Output) above(w io.Writer, terminal bool) io.Writer {
	if p := o.ProgressLine(); p != nil && terminal {
		return p.Over(w)
	}
	return w
}
