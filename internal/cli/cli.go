// Package cli is the command line: one file a verb, each with its command,
// its options, its run and its help.
package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/auditor"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/engineer"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/cli/pipeline"
	"forcemfa/internal/cli/traffic"
)

// Main runs the program and returns its exit status.
func Main(ctx context.Context, e *command.Env) int {
	return command.Run(ctx, Root(e), e)
}

// Root returns the command forcemfa with every verb.
func Root(e *command.Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "forcemfa",
		Short: "Put every IAM user of an AWS organization behind MFA, prove it and keep it enforced",
		Long: `forcemfa puts every IAM user of an AWS organization behind MFA and proves it.

Administrators run audit, plan, apply and verify. Only apply, access apply, migrate,
keys retire, rollback and deploy apply change an organization. Start with rehearse, which
runs the whole job on the embedded AWS and changes nothing real.`,
		Example: `  forcemfa rehearse
  forcemfa audit --profile management
  forcemfa plan --out plan.json && forcemfa apply plan.json
  forcemfa verify`,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	build := offline.Build()
	root.Version = build.Version
	root.SetVersionTemplate(build.String() + "\n")
	root.AddGroup(
		&cobra.Group{ID: "try", Title: "Try it:"},
		&cobra.Group{ID: "enforce", Title: "Enforce:"},
		&cobra.Group{ID: "day", Title: "The engineer's day:"},
		&cobra.Group{ID: "other", Title: "Other:"})
	for group, verbs := range map[string][]*cobra.Command{
		"try":     {offline.NewRehearse(e), offline.NewFunction(e), offline.NewEmulate(e)},
		"enforce": {newAudit(e), newPlan(e), newApply(e), newRollback(e), newAccess(e), newMigrate(e), newDeploy(e), traffic.NewImpact(e), traffic.NewKeys(e), newVerify(e), auditor.NewReport(e), auditor.NewDiff(e), auditor.NewEvidence(e), auditor.NewProbeAWS(e), newExplain(e), offline.NewPolicy(e), newLint(e), newSnapshot(e), newNotices(e), newNotify(e), newInit(e), newPermissions(e), pipeline.NewExportIAC(e), offline.NewSchema(e)},
		"day":     engineer.Commands(e),
		"other":   {offline.NewVersion(e)},
	} {
		for _, verb := range verbs {
			verb.GroupID = group
			root.AddCommand(verb)
		}
	}
	root.SetHelpCommandGroupID("other")
	root.SetCompletionCommandGroupID("other")
	root.SetOut(standardOutput{e}) // the commands for shells keep it
	root.InitDefaultCompletionCmd()
	refuseUnknownShells(root)
	wrapHelp(root, e.Columns)
	return root
}

// refuseUnknownShells makes an error of a shell that there is no completion for,
// where cobra prints help.
func refuseUnknownShells(root *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return command.Misused(c, fmt.Errorf("completion for %q: there is bash, zsh, fish and powershell", args[0]))
			}
			return nil
		}
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
}

// standardOutput is stdout as it is when something is written.
type standardOutput struct{ e *command.Env }

func (s standardOutput) Write(text []byte) (int, error) { return s.e.Stdout.Write(text) }
