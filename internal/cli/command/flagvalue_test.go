package command

import (
	"io"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// A value of another type is told without the names of Go's functions.
func TestFlagsSayWhatTheyTake(t *testing.T) {
	for args, want := range map[[2]string]string{
		{"--seed", "x"}:                    `--seed "x": want a whole number from 0`,
		{"--seed", "-1"}:                   `--seed "-1": want a whole number from 0`,
		{"--seed", "99999999999999999999"}: `--seed "99999999999999999999": want a whole number from 0, and not as large`,
		{"--count", "1.5"}:                 `--count "1.5": want a whole number`,
		{"--rate", "much"}:                 `--rate "much": want a number`,
		{"--yes=maybe", "y"}:               `--yes "maybe": want true or false`,
		{"--age", "1 day"}:                 `--age "1 day": want a duration such as 30s or 13h`,
		{"--unknown", "x"}:                 "unknown flag: --unknown",
	} {
		c := &cobra.Command{Use: "verb", RunE: func(*cobra.Command, []string) error { return nil }, SilenceErrors: true, SilenceUsage: true}
		c.SetFlagErrorFunc(Misused)
		c.SetErr(io.Discard)
		c.Flags().Uint64("seed", 0, "")
		c.Flags().Int("count", 0, "")
		c.Flags().Float64("rate", 0, "")
		c.Flags().Bool("yes", false, "")
		c.Flags().Duration("age", time.Hour, "")
		c.SetArgs(args[:])
		if err := c.Execute(); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", args, err, want)
		}
	}
}
