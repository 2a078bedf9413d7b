package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"

	"forcemfa/policy/arn"
)

// An S3Place is where journals are stored in S3: each run is a folder under the prefix,
// each entry an object in it.
type S3Place struct{ Bucket, Prefix string }

// ParseS3Place reads s3://BUCKET/PREFIX; the prefix may be empty.
func ParseS3Place(text string) (S3Place, error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" || strings.ContainsAny(rest, " \t\n?#") {
		return S3Place{}, fmt.Errorf("%q: want s3://BUCKET/PREFIX", text)
	}
	if clean := strings.Trim(prefix, "/"); clean != "" && path.Clean("/"+clean) != "/"+clean {
		return S3Place{}, fmt.Errorf("%q: the prefix has a part that is empty or only dots", text)
	}
	return S3Place{bucket, strings.Trim(prefix, "/")}, nil
}

// S3Client returns a client of S3. At an endpoint other than AWS's own, buckets are in the
// path, because their names are in no DNS there.
func S3Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil })
}

// Under is a place below this one.
func (p S3Place) Under(name string) S3Place { return S3Place{p.Bucket, path.Join(p.Prefix, name)} }

// Account is the ID of the account whose function writes to this place, the last part
// of the prefix; empty when that is no account ID.
func (p S3Place) Account() string {
	if id := path.Base(p.Prefix); arn.IsAccountID(id) {
		return id
	}
	return ""
}

// String is the place as it is given.
func (p S3Place) String() string { return "s3://" + path.Join(p.Bucket, p.Prefix) }

// folder is the prefix of the keys of a run, or of all runs for an empty one.
func (p S3Place) folder(run string) string {
	folder := path.Join(p.Prefix, run)
	if folder == "" {
		return ""
	}
	return folder + "/"
}

// entryName is the name of the nth entry's object. Names sort in the order of entries.
func entryName(n int) string { return fmt.Sprintf("%08d.json", n) }

// An S3Journal is the journal of one run with an object for each entry. It needs only
// s3:PutObject, and overwrites nothing.
type S3Journal struct {
	client *s3.Client
	place  S3Place
	run    string

	sequence
}

// NewS3Journal returns the journal of a new run. It writes nothing before the first
// entry. The run ID is the time and a random number, so that functions that start in the
// same second have different IDs.
func NewS3Journal(client *s3.Client, place S3Place, now time.Time) *S3Journal {
	run := fmt.Sprintf("%s-%09d", now.UTC().Format("20060102T150405Z"), rand.N(1_000_000_000))
	return &S3Journal{client: client, place: place, run: run}
}

// Run is the ID of the run, by which [ReadS3Journal] finds it.
func (j *S3Journal) Run() string { return j.run }

// Append writes one object, which is durable when S3 has responded. After an error every
// further Append fails.
func (j *S3Journal) Append(ctx context.Context, e Entry) error {
	return j.append(e, func(n int, text []byte) error {
		key := j.place.folder(j.run) + entryName(n)
		if err := j.put(ctx, key, text); err != nil {
			return fmt.Errorf("put s3://%s/%s: %w", j.place.Bucket, key, err)
		}
		return nil
	})
}

// putAttempts is how often an entry is sent.
const putAttempts = 5

// put writes a new object. It retries by itself instead of the SDK: when a retry finds
// that the object exists, the first request wrote it and its response was lost.
// Source: Amazon S3 User Guide, "How to prevent object overwrites with
// conditional writes": 412 where there is an object, 409 where one is being
// written.
func (j *S3Journal) put(ctx context.Context, key string, text []byte) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		_, err := j.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &j.place.Bucket, Key: &key, Body: bytes.NewReader(text), IfNoneMatch: aws.String("*"), ContentType: aws.String("application/json"),
		}, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
		switch {
		case err == nil, attempt > 1 && code(err) == "PreconditionFailed":
			return nil
		case attempt == putAttempts || !unanswered(err):
			return err
		}
		if smithytime.SleepWithContext(ctx, pause) != nil {
			return err
		}
		pause = longer(pause)
	}
}

// unanswered reports whether a write may be retried: there was no response, S3 failed,
// is throttling, or is writing the same key.
func unanswered(err error) bool {
	switch code(err) {
	case "", "ConditionalRequestConflict", "OperationAborted", "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout":
		return true
	}
	return passing(err)
}

// ReadS3Journal reads the journal of one run. The error is [fs.ErrNotExist] when
// there is none, and names an entry that is missing or malformed.
func ReadS3Journal(ctx context.Context, client *s3.Client, place S3Place, run string) (*Record, error) {
	if !isRun(run) {
		return nil, fmt.Errorf("read journal: %q is not the ID of a run, as 20270131T120000Z", run)
	}
	keys, err := entryKeys(ctx, client, place, run)
	if err != nil {
		return nil, fmt.Errorf("read journal %s of %s: %w", run, place, err)
	}
	r, size, begun := &Record{Run: run}, 0, map[string]bool{}
	for n, key := range keys {
		if want := place.folder(run) + entryName(n+1); key != want {
			return nil, fmt.Errorf("read journal %s of %s: entry %s is missing, and there is %s", run, place, want, key)
		}
		text, err := getObject(ctx, client, place.Bucket, key)
		if err != nil {
			return nil, fmt.Errorf("read journal s3://%s/%s: %w", place.Bucket, key, err)
		}
		if size += len(text); size > maxJournal {
			return nil, fmt.Errorf("read journal %s of %s: it is larger than %d bytes", run, place, maxJournal)
		}
		e, err := parseEntry(text, n == 0, begun)
		if err != nil {
			return nil, fmt.Errorf("read journal s3://%s/%s: %w", place.Bucket, key, err)
		}
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

// entryKeys are the keys of a run's entries in their order.
func entryKeys(ctx context.Context, client *s3.Client, place S3Place, run string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &place.Bucket, Prefix: aws.String(place.folder(run))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
		if len(keys) > maxEntries {
			return nil, fmt.Errorf("it has more than %d entries", maxEntries)
		}
	}
	if len(keys) == 0 {
		return nil, fs.ErrNotExist
	}
	slices.Sort(keys)
	return keys, nil
}

// The largest sizes of a journal in S3, where others can write. An entry contains at most
// a policy with its versions. A step has two entries of less than 1,000 bytes, and a
// function makes at most three steps for each of the 5,000 users of an account.
const (
	maxEntry   = 1 << 20
	maxEntries = 50_000
	maxJournal = 64 << 20
)

func getObject(ctx context.Context, client *s3.Client, bucket, key string) (text []byte, err error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	text, err = io.ReadAll(io.LimitReader(out.Body, maxEntry+1))
	if err == nil && len(text) > maxEntry {
		err = fmt.Errorf("it is larger than %d bytes", maxEntry)
	}
	return text, err
}

// S3RunIDs are the runs of a place, oldest first.
func S3RunIDs(ctx context.Context, client *s3.Client, place S3Place) ([]string, error) {
	var runs []string
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{
		Bucket: &place.Bucket, Prefix: aws.String(place.folder("")), Delimiter: aws.String("/"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list journals of %s: %w", place, err)
		}
		for _, folder := range page.CommonPrefixes {
			if run := path.Base(aws.ToString(folder.Prefix)); isRun(run) {
				runs = append(runs, run)
			}
		}
	}
	slices.SortFunc(runs, compareRuns)
	return runs, nil
}
