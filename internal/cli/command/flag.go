package command

import (
	"fmt"
	"strings"
)

// CheckOutput checks the value of --output.
func CheckOutput(output string) error {
	if output != "text" && output != "json" {
		return fmt.Errorf("--output %q: want text or json", output)
	}
	return nil
}

// OneOf checks the value of a flag that takes one of a few words.
func OneOf(flag, value string, words ...string) error {
	for _, w := range words {
		if value == w {
			return nil
		}
	}
	return fmt.Errorf("--%s %q: want %s", flag, value, strings.Join(words, ", "))
}
