//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// keepBrokenPipes has a write to a closed pipe return an error, where the process would
// end without a word: a run of apply must close its journal. Child processes get the
// default again.
func keepBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
