package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A slack is Slack's webhook on this machine, which a process reaches by its real
// name: through a proxy, with a certificate that the process trusts.
type slack struct {
	posts   chan string // bodies, as they came
	answers chan int    // statuses for the next posts; 200 when there is none
	env     []string    // of the process
}

const webhookPath = "/services/T0/B0/hidden"

func newSlack(t *testing.T) *slack {
	t.Helper()
	s := &slack{posts: make(chan string, 16), answers: make(chan int, 16)}
	server := httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	certificate, root := certified(t, "hooks.slack.com")
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	t.Cleanup(proxy.Close)
	s.env = []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + root}
	return s
}

func (s *slack) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path != webhookPath {
		http.NotFound(w, r)
		return
	}
	s.posts <- string(body)
	select {
	case status := <-s.answers:
		http.Error(w, "invalid_payload", status)
	default:
		_, _ = io.WriteString(w, "ok")
	}
}

// tunnel carries every CONNECT to one address.
func tunnel(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "hooks.slack.com:443" {
			http.Error(w, "only to Slack", http.StatusForbidden)
			return
		}
		far, err := net.Dial("tcp", to)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer far.Close()
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer near.Close()
		_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(far, near) }()
		_, _ = io.Copy(near, far)
	}
}

// certified is a certificate for a name, and the file that makes a process trust
// it.
func certified(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// secrets is an AWS that has one secret, the URL of the webhook.
func secrets(t *testing.T) (env []string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ SecretId string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.SecretId != webhookSecret || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
			http.Error(w, `{"__type":"ResourceNotFoundException"}`, http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"SecretString":"https://hooks.slack.com`+webhookPath+`"}`)
	}))
	t.Cleanup(server.Close)
	return []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=x"}
}

const webhookSecret = "arn:aws:secretsmanager:us-east-1:" + account + ":secret:slack-AbCdEf"

// onBus is an event as the rule of the bus brings it.
func onBus(id string) string {
	return `{"version":"0","id":"1","detail-type":"forcemfa message","source":"forcemfa","account":"` + account + `","time":"2026-01-02T03:04:05Z","region":"us-east-1",
"resources":[],"detail":{"id":"` + id + `","kind":"tampering","severity":"critical","account":"` + account + `","alias":"acme-one","subject":"user/bob",
"what":"ForceMFA was detached by mallory & co","remedy":"ask who did it","at":"2026-01-02T03:04:05Z"}}`
}

func TestTheNotifiersProcessPostsToSlackOnce(t *testing.T) {
	s := newSlack(t)
	env := append(append(secrets(t), s.env...), "FORCEMFA_FUNCTION=notifier", "FORCEMFA_SLACK_WEBHOOK_SECRET="+webhookSecret)
	p := start(t, os.Args[0], env...)
	for range 2 { // EventBridge delivers at least once
		if got := p.invoke(onBus("tampering/1"), time.Minute); got.failed || got.body != "null" {
			t.Fatalf("answer %+v\n%s", got, p.log())
		}
	}
	if n := len(s.posts); n != 1 {
		t.Fatalf("Slack was told %d times", n)
	}
	var post struct {
		Text   string            `json:"text"`
		Blocks []json.RawMessage `json:"blocks"`
	}
	body := <-s.posts
	if err := json.Unmarshal([]byte(body), &post); err != nil || len(post.Blocks) == 0 {
		t.Fatalf("%v in %s", err, body)
	}
	for _, want := range []string{account, "acme-one", "*User:* `bob`", "mallory &amp; co", "ask who did it"} {
		if !strings.Contains(string(unescaped(body)), want) {
			t.Errorf("no %s in %s", want, body)
		}
	}

	s.answers <- http.StatusBadRequest
	if got := p.invoke(onBus("tampering/2"), time.Minute); !got.failed || !strings.Contains(got.body, "invalid_payload") {
		t.Errorf("what Slack refuses is no error: %+v", got)
	}
	if got := p.invoke(onBus("tampering/2"), time.Minute); got.failed || len(s.posts) != 2 {
		t.Errorf("the second try: %+v, %d posts", got, len(s.posts))
	}
	if strings.Contains(p.log(), "hidden") {
		t.Errorf("the log has the secret:\n%s", p.log())
	}
}

// unescaped is JSON in which an ampersand stands for itself.
func unescaped(body string) []byte {
	return bytes.ReplaceAll([]byte(body), []byte(`\u0026`), []byte("&"))
}
