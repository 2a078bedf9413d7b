//go:build !linux

package testclients

import "os/exec"

func endWithParent(*exec.Cmd) {}
