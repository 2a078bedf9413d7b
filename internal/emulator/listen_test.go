package emulator

import (
	"io"
	"net"
	"testing"
	"time"
)

func TestASlowBodyEndsTheConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(atNoon(t), 200*time.Millisecond)
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: iam.amazonaws.com\r\nContent-Length: 100\r\n\r\nAction="); err != nil {
		t.Fatal(err)
	}
	if err := client.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, client); err != nil { // ends with the connection
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestListenBoundsTheTimeOfARequest(t *testing.T) {
	s, err := atNoon(t).Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.http.ReadTimeout <= 0 || s.http.ReadTimeout > time.Minute {
		t.Errorf("a request may take %v", s.http.ReadTimeout)
	}
}
