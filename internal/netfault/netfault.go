// Package netfault explains errors of the network: which endpoint was not reached, why,
// and the next step.
package netfault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// A fault is an error of the network in words.
type fault struct{ why, next string }

const (
	checkEndpoint = "check the network, AWS_ENDPOINT_URL and proxies"
	checkProxy    = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
	checkTrust    = "if a proxy or firewall decrypts TLS, name the file of its certificate in AWS_CA_BUNDLE; otherwise don't use this endpoint"
)

// Sentence is an error of sending a request, without the query and the local port, so that
// it is the same in every run: "cannot reach https://sts.example.com: no such host".
// Empty for another error.
func Sentence(err error) string {
	f := explain(err)
	if f == nil {
		return ""
	}
	if at := endpoint(err); at != "" {
		return "cannot reach " + at + ": " + f.why
	}
	return "cannot reach the endpoint: " + f.why
}

// Reason is why a request was not sent or not answered, without the endpoint; empty for
// another error.
func Reason(err error) string {
	if f := explain(err); f != nil {
		return f.why
	}
	return ""
}

// Next is the next step after an error of sending a request; empty for another error.
func Next(err error) string {
	if f := explain(err); f != nil {
		return f.next
	}
	return ""
}

// IsPermanent reports whether the request fails again however often it is sent: the
// certificate of the endpoint is not trusted, or the endpoint answers without TLS.
func IsPermanent(err error) bool {
	var alert tls.AlertError // an endpoint may send one when it is busy
	return explainTLS(err) != nil && !errors.As(err, &alert)
}

// endpoint is the server of the request: scheme, host and port.
func endpoint(err error) string {
	var request *url.Error
	if !errors.As(err, &request) {
		return ""
	}
	at, err := url.Parse(request.URL)
	if err != nil || at.Host == "" {
		return ""
	}
	return at.Scheme + "://" + at.Host
}

func explain(err error) *fault {
	var request *url.Error
	var operation *net.OpError
	var name *net.DNSError
	if errors.Is(err, context.Canceled) || !errors.As(err, &request) && !errors.As(err, &operation) && !errors.As(err, &name) {
		return nil
	}
	if errors.As(err, &operation) && operation.Op == "listen" {
		return nil
	}
	f := explainCause(err)
	if errors.As(err, &operation) && operation.Op == "proxyconnect" {
		f.why, f.next = "the proxy does not answer: "+f.why, checkProxy
	}
	return f
}

func explainCause(err error) *fault {
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return &fault{"no such host", "check the Region and AWS_ENDPOINT_URL for a typing error, and that this machine is on the network"}
	case errors.As(err, &name):
		return &fault{"the name server does not answer", "check the network, VPN and name server of this machine"}
	}
	if f := explainTLS(err); f != nil {
		return f
	}
	var network net.Error
	switch {
	case errors.Is(err, errRefused):
		return &fault{"connection refused: no program listens there", refusedNext(err)}
	case errors.Is(err, errUnreachable), errors.Is(err, errNoRoute):
		return &fault{"there is no route to it", "connect this machine to the network or VPN, and run it again"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errReset):
		return &fault{"the connection was closed before a response", "check proxies and firewalls, and that AWS_ENDPOINT_URL has the right scheme and port"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		if own := ownWords(err); own != "" {
			return &fault{own, checkEndpoint}
		}
		return &fault{"no response in time", checkEndpoint}
	}
	return &fault{strings.TrimPrefix(cause(err).Error(), "net/http: "), checkEndpoint}
}

// refusedNext is the next step where no program listens: on this machine, that is an
// endpoint of the person's own.
func refusedNext(err error) string {
	if at, err := url.Parse(endpoint(err)); err == nil {
		ip := net.ParseIP(at.Hostname())
		if at.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
			return "start the server that AWS_ENDPOINT_URL or endpoint_url names, such as forcemfa emulate, or remove the setting"
		}
	}
	return "check AWS_ENDPOINT_URL, proxies and firewalls"
}

func explainTLS(err error) *fault {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &authority):
		return &fault{"its certificate is signed by an unknown authority", checkTrust}
	case errors.As(err, &host):
		return &fault{"its certificate is for another host", checkTrust}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &fault{"its certificate has expired or is not valid yet", "check this machine's clock; if it is right, the certificate of the endpoint or proxy must be renewed"}
	case errors.As(err, &invalid):
		return &fault{invalid.Error(), checkTrust}
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return &fault{"it answers without TLS", "use http:// in AWS_ENDPOINT_URL, or check the port and proxies"}
	case errors.As(err, &alert):
		return &fault{"it refuses the TLS connection: " + alert.Error(), "check proxies and firewalls, and that AWS_ENDPOINT_URL has the right scheme and port"}
	}
	return nil
}

// cause is the error inside of those that repeat the request and the addresses.
func cause(err error) error {
	var request *url.Error
	for errors.As(err, &request) {
		err = request.Err
	}
	var operation *net.OpError
	for errors.As(err, &operation) {
		err = operation.Err
	}
	return err
}

// ownWords are those of a timeout that is not of package net or net/http.
func ownWords(err error) string {
	inner := cause(err)
	var network net.Error
	var operation *net.OpError
	if errors.As(err, &operation) || !errors.As(inner, &network) || errors.Is(inner, context.DeadlineExceeded) || strings.HasPrefix(inner.Error(), "net/http: ") {
		return ""
	}
	return inner.Error()
}
