// Package lambdahost runs Lambda functions as processes on this machine: it unpacks the
// package of a function, starts its program with the environment that Lambda gives, and
// serves the Runtime API to it.
package lambdahost

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/emulator/lambdasvc"
)

// Options configure a host.
type Options struct {
	// Endpoint is where functions reach the embedded AWS: their AWS_ENDPOINT_URL.
	Endpoint string
	// Now is the clock that ends instances.
	Now func() time.Time
	// Program returns the command of a function whose package is unpacked in folder, or why
	// it cannot run; nil: its file bootstrap, as the runtime provided.al2023 has it.
	Program func(folder string) (*exec.Cmd, error)
	// Env is added to the environment of every function.
	Env []string
	// Renew means that the program takes the environment of its instance from [Renewed]
	// with every event. A process then begins the next instance of its function when its
	// own has expired or the function has changed, which saves the start of a process.
	Renew bool
	// Started is called with the ARN of the function and the ID of each process that
	// starts; nil: never.
	Started func(function string, pid int)
}

// A Host runs functions, each instance in a process of its own. It is an [engine.Runner].
type Host struct {
	o      Options
	folder string // of the unpacked packages and the logs

	mu      sync.Mutex
	idle    map[string][]*instance // by the ARN of their function
	running map[string]int         // busy instances, by the same
	all     map[*instance]bool     // instances whose process may be alive

	instances int // begun, where a process can begin several
}

// New returns a host, which [Host.Close] ends.
func New(o Options) (*Host, error) {
	folder, err := os.MkdirTemp("", "forcemfa-functions-")
	if err != nil {
		return nil, err
	}
	if o.Program == nil {
		o.Program = bootstrap
	}
	return &Host{o: o, folder: folder, idle: map[string][]*instance{}, running: map[string]int{}, all: map[*instance]bool{}}, nil
}

func bootstrap(folder string) (*exec.Cmd, error) {
	return exec.Command(filepath.Join(folder, "bootstrap")), nil
}

// Close ends all processes and removes their files.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for one := range h.all {
		one.end()
	}
	h.all, h.idle = map[*instance]bool{}, map[string][]*instance{}
	return os.RemoveAll(h.folder)
}

// lifetime is how long Lambda keeps an instance here.
const lifetime = 11 * time.Hour

// Run implements [engine.Runner]. An instance serves one event at a time; further events at
// the same time start further instances, up to the reserved concurrency of the function.
func (h *Host) Run(ctx context.Context, i *engine.Invocation) (log []byte, err error) {
	one, err := h.take(i)
	if err != nil {
		return nil, err
	}
	log, err = one.handle(ctx, i)
	h.give(i.Function.ARN, one)
	return log, err
}

// take returns an idle instance of the function as it is now, or starts one.
func (h *Host) take(i *engine.Invocation) (*instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := i.Function
	if f.Reserved != lambdasvc.NoReservation && h.running[f.ARN] >= f.Reserved {
		return nil, engine.ErrThrottled
	}
	var found, spare *instance
	for _, one := range h.idle[f.ARN] {
		switch current := one.serves(f) && h.o.Now().Before(one.expires); {
		case one.ended():
			h.drop(one)
		case current && found == nil:
			found = one
		case !current && h.o.Renew && spare == nil:
			spare = one
		case !current:
			h.drop(one)
		}
	}
	var err error
	switch {
	case found != nil:
	case spare != nil:
		found, err = spare, h.begin(spare, i)
	default:
		if found, err = h.start(i); err == nil {
			h.all[found] = true
		}
	}
	if err != nil {
		return nil, err
	}
	h.idle[f.ARN] = h.alive(f.ARN, found)
	h.running[f.ARN]++
	return found, nil
}

// alive returns the idle instances of a function without one that is taken.
func (h *Host) alive(function string, taken *instance) (rest []*instance) {
	for _, one := range h.idle[function] {
		if one != taken && h.all[one] {
			rest = append(rest, one)
		}
	}
	return rest
}

// give takes an instance back; one that has ended is dropped.
func (h *Host) give(function string, one *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running[function]--; h.running[function] == 0 {
		delete(h.running, function)
	}
	if one.ended() {
		h.drop(one)
		return
	}
	h.idle[function] = append(h.idle[function], one)
}

func (h *Host) drop(one *instance) {
	one.end()
	delete(h.all, one)
}

// errExited is the failure of an event whose process ended.
type errExited struct{ state string }

func (e errExited) Error() string { return "Runtime.ExitError: Runtime exited with error: " + e.state }

// IsExit reports whether a function failed because its process ended.
func IsExit(err error) bool {
	var exited errExited
	return errors.As(err, &exited)
}
