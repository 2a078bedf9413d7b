package apply_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/apply"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/testclients"
)

var journals = apply.S3Place{Bucket: "journals", Prefix: "runs/111122223333"}

// s3Of is a client of a bucket of the embedded AWS, whose pages are small. wrap
// changes its transport; nil: no change.
func s3Of(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) *s3.Client {
	t.Helper()
	const account = "111122223333"
	r := rigOf(t, org.Header{Format: org.Format, Taken: start, Partition: "aws"}, []org.Account{{ID: account, Partition: "aws", State: "ACTIVE", Read: true}},
		&emulator.Strict{PageSize: 3})
	r.cloud.Update(func(w *world.World) {
		a := w.Edit(account)
		w.AddBucket(a.ID, &world.Bucket{Name: "journals", Created: start})
		a.Roles["forcemfa"] = &world.Role{Name: "forcemfa", Path: "/", ID: "AROAFORCEMFA", MaxSession: time.Hour, Trust: "{}",
			Inline: map[string]string{"s3": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`}}
	})
	r.wrap = wrap
	cfg, err := r.config(account)
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// motoS3 is a client of a bucket of an empty moto_server.
func motoS3(t *testing.T) *s3.Client {
	t.Helper()
	client := s3.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(testclients.Moto(t)), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = 200, 200*time.Millisecond
				o.RateLimiter = noLimit{}
			})
		},
	}, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("journals")}); err != nil {
		t.Fatal(err)
	}
	return client
}

// noLimit lets a client wait for moto without a timeout.
type noLimit struct{}

func (noLimit) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (noLimit) AddTokens(uint) error { return nil }

// twoSteps are the entries of a run of two steps, one of which is in doubt.
func twoSteps() []apply.Entry {
	step := func(name string) *plan.Step {
		s := plan.NewStep(plan.AddUserToGroup, "111122223333", "arn:aws:iam::111122223333:user/"+name, "ForceMFA", plan.State{}, plan.State{Present: true})
		s.Because = []string{"user-open/111122223333/user/" + name}
		return &s
	}
	return []apply.Entry{
		{Kind: apply.Begin, Time: start, Format: apply.Format, Steps: 2, Home: "111122223333"},
		{Kind: apply.Intent, Time: start, Step: step("ann"), Before: &plan.State{}},
		{Kind: apply.Ended, Time: start, ID: "AddUserToGroup/111122223333/arn:aws:iam::111122223333:user/ann/ForceMFA", Status: apply.Done},
		{Kind: apply.Intent, Time: start, Step: step("bea"), Before: &plan.State{}},
	}
}

func appended(t *testing.T, j *apply.S3Journal, all []apply.Entry) {
	t.Helper()
	for _, e := range all {
		if err := j.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAJournalInS3IsReadBackUnchanged(t *testing.T) {
	for name, client := range map[string]func(*testing.T) *s3.Client{
		"embedded AWS": func(t *testing.T) *s3.Client { return s3Of(t, nil) },
		"moto":         motoS3,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, c := context.Background(), client(t)
			first, second := apply.NewS3Journal(c, journals, start), apply.NewS3Journal(c, journals, start.Add(time.Minute))
			appended(t, second, twoSteps()[:1])
			appended(t, first, twoSteps())
			got, err := apply.ReadS3Journal(ctx, c, journals, first.Run())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&apply.Record{Run: first.Run(), Entries: twoSteps()}, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if doubt := got.InDoubt(); len(doubt) != 1 || doubt[0].UserName() != "bea" || len(got.Undo()) != 2 {
				t.Errorf("in doubt: %v; to undo: %v", doubt, got.Undo())
			}
			runs, err := apply.S3RunIDs(ctx, c, journals)
			if diff := cmp.Diff([]string{first.Run(), second.Run()}, runs); err != nil || diff != "" {
				t.Errorf("runs (-want +got):\n%s%v", diff, err)
			}
			if _, err := apply.ReadS3Journal(ctx, c, journals, "20270131T120000Z"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a run that is not there: %v", err)
			}
			two := apply.SameRun(first)
			if err := two.Append(ctx, twoSteps()[0]); err == nil || !strings.Contains(err.Error(), "PreconditionFailed") {
				t.Errorf("another writer of the same run: %v", err)
			}
			if err := two.Append(ctx, twoSteps()[1]); err == nil {
				t.Error("an entry follows one that is missing")
			}
		})
	}
}

// An entry whose response was lost is sent again, and the existing object is its own.
func TestAnEntryWhoseResponseWasLostIsStoredOnce(t *testing.T) {
	lost := 0
	client := s3Of(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if r.Method == http.MethodPut && lost < 2 && err == nil {
				lost++
				return nil, io.ErrUnexpectedEOF
			}
			return answer, err
		})
	})
	j := apply.NewS3Journal(client, journals, start)
	appended(t, j, twoSteps())
	got, err := apply.ReadS3Journal(context.Background(), client, journals, j.Run())
	if err != nil || lost != 2 {
		t.Fatalf("%d answers lost, %v", lost, err)
	}
	if diff := cmp.Diff(twoSteps(), got.Entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAnIncompleteJournalInS3IsAnError(t *testing.T) {
	ctx, client := context.Background(), s3Of(t, nil)
	put := func(run, name, text string) {
		t.Helper()
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &journals.Bucket, Key: aws.String(journals.Prefix + "/" + run + "/" + name), Body: bytes.NewReader([]byte(text))}); err != nil {
			t.Fatal(err)
		}
	}
	begin := fmt.Sprintf(`{"kind":"begin","time":"2026-11-02T09:00:00Z","format":%d}`, apply.Format)
	put("20270131T120000Z", "00000001.json", begin)
	put("20270131T120000Z", "00000003.json", `{"kind":"end"}`)
	put("20270131T120001Z", "00000001.json", begin)
	put("20270131T120001Z", "00000002.json", `not JSON`)
	put("20270131T120002Z", "00000001.json", strings.Repeat(" ", 2<<20))
	for run, want := range map[string]string{
		"20270131T120000Z": "entry runs/111122223333/20270131T120000Z/00000002.json is missing",
		"20270131T120001Z": "s3://journals/runs/111122223333/20270131T120001Z/00000002.json: not a journal entry",
		"20270131T120002Z": "larger than 1048576 bytes",
		"../secrets":       `"../secrets" is not the ID of a run`,
	} {
		if _, err := apply.ReadS3Journal(ctx, client, journals, run); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", run, err, want)
		}
	}
}

func TestAPlaceInS3IsReadAndPrinted(t *testing.T) {
	for text, want := range map[string]apply.S3Place{
		"s3://b":         {Bucket: "b"},
		"s3://b/":        {Bucket: "b"},
		"s3://b/p/q":     {Bucket: "b", Prefix: "p/q"},
		"s3://b/p/q/":    {Bucket: "b", Prefix: "p/q"},
		"https://b/p":    {},
		"s3:///p":        {},
		"s3://b/p/../q":  {},
		"s3://b/./q":     {},
		"s3://b/p//q":    {},
		"s3://b/p?x=1":   {},
		"b/p":            {},
		"s3://a bucket/": {},
	} {
		got, err := apply.ParseS3Place(text)
		if got != want || (err != nil) != (want == apply.S3Place{}) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := apply.ParseS3Place(got.String()); want.Bucket != "" && (err != nil || again != got) {
			t.Errorf("%s printed %s: %+v, %v", text, got, again, err)
		}
	}
	if got := (apply.S3Place{Bucket: "b"}).Under("1").String(); got != "s3://b/1" {
		t.Errorf("under a bucket: %s", got)
	}
}

func FuzzParseS3Place(f *testing.F) {
	f.Add("s3://b/p/q")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := apply.ParseS3Place(text)
		if err == nil && (p.Bucket == "" || !strings.HasPrefix(text, "s3://"+p.Bucket)) {
			t.Errorf("%q: %+v", text, p)
		}
	})
}

func TestOnlyRunsAreListed(t *testing.T) {
	ctx, client := context.Background(), s3Of(t, nil)
	for _, name := range []string{"20270131T120000Z/00000001.json", "20270131T120000Z-2/00000001.json", "notes/x", "20270131/x", "20270131T120000Zx/x"} {
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &journals.Bucket, Key: aws.String(journals.Prefix + "/" + name), Body: strings.NewReader("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := apply.S3RunIDs(ctx, client, journals)
	if diff := cmp.Diff([]string{"20270131T120000Z", "20270131T120000Z-2"}, runs); err != nil || diff != "" {
		t.Errorf("runs (-want +got):\n%s%v", diff, err)
	}
}

// Everybody who can write to the bucket can write an endless journal, and one that another
// reader reads differently.
func TestAJournalInS3IsBoundedAndHasOneReading(t *testing.T) {
	begin := []byte(`{"kind":"begin","time":"2026-11-02T09:00:00Z","format":1,"steps":1,"home":"111122223333"}`)
	padded := append(bytes.Repeat([]byte(" "), 1<<20-200), []byte(`{"kind":"end","time":"2026-11-02T09:00:00Z"}`)...)
	answer := func(listed int, text func(key string) []byte) *s3.Client {
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			var body bytes.Buffer
			switch {
			case r.URL.Query().Has("list-type"):
				body.WriteString("<ListBucketResult>")
				for n := range listed {
					fmt.Fprintf(&body, "<Contents><Key>%s/20261102T090000Z/%08d.json</Key></Contents>", journals.Prefix, n+1)
				}
				body.WriteString("</ListBucketResult>")
			default:
				body.Write(text(r.URL.Path))
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(&body), ContentLength: int64(body.Len()), Request: r}, nil
		})
		return s3.New(s3.Options{
			Region: "us-east-1", UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), Retryer: aws.NopRetryer{},
		})
	}
	first := func(rest []byte) func(string) []byte {
		return func(key string) []byte {
			if strings.HasSuffix(key, "/00000001.json") {
				return begin
			}
			return rest
		}
	}
	for name, row := range map[string]struct {
		client *s3.Client
		want   string
	}{
		"many entries":       {answer(50_001, nil), "it has more than 50000 entries"},
		"large entries":      {answer(70, first(padded)), "it is larger than 67108864 bytes"},
		"a member twice":     {answer(2, first([]byte(`{"kind":"intent","kind":"end","time":"2026-11-02T09:00:00Z"}`))), `member "kind" is there twice`},
		"in another case":    {answer(2, first([]byte(`{"kind":"end","time":"2026-11-02T09:00:00Z","STATUS":"done","status":"failed"}`))), `member "status" is there twice`},
		"a member of a step": {answer(2, first([]byte(`{"kind":"intent","time":"2026-11-02T09:00:00Z","step":{"account":"111122223333","account":"444455556666"}}`))), `member "account" is there twice`},
	} {
		_, err := apply.ReadS3Journal(t.Context(), row.client, journals, "20261102T090000Z")
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
	var counts []string
	for n := range 21 {
		counts = append(counts, fmt.Sprintf(`"result %d":1`, n))
	}
	many := []byte(`{"kind":"end","time":"2026-11-02T09:00:00Z","counts":{` + strings.Join(counts, ",") + `}}`)
	if _, err := apply.ReadS3Journal(t.Context(), answer(2, first(many)), journals, "20261102T090000Z"); err == nil || !strings.Contains(err.Error(), "more counts than there are results") {
		t.Errorf("counts: %v", err)
	}
	if r, err := apply.ReadS3Journal(t.Context(), answer(60, first(padded)), journals, "20261102T090000Z"); err != nil || len(r.Entries) != 60 {
		t.Errorf("60 entries of 1 MB: %v", err)
	}
}
