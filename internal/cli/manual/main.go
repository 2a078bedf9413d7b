// Command manual writes the man pages and the shell completions of forcemfa into a
// folder, for a release:
//
//	go run ./internal/cli/manual DIR
//
// It writes DIR/man/forcemfa*.1 and DIR/completions. The pages carry the date in
// SOURCE_DATE_EPOCH, so that the same source gives the same files.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/cli/manual DIR")
		os.Exit(1)
	}
	if err := write(cli.Root(command.ProcessEnv()), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

// write writes the man pages and the completions of root into dir.
func write(root *cobra.Command, dir string) error {
	man, completions := filepath.Join(dir, "man"), filepath.Join(dir, "completions")
	for _, d := range []string{man, completions} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Title: "FORCEMFA", Section: "1", Source: "forcemfa", Manual: "forcemfa manual"}
	if err := doc.GenManTree(root, header, man); err != nil {
		return err
	}
	for name, generate := range map[string]func(string) error{
		"forcemfa.bash": func(path string) error { return root.GenBashCompletionFileV2(path, true) },
		"_forcemfa":     root.GenZshCompletionFile,
		"forcemfa.fish": func(path string) error { return root.GenFishCompletionFile(path, true) },
		"forcemfa.ps1":  root.GenPowerShellCompletionFileWithDesc,
	} {
		if err := generate(filepath.Join(completions, name)); err != nil {
			return err
		}
	}
	return nil
}
