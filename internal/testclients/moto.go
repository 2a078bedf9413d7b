package testclients

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// StartMoto starts moto_server, an AWS in memory that others wrote, on a free
// loopback port and returns when it listens. The caller needs moto_server, and
// calls stop at the end. The server also ends with this process on Linux, so a
// test that is killed leaves none behind.
func StartMoto() (url string, stop func(), err error) {
	c := exec.Command("moto_server", "-H", "127.0.0.1", "-p", "0")
	endWithParent(c)
	log, err := c.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, fmt.Errorf("start moto_server: %w", err)
	}
	stop = sync.OnceFunc(func() {
		_ = c.Process.Kill() // one process: the shims of pyenv become it
		_ = c.Wait()
	})
	url, text := listening(log)
	if url == "" {
		stop()
		return "", nil, fmt.Errorf("moto_server ended before it listened:\n%s", text)
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	return url, stop, nil
}

var runningOn = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// listening reads the log until the server says where it listens. There is no
// limit of time: a busy machine takes a minute to start it, and go test has its
// own limit.
func listening(log io.Reader) (url, text string) {
	var lines strings.Builder
	in := bufio.NewReader(log)
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
		url, stop, err := StartMoto()
		if err != nil {
			t.Fatal(err)
		}
		moto.url, moto.stop = url, stop
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
