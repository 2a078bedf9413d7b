package offline

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/rehearse/rollout"
	"forcemfa/internal/view"
)

// functionProgram returns the command of a process that runs a function of forcemfa: this
// program, with a verb that nobody runs by hand.
func functionProgram() (func() *exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the functions: %w", err)
	}
	return func() *exec.Cmd { return &exec.Cmd{Path: self, Args: []string{os.Args[0], functionVerb}} }, nil
}

// A work does what AWS does by itself while emulate serves.
type work struct {
	*rollout.Worker
	functions *rollout.Functions
	end       func()
}

// often is how often due schedules, events and alarms are looked for.
const often = time.Second

// startWork runs the functions of deployments, and prints what fails to stderr.
func startWork(ctx context.Context, e *command.Env, c *emulator.Cloud) (*work, error) {
	program, err := functionProgram()
	if err != nil {
		return nil, err
	}
	w := &work{functions: rollout.NewFunctions(c, program, nil)}
	w.Worker, err = rollout.NewWorker(c, w.functions, func(p engine.Problem) {
		fmt.Fprintf(e.Stderr, "account %s: %s\n", p.Account, view.Clean(p.What))
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	ticker := time.NewTicker(often)
	go func() {
		defer close(done)
		w.Work(ctx, ticker.C)
	}()
	w.end = func() {
		cancel()
		ticker.Stop()
		<-done
	}
	return w, nil
}

func (w *work) close() {
	w.end()
	w.functions.Close()
	w.Worker.Close()
}
