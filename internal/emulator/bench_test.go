package emulator

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// BenchmarkGetUser measures a call through each entry point. The budget is 5000
// signed calls a second over the loopback interface on two cores
// (BenchmarkGetUser/loopback; transport includes the SDK's client).
func BenchmarkGetUser(b *testing.B) {
	in := &iam.GetUserInput{UserName: aws.String("bob")}
	b.Run("method", func(b *testing.B) {
		c := newCloud(b, Options{})
		caller, err := c.Caller(keyOf("alice"))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Do(caller, "iam", "GetUser", in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("transport", func(b *testing.B) {
		client := iamOf(newCloud(b, Options{}), as("alice"))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.GetUser(context.Background(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("loopback", func(b *testing.B) { exchange(b, newCloud(b, Options{})) })
	b.Run("nothing", func(b *testing.B) {
		exchange(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	})
}

// exchange sends one signed GetUser over and over, on eight connections over
// the loopback interface. The client only writes bytes and reads them, so that
// what is timed is the server. BenchmarkGetUser/nothing is the same with a
// server that does nothing: the least that the machine needs for an exchange. p99-ms is
// the time in milliseconds within which 99 of 100 exchanges end.
func exchange(b *testing.B, h http.Handler) {
	server := httptest.NewServer(h)
	defer server.Close()
	request := signedGetUser(b, server.URL)
	b.ReportAllocs()
	b.SetParallelism(8 / runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	var latencies []time.Duration
	b.RunParallel(func(pb *testing.PB) {
		var own []time.Duration
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
		}()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		for answers := bufio.NewReader(conn); pb.Next(); {
			start := time.Now()
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			answer, err := http.ReadResponse(answers, nil)
			if err == nil {
				_, err = io.Copy(io.Discard, answer.Body)
			}
			if err != nil || answer.StatusCode != http.StatusOK {
				b.Error(answer, err)
				return
			}
			own = append(own, time.Since(start))
		}
	})
	slices.Sort(latencies)
	b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// signedGetUser is a request of the SDK as it goes over the wire.
func signedGetUser(b *testing.B, endpoint string) []byte {
	var wire bytes.Buffer
	client := iam.NewFromConfig(aws.Config{
		Region: "us-east-1", Credentials: as("alice"), BaseEndpoint: &endpoint,
		HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
			if err := r.Write(&wire); err != nil {
				b.Fatal(err)
			}
			return nil, errors.New("written down")
		}),
		RetryMaxAttempts: 1,
	})
	if _, err := client.GetUser(context.Background(), &iam.GetUserInput{UserName: aws.String("bob")}); err == nil {
		b.Fatal("the request went out")
	}
	return wire.Bytes()
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

// BenchmarkFork measures a fork of a cloud with 1000 users and no writes in
// between.
func BenchmarkFork(b *testing.B) {
	c := newCloud(b, Options{})
	b.ReportAllocs()
	for b.Loop() {
		c.Fork()
	}
}
