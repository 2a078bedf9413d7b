// Package stream is what becomes of the results of a verb: formats on stdout and in
// files, a saved run, and the history of runs.
package stream

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/interchange"
)

// Flags are the flags of a verb with results that can be kept.
type Flags struct {
	Save      string
	Page      string // file that the verb writes itself, which no output may have; empty: none
	NoHistory bool

	formats []string // of --output
	outputs []output // of --output; none: text on stdout
}

// An output is a format and where it goes.
type output struct {
	format string
	file   string // empty: stdout
}

// ofRun are the formats of a run.
func ofRun() []string {
	return append([]string{"text", "json"}, append(slices.Clone(interchange.Formats), "asff")...)
}

// AddSave adds --save and --no-history.
func (f *Flags) AddSave(c *cobra.Command) {
	c.Flags().StringVar(&f.Save, "save", "", "save the run to this `file`, for report, diff and evidence; compressed if it ends in .gz")
	c.Flags().BoolVar(&f.NoHistory, "no-history", false, "do not keep the run in the history of this machine")
}

// AddFormats lets --output be given several times, with all formats of a run, with more
// that the verb has, and with files. It comes after the flags of o were added.
func (f *Flags) AddFormats(c *cobra.Command, o *command.Output, more ...string) {
	f.formats = append(ofRun(), more...)
	flag := c.Flags().Lookup("output")
	flag.Value = &formatValue{f, o}
	flag.Usage = "`FORMAT` on stdout, or FORMAT=FILE; several times for several: " + strings.Join(f.formats, ", ")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(f.formats, cobra.ShellCompDirectiveNoSpace))
}

// Given reports whether --output was given.
func (f *Flags) Given() bool { return len(f.outputs) > 0 }

// ToStdout reports whether an output that was given goes to stdout.
func (f *Flags) ToStdout() bool {
	return slices.ContainsFunc(f.outputs, func(o output) bool { return o.file == "" })
}

// A formatValue is the value of --output.
type formatValue struct {
	flags *Flags
	out   *command.Output
}

// Set adds one output. What goes to stdout decides how text there is treated.
func (v *formatValue) Set(text string) error {
	format, file, named := strings.Cut(text, "=")
	switch {
	case !slices.Contains(v.flags.formats, format):
		return fmt.Errorf("want one of %s, or one of them with =FILE", strings.Join(v.flags.formats, ", "))
	case named && file == "":
		return fmt.Errorf("no file after %s=", format)
	}
	v.flags.outputs = append(v.flags.outputs, output{format, file})
	v.out.Format = "json"
	for _, o := range v.flags.outputs {
		if o.file == "" && o.format == "text" {
			v.out.Format = "text"
		}
	}
	return nil
}

func (v *formatValue) Type() string { return "FORMAT" }

func (v *formatValue) String() string {
	if v.flags == nil || len(v.flags.outputs) == 0 {
		return "text"
	}
	var list []string
	for _, o := range v.flags.outputs {
		if o.file == "" {
			list = append(list, o.format)
		} else {
			list = append(list, o.format+"="+o.file)
		}
	}
	return strings.Join(list, ",")
}

// check refuses outputs that would be mixed up.
func (f *Flags) check() error {
	stdout, files := "", map[string]bool{f.Save: true, f.Page: true}
	for _, o := range f.outputs {
		switch {
		case o.file == "" && stdout != "":
			return command.WithHint(fmt.Errorf("--output %s and --output %s would both go to stdout", stdout, o.format), fmt.Sprintf("name a file: -o %s -o %s=FILE", stdout, o.format))
		case o.file == "":
			stdout = o.format
		case files[o.file]:
			return command.WithHint(fmt.Errorf("%s is named twice as a file to write", o.file), "name a file for each output")
		default:
			files[o.file] = true
		}
	}
	return nil
}
