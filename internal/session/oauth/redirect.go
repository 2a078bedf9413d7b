package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"time"
)

// A DeniedError is why AWS Sign-In sent the browser back without a code.
type DeniedError struct{ Code, Description string }

func (e *DeniedError) Error() string {
	if e.Description == "" {
		return "the sign-in was refused: " + e.Code
	}
	return "the sign-in was refused: " + e.Code + ": " + e.Description
}

// longest bounds the parameters of a redirect.
// Source: API model of AWS Sign-In, AuthorizationCode.
const longest = 512

// code waits for the redirect with the state of this attempt. Others are answered and
// ignored: any page of the browser can send a request to loopback.
func (a *Attempt) code(ctx context.Context) (string, error) {
	type result struct {
		code string
		err  error
	}
	found := make(chan result, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, err, ours := a.read(r)
		if !ours {
			answer(w, http.StatusBadRequest, "This request does not belong to the sign-in that forcemfa waits for.")
			return
		}
		if err != nil {
			answer(w, http.StatusForbidden, "AWS refused the sign-in. Go back to the terminal.")
		} else {
			answer(w, http.StatusOK, "You are signed in. Close this window, and go back to the terminal.")
		}
		select { // after the page, because the program may end now
		case found <- result{code, err}:
		default: // the browser came twice
		}
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	served := make(chan error, 1)
	go func() { served <- server.Serve(a.listener) }()
	defer func() {
		ending, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // the page of the browser
		defer stop()
		_ = server.Shutdown(ending)
	}()
	select {
	case r := <-found:
		return r.code, r.err
	case err := <-served:
		return "", fmt.Errorf("wait for the browser: %w", err)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// read reads a redirect; ours is false for a request that belongs to something else.
func (a *Attempt) read(r *http.Request) (code string, err error, ours bool) {
	q := r.URL.Query()
	if r.Method != http.MethodGet || r.URL.Path != callback || r.Host != a.listener.Addr().String() ||
		subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) != 1 {
		return "", nil, false
	}
	switch code = q.Get("code"); {
	case q.Get("error") != "":
		return "", &DeniedError{cut(q, "error"), cut(q, "error_description")}, true
	case code == "" || len(code) > longest:
		return "", errors.New("AWS Sign-In sent the browser back without a code"), true
	}
	return code, nil, true
}

// cut returns a parameter of a usual size.
func cut(q url.Values, name string) string {
	text := q.Get(name)
	return text[:min(len(text), longest)]
}

// answer writes a page without scripts, which the browser does not keep.
func answer(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Connection", "close")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>forcemfa</title><p>%s</p></html>\n", html.EscapeString(text))
}
