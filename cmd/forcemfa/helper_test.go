package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
)

const helperName = "forcemfa-credential-process"

// helperDir is where the helper is: built as it is shipped, because what it
// links counts. It finds forcemfa on PATH.
var helperDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "forcemfa-helper-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir+string(os.PathSeparator), "forcemfa/cmd/"+helperName).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the helper: %w\n%s", err, out)
	}
	return dir, nil
})
