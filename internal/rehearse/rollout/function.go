package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"forcemfa/internal/bootstrap"
	"forcemfa/internal/emulator"
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
		return fmt.Errorf("only rehearse starts this program: %s is not set", clockVariable)
	}
	if err := c.ask(ctx, http.MethodGet, nil); err != nil {
		return err
	}
	// A process that lives for seconds collects its garbage only when it has much.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(100 << 20)
	h, err := bootstrap.Handler(ctx, &bootstrap.Environment{Getenv: getenv, Out: out, Loopback: true, Rate: -1, Now: c.Now, Sleep: c.Sleep})
	if err != nil {
		return err
	}
	lambda.StartWithOptions(timed{h, c}, lambda.WithContext(ctx))
	return ctx.Err()
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

// A timed function reads the clock with every event.
type timed struct {
	bootstrap.Lambda
	clock *clock
}

// Invoke implements [bootstrap.Lambda].
func (t timed) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if err := t.clock.ask(ctx, http.MethodGet, nil); err != nil {
		return nil, err
	}
	return t.Lambda.Invoke(ctx, payload)
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

// processes are the functions of a rehearsal, each in a process, and the sockets that they
// use.
type processes struct {
	*lambdahost.Host
	aws     *emulator.Server
	control *emulator.Control
}

// startProcesses opens the embedded AWS to processes of program.
func startProcesses(c *emulator.Cloud, program func() *exec.Cmd, started func(string, int)) (p *processes, err error) {
	p = &processes{}
	if p.aws, err = c.Listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	if p.control, err = c.Control("127.0.0.1:0"); err != nil {
		p.close()
		return nil, err
	}
	p.Host, err = lambdahost.New(lambdahost.Options{
		Endpoint: p.aws.Endpoint, Now: c.Now, Started: started,
		Program: func(string) *exec.Cmd { return program() },
		Env:     []string{clockVariable + "=" + p.control.Endpoint + "/clock", tokenVariable + "=" + p.control.Token},
	})
	if err != nil {
		p.close()
	}
	return p, err
}

func (p *processes) close() {
	if p.Host != nil {
		_ = p.Host.Close() // the folder is temporary
	}
	_ = p.aws.Close()
	if p.control != nil {
		_ = p.control.Close()
	}
}
