// Command forcemfa puts every IAM user of an AWS organization behind MFA,
// proves it and keeps it so.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Main(ctx, command.ProcessEnv())
	stop()
	os.Exit(status)
}
