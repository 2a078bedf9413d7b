package emulator

import (
	"context"
	"net/http"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// BenchmarkGetUser is what a call costs through each door. The budget is 5000
// signed calls a second over the loopback interface on two cores.
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
	b.Run("loopback", func(b *testing.B) {
		s, err := newCloud(b, Options{}).Listen("127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		client := iam.NewFromConfig(aws.Config{
			Region: "us-east-1", Credentials: as("alice"), BaseEndpoint: &s.Endpoint,
			HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		})
		b.SetParallelism(4 * runtime.GOMAXPROCS(0))
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := client.GetUser(context.Background(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkFork is what a fork costs of a cloud with 1000 users that nobody
// wrote to in between.
func BenchmarkFork(b *testing.B) {
	c := newCloud(b, Options{})
	b.ReportAllocs()
	for b.Loop() {
		c.Fork()
	}
}
