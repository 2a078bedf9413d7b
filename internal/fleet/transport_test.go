package fleet

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// keeper is a transport that reads the body after the SDK has closed it.
type keeper struct{ sent *http.Request }

func (k *keeper) Do(r *http.Request) (*http.Response, error) {
	k.sent = r
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// closing is a body that cannot be read once it is closed.
type closing struct {
	*strings.Reader
	closed bool
}

func (c *closing) Read(p []byte) (int, error) {
	if c.closed {
		return 0, io.ErrClosedPipe
	}
	return c.Reader.Read(p)
}

func (c *closing) WriteTo(w io.Writer) (int64, error) {
	if c.closed {
		return 0, io.ErrClosedPipe
	}
	return c.Reader.WriteTo(w)
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestRequestBodySurvivesClose(t *testing.T) {
	const text = "Action=GetCallerIdentity"
	for _, row := range []struct {
		about   string
		length  int64
		outlive bool
	}{
		{"a call", int64(len(text)), true},
		{"of no known length", -1, false},
		{"a large object", mostInMemory + 1, false},
	} {
		body, k := &closing{Reader: strings.NewReader(text)}, &keeper{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = row.length
		if _, err := Transport(k).Do(r); err != nil {
			t.Fatalf("%s: %v", row.about, err)
		}
		_ = r.Body.Close()
		got, err := io.ReadAll(k.sent.Body)
		if row.outlive != (err == nil && string(got) == text) {
			t.Errorf("%s: %q, %v", row.about, got, err)
		}
		if !row.outlive {
			continue
		}
		again, err := k.sent.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(again); string(got) != text {
			t.Errorf("%s, sent again: %q", row.about, got)
		}
	}
}
