package main

import (
	"net"
	"net/http"
	"os/exec"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// moto serves moto_server on a free port of the loopback interface for the rest
// of the script, and makes whoever calls its administrator.
func moto(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	cmd := exec.Command("moto_server", "-H", "127.0.0.1", "-p", port)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Kill() // one process: the shims of pyenv become it
		_ = cmd.Wait()
	})
	url := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if answer, err := http.Get(url + "/moto-api/"); err == nil {
			_ = answer.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("moto_server did not get ready")
		}
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "",
	} {
		ts.Setenv(name, value)
	}
}
