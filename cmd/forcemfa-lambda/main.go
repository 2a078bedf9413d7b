// Command forcemfa-lambda is the bootstrap of forcemfa's Lambda functions, for the
// runtime provided.al2023. FORCEMFA_FUNCTION says which of them it is: reconcile,
// which keeps one account enforced, central, which keeps those of an organization
// enforced, or notifier, which sends notifications.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"

	"forcemfa/internal/bootstrap"
)

func main() {
	h, err := handler(context.Background(), os.Getenv, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "forcemfa-lambda: %v\n", err)
		os.Exit(1)
	}
	limitMemory(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	lambda.Start(h)
}

// limitMemory sets the limit of the garbage collector to four fifths of the
// function's memory, given in MiB. The rest is for memory outside the Go heap.
func limitMemory(text string) {
	if size, err := strconv.ParseInt(text, 10, 32); err == nil && size > 0 {
		debug.SetMemoryLimit(size << 20 / 5 * 4)
	}
}

// handler is the function that the environment asks for.
func handler(ctx context.Context, getenv func(string) string, out io.Writer) (lambda.Handler, error) {
	return bootstrap.Handler(ctx, &bootstrap.Environment{Getenv: getenv, Out: out})
}
