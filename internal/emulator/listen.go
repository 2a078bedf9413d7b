package emulator

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// A Server serves a cloud on a socket.
type Server struct {
	// Endpoint is the URL for AWS_ENDPOINT_URL.
	Endpoint string
	http     *http.Server
	done     chan error
}

// Listen serves the cloud at address, a host and port; port 0 is any free one.
// The host must be a loopback address: the cloud contains the secrets of a
// rehearsal and is not a service for other machines.
func (c *Cloud) Listen(address string) (*Server, error) {
	return Listen(address, c)
}

// Listen serves a handler at a loopback address, as [Cloud.Listen] does.
func Listen(address string, handler http.Handler) (*Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: want an address such as 127.0.0.1:0", address)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen on %s: %q is not a loopback address; the embedded AWS serves only this machine, for example on 127.0.0.1:0", address, host)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	s := &Server{
		Endpoint: "http://" + listener.Addr().String(),
		http:     newServer(handler, 30*time.Second),
		done:     make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(listener) }()
	return s, nil
}

// newServer returns a server that waits so long for a request with its body. A
// connection without a request may stay open longer, as clients keep theirs.
func newServer(handler http.Handler, wait time.Duration) *http.Server {
	return &http.Server{Handler: handler, ReadTimeout: wait, IdleTimeout: 20 * wait}
}

// Close stops the server and closes its connections.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
