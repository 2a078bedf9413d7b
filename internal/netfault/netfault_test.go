package netfault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

// Every row is a request that a real client of net/http sends.
func TestARequestThatFailsIsExplained(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	encrypted := httptest.NewUnstartedServer(http.NotFoundHandler())
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0)
	encrypted.StartTLS()
	defer encrypted.Close()
	hangs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = connection.Close()
		}
	}))
	defer hangs.Close()
	proxy := func(address string) http.RoundTripper {
		to, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Transport{Proxy: http.ProxyURL(to)}
	}
	resolver := func(dns *net.DNSError) http.RoundTripper {
		return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: dns}
		}}
	}
	for _, row := range []struct {
		what      string
		transport http.RoundTripper
		address   string
		want      string
		next      string
	}{
		{"a closed port", &http.Transport{}, closed.URL, "connection refused: no program listens there", "start the server that AWS_ENDPOINT_URL"},
		{"an unknown host", resolver(&net.DNSError{Err: "no such host", IsNotFound: true}), "https://sts.eu-wset-1.amazonaws.com", "no such host", "check the Region"},
		{"no name server", resolver(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), "https://sts.eu-west-1.amazonaws.com", "the name server does not answer", "VPN"},
		{"an unknown authority", &http.Transport{}, encrypted.URL, "its certificate is signed by an unknown authority", "AWS_CA_BUNDLE"},
		{"a server without TLS", &http.Transport{}, strings.Replace(plain.URL, "http:", "https:", 1), "it answers without TLS", "use http://"},
		{"a closed connection", &http.Transport{}, hangs.URL, "the connection was closed before a response", "proxies and firewalls"},
		{"a proxy that is gone", proxy(closed.URL), "https://sts.amazonaws.com", "the proxy does not answer: connection refused: no program listens there", "HTTPS_PROXY"},
	} {
		t.Run(row.what, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, row.address+"/?secret=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := (&http.Client{Transport: row.transport}).Do(request)
			if err == nil {
				_ = answer.Body.Close()
				t.Fatal("it answered")
			}
			err = fmt.Errorf("request send failed, %w", err)
			if got, want := Sentence(err), "cannot reach "+row.address+": "+row.want; got != want {
				t.Errorf("%s\nwant %s\nof %v", got, want, err)
			}
			if next := Next(err); !strings.Contains(next, row.next) {
				t.Errorf("next: %s", next)
			}
		})
	}
}

type ownTimeout struct{}

func (ownTimeout) Error() string   { return "AWS sent no complete response within 20s" }
func (ownTimeout) Timeout() bool   { return true }
func (ownTimeout) Temporary() bool { return true }

func TestTimeoutsAreExplained(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{&url.Error{Op: "Post", URL: "https://sts.amazonaws.com/", Err: errRefused}, "cannot reach https://sts.amazonaws.com: connection refused: no program listens there"},
		{&url.Error{Op: "Post", URL: "https://sts.amazonaws.com/", Err: ownTimeout{}}, "cannot reach https://sts.amazonaws.com: AWS sent no complete response within 20s"},
		{&url.Error{Op: "Post", URL: "https://sts.amazonaws.com/", Err: context.DeadlineExceeded}, "cannot reach https://sts.amazonaws.com: no response in time"},
		{&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: os.ErrDeadlineExceeded}, "cannot reach the endpoint: no response in time"},
		{&url.Error{Op: "Post", URL: "https://sts.amazonaws.com/", Err: errors.New("Proxy Authentication Required")}, "cannot reach https://sts.amazonaws.com: Proxy Authentication Required"},
	} {
		if got := Sentence(row.err); got != row.want {
			t.Errorf("%v: %s", row.err, got)
		}
		if Next(row.err) == "" {
			t.Errorf("%v: no next step", row.err)
		}
	}
}

// Errors of files, of a canceled request, and of a port to listen on have explanations elsewhere.
func TestOtherErrorsAreLeftAlone(t *testing.T) {
	_, missing := os.Open("/no/such/file")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	<-canceled.Done()
	for _, err := range []error{
		nil, errors.New("no profile"), missing, &url.Error{Op: "Post", URL: "http://a/", Err: canceled.Err()},
		&net.OpError{Op: "listen", Net: "tcp", Err: errReset}, fmt.Errorf("late: %w", context.DeadlineExceeded),
	} {
		if Sentence(err) != "" || Next(err) != "" {
			t.Errorf("%v: %s", err, Sentence(err))
		}
	}
}
