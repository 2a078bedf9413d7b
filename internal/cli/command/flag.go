package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An Invocation is a verb with its flags, as a run records it.
type Invocation struct {
	Verb  string
	Flags []string // that were given, by name
}

// InvocationOf is the invocation of a command. The external ID, which AWS advises to keep
// from others, is left out.
// Source: IAM User Guide, "Access to AWS accounts owned by third parties".
func InvocationOf(c *cobra.Command) Invocation {
	i := Invocation{Verb: strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")}
	c.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "external-id":
			i.Flags = append(i.Flags, "--external-id")
		case f.Value.Type() == "bool" && f.Value.String() == "true":
			i.Flags = append(i.Flags, "--"+f.Name)
		default:
			i.Flags = append(i.Flags, "--"+f.Name+"="+f.Value.String())
		}
	})
	return i
}

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
