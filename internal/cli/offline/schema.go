package offline

import (
	"fmt"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/evidence"
	"forcemfa/internal/run"
)

// NewSchema returns the verb schema.
func NewSchema(e *command.Env) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "schema [config|evidence|run]",
		Short: "Print the JSON Schema of the config file",
		Long: `schema prints the JSON Schema (draft 2020-12) of forcemfa.yaml, for editors. "schema
evidence" prints that of the manifest of an evidence pack, "schema run" that of one line
of a saved run, which is JSON Lines.

In editors that use the YAML language server, the first line of the file names it:
  # yaml-language-server: $schema=forcemfa.schema.json
` + command.StatusHelp,
		Example: `  forcemfa schema
  forcemfa schema --out forcemfa.schema.json
  forcemfa schema evidence
  forcemfa schema run`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"config", "evidence", "run"},
		RunE: func(_ *cobra.Command, args []string) error {
			schemas := map[string]func() []byte{"config": baseline.Schema, "evidence": evidence.Schema, "run": run.Schema}
			schema := schemas["config"]
			if len(args) > 0 {
				schema = schemas[args[0]]
			}
			if out != "" {
				return command.WriteFile(out, schema(), 0o644)
			}
			_, err := e.Stdout.Write(schema())
			if err != nil {
				return fmt.Errorf("print the schema: %w", err)
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "write to this `file` instead of stdout")
	return c
}
