package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
)

const credentialProcess = "forcemfa-credential-process"

// builtHelper is the folder of the helper once it is built.
var builtHelper string

// credentialProcessDir is the folder of the helper, built as it is shipped because
// what it links counts. It finds forcemfa on PATH.
var credentialProcessDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "forcemfa-helper-")
	if err != nil {
		return "", err
	}
	builtHelper = dir
	out, err := exec.Command("go", "build", "-o", dir+string(os.PathSeparator), "forcemfa/cmd/"+credentialProcess).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the helper: %w\n%s", err, out)
	}
	return dir, nil
})
