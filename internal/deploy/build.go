package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is the package of the bootstrap.
const program = "forcemfa/cmd/forcemfa-lambda"

// Build builds the bootstrap with the go command from the source tree that
// contains dir. The same source and the same version of Go give the same bytes.
// Source: Lambda Developer Guide, "Deploy Go Lambda functions with .zip file
// archives", for the tag lambda.norpc.
func Build(ctx context.Context, dir, architecture string) ([]byte, error) {
	arch, ok := map[string]string{ARM64: "arm64", X86: "amd64"}[architecture]
	if !ok {
		return nil, fmt.Errorf("architecture %q: want %s or %s", architecture, ARM64, X86)
	}
	out, err := os.MkdirTemp("", "forcemfa-build")
	if err != nil {
		return nil, fmt.Errorf("build the bootstrap: %w", err)
	}
	defer os.RemoveAll(out)
	name := filepath.Join(out, bootstrapName)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-tags", "lambda.norpc", "-o", name, program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=", "GOWORK=off")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("build %s for linux/%s: %w", program, arch, buildError(err, said.String()))
	}
	return os.ReadFile(name)
}

// buildError returns the first line of the go command's output, if there is one.
func buildError(err error, said string) error {
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return errors.New(line)
		}
	}
	return err
}
