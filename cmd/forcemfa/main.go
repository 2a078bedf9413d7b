// Command forcemfa puts every IAM user of an AWS organization behind MFA,
// proves it and keeps it so.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"forcemfa/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Main(ctx, cli.ProcessEnv())
	stop()
	os.Exit(status)
}
