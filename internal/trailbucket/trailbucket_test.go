package trailbucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/testclients"
	"forcemfa/internal/trail"
	"forcemfa/internal/trailbucket"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }

// breaking ends the bodies of downloads early, a few times.
type breaking struct {
	left atomic.Int64
	base http.RoundTripper
}

type shortBody struct {
	io.Reader
	io.Closer
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := b.base.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".json") && b.left.Add(-1) >= 0 {
		out.Body = shortBody{io.MultiReader(io.LimitReader(out.Body, 60), failing{}), out.Body}
	}
	return out, err
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func bucket(t *testing.T, transport http.RoundTripper, keys map[string]string) *s3.Client {
	t.Helper()
	client := s3.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(testclients.Moto(t)), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient: &http.Client{Transport: transport},
	}, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("logs")}); err != nil {
		t.Fatal(err)
	}
	for key, text := range keys {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("logs"), Key: &key, Body: bytes.NewReader([]byte(text))}); err != nil {
			t.Fatal(err)
		}
	}
	return client
}

func key(account, region, day string) string {
	return "org/AWSLogs/o-abc/" + account + "/CloudTrail/" + region + "/" + day + "/" + account + "_CloudTrail.json"
}

func record(id string) string {
	return `{"Records":[{"eventTime":"2026-11-02T09:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","eventID":"` + id + `"}]}`
}

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestOnlyAccountsAndDaysThatAreAskedForAreListed(t *testing.T) {
	keys := map[string]string{"org/AWSLogs/o-abc/111111111111/CloudTrail-Digest/us-east-1/2026/11/02/d.json": "{}", "org/other/readme.txt": "no log"}
	for _, account := range []string{"111111111111", "222222222222"} {
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			for d := 1; d <= 4; d++ {
				k := key(account, region, fmt.Sprintf("2026/11/%02d", d))
				keys[k] = record(k)
			}
		}
	}
	client := bucket(t, http.DefaultTransport, keys)
	files, err := trailbucket.List(t.Context(), client, trailbucket.Options{
		Bucket: "logs", Prefix: "org", Accounts: []string{"222222222222"}, Since: day("2026-11-02"), Until: day("2026-11-03"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Path)
	}
	want := []string{key("222222222222", "eu-west-1", "2026/11/02"), key("222222222222", "eu-west-1", "2026/11/03"), key("222222222222", "us-east-1", "2026/11/02"), key("222222222222", "us-east-1", "2026/11/03")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	all, err := trailbucket.List(t.Context(), client, trailbucket.Options{Bucket: "logs", Progress: func(int) {}})
	if err != nil || len(all) != 16 {
		t.Errorf("%d files in the whole bucket, %v", len(all), err)
	}
}

func TestABrokenDownloadGoesOnWhereItStopped(t *testing.T) {
	transport := &breaking{base: http.DefaultTransport}
	client := bucket(t, transport, map[string]string{key("111111111111", "us-east-1", "2026/11/02"): record("1")})
	read := func(breaks int64) (calls int, s trail.Summary) {
		transport.left.Store(breaks)
		files, err := trailbucket.List(t.Context(), client, trailbucket.Options{Bucket: "logs"})
		if err != nil {
			t.Fatal(err)
		}
		l := trail.Log{Files: files, Workers: 1}
		if s, err = l.Read(context.Background(), func() func(*trail.Call) { return func(*trail.Call) { calls++ } }); err != nil {
			t.Fatal(err)
		}
		return calls, s
	}
	if calls, s := read(2); calls != 1 || len(s.Problems) != 0 {
		t.Errorf("%d calls, %+v", calls, s.Problems)
	}
	if calls, s := read(100); calls != 0 || len(s.Problems) != 1 || !strings.HasPrefix(s.Problems[0].File, "s3://logs/org/") {
		t.Errorf("a download that never ends well: %d calls, %+v", calls, s.Problems)
	}
}

func TestABucketThatIsNotThereIsAnError(t *testing.T) {
	client := bucket(t, http.DefaultTransport, nil)
	if _, err := trailbucket.List(t.Context(), client, trailbucket.Options{Bucket: "nowhere"}); err == nil || !strings.Contains(err.Error(), "list s3://nowhere/: ") || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("got %v", err)
	}
}
