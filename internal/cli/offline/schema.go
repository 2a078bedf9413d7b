package offline

import (
	"fmt"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
)

// NewSchema returns the verb schema.
func NewSchema(e *command.Env) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the config file",
		Long: `schema prints the JSON Schema (draft 2020-12) of forcemfa.yaml, for editors.

In editors that use the YAML language server, the first line of the file names it:
  # yaml-language-server: $schema=forcemfa.schema.json
` + command.StatusHelp,
		Example: `  forcemfa schema
  forcemfa schema --out forcemfa.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out != "" {
				return command.WriteFile(out, baseline.Schema(), 0o644)
			}
			_, err := e.Stdout.Write(baseline.Schema())
			if err != nil {
				return fmt.Errorf("print the schema: %w", err)
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "write to this `file` instead of stdout")
	return c
}
