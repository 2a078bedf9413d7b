package rollout

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"forcemfa/internal/bootstrap"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/emulator/lambdasvc"
)

// A runner runs the handlers of the functions in this process, with the environment, the
// files and the role session that Lambda would give them, and on the clock of the
// embedded AWS.
type runner struct {
	cloud *emulator.Cloud
	wrap  func(function string, next http.RoundTripper) http.RoundTripper // nil: not

	mu        sync.Mutex
	instances map[string]*instance // by ARN
}

// An instance is a started function, which serves one event after the other.
type instance struct {
	function  string // its ID
	revision  int
	expires   time.Time
	handler   bootstrap.Lambda
	out       *bytes.Buffer
	transport http.RoundTripper
}

// serves reports whether an instance is of a function as it is now.
func (one *instance) serves(f *lambdasvc.Function) bool {
	return one.function == f.ID && one.revision == f.Revision
}

// Run implements [engine.Runner].
func (r *runner) Run(ctx context.Context, i *engine.Invocation) (log []byte, err error) {
	one, err := r.instance(ctx, i)
	if err != nil {
		return nil, err
	}
	one.out.Reset()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(i.Function.Timeout)*time.Second)
	defer cancel()
	_, err = one.handler.Invoke(ctx, i.Payload)
	if k, ok := one.transport.(interface{ Killed() bool }); ok && k.Killed() {
		r.kill(i.Function.ARN)
		return nil, errors.New("Runtime.ExitError: exit status 137")
	}
	return bytes.Clone(one.out.Bytes()), err
}

// instance returns a running instance of the function, or starts one.
func (r *runner) instance(ctx context.Context, i *engine.Invocation) (*instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.instances[i.Function.ARN]; one != nil && one.serves(i.Function) && r.cloud.Now().Before(one.expires) {
		return one, nil
	}
	one, err := r.start(ctx, i)
	if err != nil {
		return nil, err
	}
	if r.instances == nil {
		r.instances = map[string]*instance{}
	}
	r.instances[i.Function.ARN] = one
	return one, nil
}

// kill ends the instances of a function: the next event starts another one.
func (r *runner) kill(function string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.instances, function)
}

// lifetime is how long Lambda keeps an instance here.
const lifetime = 2 * time.Hour

func (r *runner) start(ctx context.Context, i *engine.Invocation) (*instance, error) {
	files, err := zip.NewReader(bytes.NewReader(i.Function.Code), int64(len(i.Function.Code)))
	if err != nil {
		return nil, fmt.Errorf("Runtime.InvalidEntrypoint: the package is not a zip file: %w", err)
	}
	if _, err := files.Open("bootstrap"); err != nil {
		return nil, fmt.Errorf("Runtime.InvalidEntrypoint: %w", err)
	}
	transport := r.cloud.Transport()
	if r.wrap != nil {
		transport = r.wrap(i.Function.Name, transport)
	}
	one := &instance{transport: transport, function: i.Function.ID, revision: i.Function.Revision, expires: r.cloud.Now().Add(lifetime), out: &bytes.Buffer{}}
	one.handler, err = bootstrap.Handler(ctx, &bootstrap.Environment{
		Getenv: environment(i), Out: one.out, Root: files, HTTP: &http.Client{Transport: transport}, Loopback: true, Rate: -1, Now: r.cloud.Now, Sleep: r.sleep,
	})
	return one, err
}

// sleep moves the clock: other functions do not run in the meantime.
func (r *runner) sleep(ctx context.Context, d time.Duration) error {
	r.cloud.Advance(d)
	return ctx.Err()
}

// environment returns the variables of a function.
// Source: Lambda Developer Guide, "Defined runtime environment variables".
func environment(i *engine.Invocation) func(string) string {
	own := map[string]string{
		"AWS_REGION": i.Region, "AWS_LAMBDA_FUNCTION_NAME": i.Function.Name, "AWS_ACCESS_KEY_ID": i.Credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": i.Credentials.SecretAccessKey, "AWS_SESSION_TOKEN": i.Credentials.SessionToken,
	}
	return func(name string) string {
		if value, ok := own[name]; ok {
			return value
		}
		return i.Function.Environment[name]
	}
}
