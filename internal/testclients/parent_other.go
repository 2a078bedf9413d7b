//go:build !linux

package testclients

import (
	"errors"
	"os/exec"
)

func endWithParent(*exec.Cmd) {}

func sessionID() (int, error) { return 0, errors.ErrUnsupported }
