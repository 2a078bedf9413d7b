// Command forcemfa puts every IAM user of an AWS organization behind MFA,
// proves it and keeps it so.
package main

import (
	"context"
	"os"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
	_ "forcemfa/internal/heapfloor" // before the packages above initialize
	_ "forcemfa/internal/warm"      // sessions from the cache, also before them
)

func main() { os.Exit(run(command.ProcessEnv())) }

// run runs the program and returns its exit status.
func run(e *command.Env) int {
	ctx, stop := command.WithSignals(context.Background())
	defer stop()
	keepBrokenPipes()
	return cli.Main(ctx, e)
}
