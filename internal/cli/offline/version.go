package offline

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
)

// NewVersion returns the verb version.
func NewVersion(e *command.Env) *cobra.Command {
	output := "text"
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Args:    cobra.NoArgs,
		Example: "  forcemfa version\n  forcemfa version -o json",
		RunE: func(*cobra.Command, []string) error {
			if err := command.CheckOutput(output); err != nil {
				return err
			}
			b := Build()
			if output == "json" {
				return view.JSON(e.Stdout, b)
			}
			fmt.Fprintln(e.Stdout, b.String())
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", output, "text or json")
	return c
}

// BuildInfo is the version of the program.
type BuildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// String is the version in one line.
func (b BuildInfo) String() string {
	return fmt.Sprintf("forcemfa %s (%s, %s)", b.Version, b.Go, b.Platform)
}

// Build describes the running program.
func Build() BuildInfo {
	b := BuildInfo{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
