package testclients

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
)

// AttachVariable tells Terraform to use a provider that runs already.
const AttachVariable = "TF_REATTACH_PROVIDERS"

// StartTerraformProvider starts Terraform's provider for AWS with an environment. With
// attach as the value of [AttachVariable], all commands of Terraform use this process.
// Each of them starts the provider two or three times otherwise, and a start builds the
// schemas of every resource of AWS. The caller needs terraform, and calls stop at the end.
func StartTerraformProvider(env []string) (attach string, stop func(), err error) {
	pattern := filepath.Join(TerraformPlugins(), "registry.terraform.io", "hashicorp", "aws", "*", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-aws_*")
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", nil, fmt.Errorf("no provider at %s: %w", pattern, err)
	}
	c := exec.Command(found[len(found)-1], "-debug")
	c.Env = env
	endWithParent(c)
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, fmt.Errorf("start Terraform's provider: %w", err)
	}
	stop = sync.OnceFunc(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	attach, text := attachment(out)
	if attach == "" {
		stop()
		return "", nil, fmt.Errorf("the provider of Terraform ended before it served:\n%s", text)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return attach, stop, nil
}

var attachLine = regexp.MustCompile(AttachVariable + `='(.*)'`)

func attachment(out io.Reader) (attach, text string) {
	var lines strings.Builder
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		lines.WriteString(line)
		if m := attachLine.FindStringSubmatch(line); m != nil {
			return m[1], ""
		}
		if err != nil {
			return "", lines.String()
		}
	}
}
