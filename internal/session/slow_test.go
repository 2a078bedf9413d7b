package session_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// endless answers every request with a body that never ends, and counts what is read.
type endless struct{ read atomic.Int64 }

func (e *endless) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(e), Request: r}, nil
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '<'
	}
	e.read.Add(int64(len(p)))
	return len(p), nil
}

// An endpoint that sends without end does not fill the memory of an engineer's machine.
func TestAnEndlessAnswerOfSTSIsCut(t *testing.T) {
	t.Parallel() // the SDK waits
	r, sender := newRig(t), new(endless)
	r.http = sender
	r.settings(identity, "[profile jonas]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::222222222222:mfa/phone\n", "jonas")
	m := r.manager()
	m.Codes = session.CodeSource{Default: true, Code: func(context.Context, string) (string, error) { return "123456", nil }}
	_, err := m.Session(t.Context(), session.Request{Profile: "jonas"})
	if n := sender.read.Load(); err == nil || n == 0 || n > 40<<20 {
		t.Errorf("%d bytes were read, %v", n, err)
	}
}

// The name of a user is the last part of its ARN, whatever its path is.
func TestTheOwnerOfAKeyIsNamedWithoutItsPath(t *testing.T) {
	r := newRig(t)
	server := r.serve()
	r.env["AWS_ENDPOINT_URL"] = server
	t.Setenv("AWS_ENDPOINT_URL", server)
	files, err := awsfile.Load(r.getenv, r.home)
	if err != nil {
		t.Fatal(err)
	}
	key := r.key(identity, "jonas")
	who, err := session.KeySettings{Files: files, Getenv: r.getenv, Region: "us-east-1"}.Identify(t.Context(), secret.Keys{AccessKeyID: key.ID, SecretAccessKey: secret.NewText(key.Secret)})
	if err != nil || who.User != "jonas" || who.Account != identity || who.ARN == "" {
		t.Errorf("%+v, %v", who, err)
	}
}

// serve is the URL of the embedded AWS of the rig.
func (r *rig) serve() string {
	server := httptest.NewServer(r.cloud)
	r.t.Cleanup(server.Close)
	return server.URL
}
