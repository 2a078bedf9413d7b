package testclients

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// StartMoto starts moto_server, an AWS in memory that others wrote, on a free
// loopback port and returns when it listens. The caller needs moto_server, and
// calls stop at the end. The server also ends with this process on Linux, so a
// test that is killed leaves none behind.
func StartMoto() (address string, stop func(), err error) {
	c := exec.Command("moto_server", "-H", "127.0.0.1", "-p", "0")
	endWithParent(c)
	output, err := c.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, fmt.Errorf("start moto_server: %w", err)
	}
	end := sync.OnceFunc(func() {
		_ = c.Process.Kill() // one process: the shims of pyenv become it
		_ = c.Wait()
	})
	behind, text := listening(output)
	if behind == "" {
		end()
		return "", nil, fmt.Errorf("moto_server ended before it listened:\n%s", text)
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	front, err := inFrontOf(behind)
	if err != nil {
		end()
		return "", nil, err
	}
	return "http://" + front.Addr, sync.OnceFunc(func() {
		_ = front.Close()
		end()
	}), nil
}

// inFrontOf starts a server that passes requests on to moto, and answers those of
// operations that moto does not have: for a stack without drift, and a user without
// service-specific credentials.
func inFrontOf(moto string) (*http.Server, error) {
	to, err := url.Parse(moto)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen in front of moto_server: %w", err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}, ErrorLog: log.New(io.Discard, "", 0)}
	server := &http.Server{Addr: listener.Addr().String(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answersUnserved(w, r) {
			proxy.ServeHTTP(w, r)
		}
	})}
	go func() { _ = server.Serve(listener) }()
	return server, nil
}

// unserved are the results of operations that moto does not have, by name.
var unserved = map[string]string{
	"ListServiceSpecificCredentials": "<ServiceSpecificCredentials/>",
	"DetectStackDrift":               "<StackDriftDetectionId>detection</StackDriftDetectionId>",
	"DescribeStackDriftDetectionStatus": "<StackDriftDetectionId>detection</StackDriftDetectionId><StackId>stack</StackId><Timestamp>2026-01-01T00:00:00Z</Timestamp>" +
		"<DetectionStatus>DETECTION_COMPLETE</DetectionStatus><StackDriftStatus>IN_SYNC</StackDriftStatus><DriftedStackResourceCount>0</DriftedStackResourceCount>",
}

// answersUnserved answers a request for an operation that moto does not have, and reports
// whether it was one.
func answersUnserved(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return false
	}
	text, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	if err != nil {
		return false
	}
	form, err := url.ParseQuery(string(text))
	action := form.Get("Action")
	result, ok := unserved[action]
	if err != nil || !ok {
		return false
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
	return true
}

var runningOn = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// listening reads the log until the server says where it listens. There is no
// limit of time: a busy machine takes a minute to start it, and go test has its
// own limit.
func listening(output io.Reader) (address, text string) {
	var lines strings.Builder
	in := bufio.NewReader(output)
	for {
		line, err := in.ReadString('\n')
		lines.WriteString(line)
		if m := runningOn.FindStringSubmatch(line); m != nil {
			return m[1], ""
		}
		if err != nil {
			return "", lines.String()
		}
	}
}

var moto struct {
	sync.Mutex
	url  string
	stop func()
}

// Moto is the URL of the moto_server that the tests of a package share, emptied
// for this test. [Run] stops it.
func Moto(t T) string {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	Need(t, "moto_server")
	moto.Lock()
	defer moto.Unlock()
	if moto.url == "" {
		address, stop, err := StartMoto()
		if err != nil {
			t.Fatal(err)
		}
		moto.url, moto.stop = address, stop
	}
	answer, err := http.Post(moto.url+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return moto.url
}

func stopMoto() {
	moto.Lock()
	defer moto.Unlock()
	if moto.stop != nil {
		moto.stop()
		moto.url, moto.stop = "", nil
	}
}
