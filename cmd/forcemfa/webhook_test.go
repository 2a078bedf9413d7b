package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// webhook serves a webhook on loopback, as Slack does. VAR is its URL; FILE gets the
// headers of forcemfa and the body of each request. ANSWER is ok, or
// STATUS:BODY.
func webhook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: webhook VAR FILE ANSWER")
	}
	status, body := http.StatusOK, args[2]
	if code, text, found := strings.Cut(args[2], ":"); found {
		n, err := strconv.Atoi(code)
		ts.Check(err)
		status, body = n, text
	}
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	var one sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Forcemfa-") {
				fmt.Fprintf(out, "%s: %s\n", name, r.Header.Get(name))
			}
		}
		_, _ = io.Copy(out, r.Body)
		fmt.Fprintln(out)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	ts.Defer(func() {
		s.Close()
		_ = out.Close()
	})
	ts.Setenv(args[0], s.URL)
}
