package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"forcemfa/internal/bootstrap"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/emulator/lambdahost"
)

// The variables that give a function of a rehearsal the clock of the embedded AWS. The
// deployed functions do not know them.
const (
	clockVariable = "FORCEMFA_REHEARSAL_CLOCK"
	tokenVariable = "FORCEMFA_REHEARSAL_TOKEN"
)

// ServeFunction is the program of a function in a rehearsal: the bootstrap of the deployed
// functions, on the clock of the embedded AWS. It returns only with an error.
func ServeFunction(ctx context.Context, getenv func(string) string, out io.Writer) error {
	c := &clock{url: getenv(clockVariable), token: getenv(tokenVariable)}
	if !strings.HasPrefix(c.url, "http://127.0.0.1:") {
		return fmt.Errorf("only rehearse and emulate start this program: %s is not set", clockVariable)
	}
	if err := c.ask(ctx, http.MethodGet, nil); err != nil {
		return err
	}
	// Garbage is collected less often. Not collecting it costs more: every page of a larger
	// heap is a page fault.
	debug.SetGCPercent(200)
	lambda.StartWithOptions(&function{clock: c, out: out}, lambda.WithContext(ctx))
	return ctx.Err()
}

// A function is the bootstrap of the deployed functions, begun anew with each instance that
// the process serves.
type function struct {
	clock    *clock
	out      io.Writer
	instance string
	handler  bootstrap.Lambda // of the instance
}

// Invoke implements [bootstrap.Lambda]. It reads the clock with every event.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if err := f.clock.ask(ctx, http.MethodGet, nil); err != nil {
		return nil, err
	}
	id, getenv, ok := lambdahost.Renewed(ctx)
	if !ok {
		return nil, errors.New("the event has no instance")
	}
	if id != f.instance {
		h, err := bootstrap.Handler(context.WithoutCancel(ctx), &bootstrap.Environment{Getenv: getenv, Out: f.out, Loopback: true, Rate: -1, Now: f.clock.Now, Sleep: f.clock.Sleep})
		if err != nil {
			return nil, err
		}
		f.instance, f.handler = id, h
	}
	return f.handler.Invoke(ctx, payload)
}

// A clock is that of the embedded AWS, read from its control endpoint: with every event,
// and when it is moved. Between them only the embedded AWS itself moves it, by some seconds.
type clock struct {
	url, token string

	mu  sync.Mutex
	now time.Time
}

// Now returns the time of the event, or of the last sleep.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep moves the clock: other functions do not run in the meantime.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	return c.ask(ctx, http.MethodPost, []byte(`{"advance":"`+max(d, 0).String()+`"}`))
}

func (c *clock) ask(ctx context.Context, method string, body []byte) error {
	q, err := http.NewRequestWithContext(ctx, method, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var state emulator.ClockState
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the clock answers with %s", answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(&state); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = state.Now
	return nil
}

// Functions runs the functions of forcemfa that are deployed in a cloud, each in a process
// of a program that calls [ServeFunction]. It is an [engine.Runner]. Its sockets are opened
// when the first function runs.
type Functions struct {
	cloud   *emulator.Cloud
	program func() *exec.Cmd
	started func(string, int)

	open    sync.Once
	failure error // of open
	host    *lambdahost.Host
	aws     *emulator.Server
	clock   *emulator.Control
}

// NewFunctions returns the functions of a cloud. started is called with the ARN of the
// function and the ID of each process that starts; nil: never.
func NewFunctions(c *emulator.Cloud, program func() *exec.Cmd, started func(function string, pid int)) *Functions {
	return &Functions{cloud: c, program: program, started: started}
}

// Run implements [engine.Runner].
func (f *Functions) Run(ctx context.Context, i *engine.Invocation) (log []byte, err error) {
	if f.open.Do(f.listen); f.failure != nil {
		return nil, f.failure
	}
	return f.host.Run(ctx, i)
}

// listen opens the embedded AWS and its clock to the processes.
func (f *Functions) listen() {
	if f.aws, f.failure = f.cloud.Listen("127.0.0.1:0"); f.failure != nil {
		return
	}
	if f.clock, f.failure = f.cloud.ServeClock("127.0.0.1:0"); f.failure != nil {
		return
	}
	f.host, f.failure = lambdahost.New(lambdahost.Options{
		Endpoint: f.aws.Endpoint, Now: f.cloud.Now, Renew: true, Started: f.started, Program: f.programOf,
		Env: []string{clockVariable + "=" + f.clock.Endpoint + "/clock", tokenVariable + "=" + f.clock.Token},
	})
}

// programOf returns the command for a package of forcemfa. Any other program is not run:
// what clients of the embedded AWS upload stays data.
func (f *Functions) programOf(folder string) (*exec.Cmd, error) {
	if _, err := os.Stat(filepath.Join(folder, deploy.ConfigName)); err != nil {
		return nil, fmt.Errorf("the package has no %s: only the functions of forcemfa run here", deploy.ConfigName)
	}
	return f.program(), nil
}

// Close ends the processes and closes the sockets.
func (f *Functions) Close() {
	f.open.Do(func() { f.failure = errors.New("the functions have ended") })
	if f.host != nil {
		_ = f.host.Close() // the folder is temporary
	}
	if f.aws != nil {
		_ = f.aws.Close()
	}
	if f.clock != nil {
		_ = f.clock.Close()
	}
}
