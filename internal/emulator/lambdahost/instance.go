package lambdahost

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/emulator/lambdasvc"
)

// An instance is a process that serves one event after the other.
type instance struct {
	function string // its ID
	revision int
	expires  time.Time
	renewed  string // JSON of a [renewal], for a program that can be renewed; else empty
	folder   string // of the unpacked package
	cmd      *exec.Cmd
	api      *http.Server
	log      *os.File // what the process writes; a file, so that it is complete when the process answers
	events   chan *event
	answers  chan answer
	gone     chan struct{} // closed when the process has ended
	state    string        // how it ended
}

// An event is an invocation for the process.
type event struct {
	*engine.Invocation
	deadline time.Time
}

// An answer is the response of the process, or its error.
type answer struct {
	request string
	err     error
}

// serves reports whether an instance is of a function as it is now.
func (one *instance) serves(f *lambdasvc.Function) bool {
	return one.function == f.ID && one.revision == f.Revision
}

func (one *instance) ended() bool {
	select {
	case <-one.gone:
		return true
	default:
		return false
	}
}

// end kills the process and waits until it has ended.
func (one *instance) end() {
	_ = one.cmd.Process.Kill() // it may have ended
	<-one.gone
	_ = one.api.Close()
	_ = one.log.Close()
	_ = os.Remove(one.log.Name())
}

// begin makes a process an instance of a function as it is now.
func (h *Host) begin(one *instance, i *engine.Invocation) (err error) {
	if one.folder, err = h.unpack(i.Function.Code); err != nil {
		return fmt.Errorf("Runtime.InvalidEntrypoint: %w", err)
	}
	one.function, one.revision, one.expires = i.Function.ID, i.Function.Revision, h.o.Now().Add(lifetime)
	if h.o.Renew {
		h.instances++
		one.renewed, err = renew(strconv.Itoa(h.instances), environment(i, one.folder, h.o.Endpoint))
	}
	return err
}

func (h *Host) start(i *engine.Invocation) (*instance, error) {
	one := &instance{events: make(chan *event), answers: make(chan answer, 1), gone: make(chan struct{})}
	err := h.begin(one, i)
	if err != nil {
		return nil, err
	}
	if one.cmd, err = h.o.Program(one.folder); err != nil {
		return nil, fmt.Errorf("Runtime.InvalidEntrypoint: %w", err)
	}
	if one.log, err = os.CreateTemp(h.folder, "log-"); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	one.api = &http.Server{Handler: one.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = one.api.Serve(listener) }() // ends with the instance
	one.cmd.Dir, one.cmd.Stdout, one.cmd.Stderr = one.folder, one.log, one.log
	one.cmd.Env = append(append(environment(i, one.folder, h.o.Endpoint), h.o.Env...), "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	if err := one.cmd.Start(); err != nil {
		_ = one.api.Close()
		return nil, fmt.Errorf("Runtime.InvalidEntrypoint: %w", err)
	}
	go func() {
		_ = one.cmd.Wait() // the state says how it ended
		one.state = one.cmd.ProcessState.String()
		close(one.gone)
	}()
	if h.o.Started != nil {
		h.o.Started(i.Function.ARN, one.cmd.Process.Pid)
	}
	return one, nil
}

// unpack unpacks the package of a function, once.
func (h *Host) unpack(code []byte) (folder string, err error) {
	hash := sha256.Sum256(code)
	folder = filepath.Join(h.folder, hex.EncodeToString(hash[:8]))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	files, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		return "", fmt.Errorf("the package is not a zip file: %w", err)
	}
	if _, err := files.Open("bootstrap"); err != nil {
		return "", err
	}
	if err := os.CopyFS(folder, files); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return folder, nil
}

// environment returns the variables of a function, and nothing of this process except
// where Windows finds its own files.
// Source: Lambda Developer Guide, "Defined runtime environment variables".
func environment(i *engine.Invocation, folder, endpoint string) []string {
	f := i.Function
	group := f.LogGroup
	if group == "" {
		group = "/aws/lambda/" + f.Name
	}
	var env []string
	for name, value := range f.Environment {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	env = append(env,
		"_HANDLER="+f.Handler, "LAMBDA_TASK_ROOT="+folder, "TZ=:UTC", "LANG=en_US.UTF-8", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_REGION="+i.Region, "AWS_DEFAULT_REGION="+i.Region, "AWS_ENDPOINT_URL="+endpoint,
		"AWS_LAMBDA_FUNCTION_NAME="+f.Name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(f.MemorySize),
		"AWS_LAMBDA_LOG_GROUP_NAME="+group, "AWS_LAMBDA_LOG_STREAM_NAME="+i.RequestID,
		"AWS_ACCESS_KEY_ID="+i.Credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+i.Credentials.SecretAccessKey, "AWS_SESSION_TOKEN="+i.Credentials.SessionToken,
	)
	if root := os.Getenv("SYSTEMROOT"); runtime.GOOS == "windows" && root != "" {
		env = append(env, "SYSTEMROOT="+root)
	}
	return env
}

// handler serves the Runtime API to the process.
// Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
func (one *instance) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, q *http.Request) {
		select {
		case e := <-one.events:
			head := w.Header()
			head.Set("Content-Type", "application/json")
			head.Set("Lambda-Runtime-Aws-Request-Id", e.RequestID)
			head.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.deadline.UnixMilli(), 10))
			head.Set("Lambda-Runtime-Invoked-Function-Arn", e.Function.ARN)
			if one.renewed != "" {
				head.Set("Lambda-Runtime-Client-Context", one.renewed)
			}
			_, _ = w.Write(e.Payload) // a process that ended is noticed elsewhere
		case <-q.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, q *http.Request) {
		_, err := io.Copy(io.Discard, q.Body)
		one.answered(w, answer{q.PathValue("id"), err})
	})
	failed := func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(io.LimitReader(q.Body, 1<<20)) // an error that is cut is an error
		one.answered(w, answer{q.PathValue("id"), failure(text)})
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", failed)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", failed)
	return mux
}

func (one *instance) answered(w http.ResponseWriter, a answer) {
	w.WriteHeader(http.StatusAccepted)
	select {
	case one.answers <- a:
	default: // nobody waits for a second answer
	}
}

// failure returns the error that a process reports.
func failure(text []byte) error {
	var e struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(text, &e) != nil || e.ErrorMessage == "" {
		return fmt.Errorf("Runtime.Unknown: %s", text)
	}
	return errors.New(strings.TrimPrefix(e.ErrorType+": "+e.ErrorMessage, ": "))
}

// handle gives an event to the process and waits for its answer, at most for the timeout
// of the function, which ends the process.
func (one *instance) handle(ctx context.Context, i *engine.Invocation) (log []byte, err error) {
	timeout := time.Duration(i.Function.Timeout) * time.Second
	late := time.NewTimer(timeout)
	defer late.Stop()
	begin, err := one.log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	next := one.events
	for {
		select {
		case next <- &event{i, time.Now().Add(timeout)}:
			next = nil
			continue
		case a := <-one.answers:
			if a.request != "" && a.request != i.RequestID {
				continue // of an event before
			}
			err = a.err
		case <-one.gone:
			err = errExited{one.state}
		case <-late.C:
			_ = one.cmd.Process.Kill()
			<-one.gone
			err = fmt.Errorf("Sandbox.Timedout: RequestId: %s Error: Task timed out after %d.00 seconds", i.RequestID, i.Function.Timeout)
		case <-ctx.Done():
			_ = one.cmd.Process.Kill()
			<-one.gone
			err = ctx.Err()
		}
		break
	}
	log, failure := io.ReadAll(io.NewSectionReader(one.log, begin, 1<<30))
	return log, errors.Join(err, failure)
}
