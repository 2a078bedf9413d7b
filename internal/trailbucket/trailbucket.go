// Package trailbucket lists and opens CloudTrail's log files in an S3 bucket.
package trailbucket

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// Options say which log files are listed.
type Options struct {
	Bucket   string
	Prefix   string   // without a slash at its end
	Accounts []string // IDs; empty: all
	// Since and Until are the first and last day; zero: no limit.
	Since, Until time.Time
	// Progress is called with the number of files found so far, possibly
	// concurrently; nil: never.
	Progress func(files int)
}

// start is the folder of the Prefix, as the keys of its objects begin.
func (o *Options) start() string {
	if o.Prefix == "" {
		return ""
	}
	return o.Prefix + "/"
}

// listings is how many listings are made at the same time.
const listings = 16

// List lists the log files. In CloudTrail's folders it lists only the accounts and
// days that are asked for, each Region with as many requests as it has thousands of
// files. Folders without log files are left out.
// Source: CloudTrail User Guide, "Finding your CloudTrail log files".
func List(ctx context.Context, client *s3.Client, o Options) ([]trail.LogFile, error) {
	place := trail.Place{FS: &bucketFS{ctx, client, o.Bucket}, Root: ".", Name: "s3://" + o.Bucket}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &lister{Options: o, client: client, place: place, cancel: cancel, slots: make(chan struct{}, listings)}
	l.running.Go(func() { l.folder(ctx, o.start()) })
	l.running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(l.files, func(a, b trail.LogFile) int { return strings.Compare(a.Path, b.Path) })
	return l.files, nil
}

// A lister walks the folders of a bucket.
type lister struct {
	Options
	client  *s3.Client
	cancel  context.CancelCauseFunc
	place   trail.Place
	slots   chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	files []trail.LogFile
}

// folder lists a folder and those in it.
func (l *lister) folder(ctx context.Context, prefix string) {
	if path.Base(path.Dir(strings.TrimSuffix(prefix, "/"))) == "CloudTrail" {
		l.region(ctx, prefix)
		return
	}
	l.pages(ctx, &s3.ListObjectsV2Input{Bucket: &l.Bucket, Prefix: &prefix, Delimiter: aws.String("/")}, func(out *s3.ListObjectsV2Output) bool {
		for _, p := range out.CommonPrefixes {
			if child := aws.ToString(p.Prefix); l.wanted(child) {
				l.running.Go(func() { l.folder(ctx, child) })
			}
		}
		for _, object := range out.Contents {
			l.add(aws.ToString(object.Key))
		}
		return true
	})
}

// wanted reports whether a folder can hold log files that are asked for.
func (l *lister) wanted(prefix string) bool {
	name := path.Base(prefix)
	if arn.IsAccountID(name) && len(l.Accounts) > 0 && !slices.Contains(l.Accounts, name) {
		return false
	}
	return trail.HoldsRecords(name)
}

// region lists the files of an account's Region, from the first day to the last: the
// names of the folders are in the order of time.
func (l *lister) region(ctx context.Context, prefix string) {
	in := &s3.ListObjectsV2Input{Bucket: &l.Bucket, Prefix: &prefix}
	if !l.Since.IsZero() {
		in.StartAfter = aws.String(prefix + l.Since.Format("2006/01/02"))
	}
	l.pages(ctx, in, func(out *s3.ListObjectsV2Output) bool {
		for _, object := range out.Contents {
			key := aws.ToString(object.Key)
			if !l.Until.IsZero() && strings.TrimPrefix(key, prefix) > l.Until.Format("2006/01/02")+"/~" {
				return false
			}
			l.add(key)
		}
		return true
	})
}

// pages calls each with the pages of a listing until it returns false.
func (l *lister) pages(ctx context.Context, in *s3.ListObjectsV2Input, each func(*s3.ListObjectsV2Output) bool) {
	pages := s3.NewListObjectsV2Paginator(l.client, in)
	for pages.HasMorePages() {
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		out, err := pages.NextPage(ctx)
		<-l.slots
		if err != nil {
			l.cancel(fmt.Errorf("list s3://%s/%s: %w", l.Bucket, aws.ToString(in.Prefix), err))
			return
		}
		if !each(out) {
			return
		}
	}
}

func (l *lister) add(key string) {
	f := trail.LogFile{Place: l.place, Path: key}
	if !f.Logs() || !l.inTime(f.Day()) {
		return
	}
	l.mu.Lock()
	l.files = append(l.files, f)
	n := len(l.files)
	l.mu.Unlock()
	if l.Progress != nil {
		l.Progress(n)
	}
}

// inTime reports whether a day of the layout is asked for; files outside the layout
// always are.
func (l *lister) inTime(dir string) bool {
	if len(dir) < len("2006/01/02") {
		return true
	}
	day := dir[len(dir)-len("2006/01/02"):]
	return (l.Since.IsZero() || day >= l.Since.Format("2006/01/02")) && (l.Until.IsZero() || day <= l.Until.Format("2006/01/02"))
}

// A bucketFS opens the objects of a bucket.
type bucketFS struct {
	ctx    context.Context
	client *s3.Client
	bucket string
}

// Open implements [fs.FS].
func (b *bucketFS) Open(name string) (fs.File, error) {
	o := &object{fs: b, key: name}
	if err := o.from(0); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return o, nil
}

// mostResumes bounds how often the download of one object is taken up again.
const mostResumes = 5

// An object is an open object. A download that breaks goes on where it stopped.
type object struct {
	fs      *bucketFS
	key     string
	body    io.ReadCloser
	tag     *string
	at      int64
	resumes int
}

// from begins to read at a byte, of the same version of the object.
func (o *object) from(at int64) error {
	in := &s3.GetObjectInput{Bucket: &o.fs.bucket, Key: &o.key}
	if at > 0 {
		in.Range, in.IfMatch = aws.String(fmt.Sprintf("bytes=%d-", at)), o.tag
	}
	out, err := o.fs.client.GetObject(o.fs.ctx, in)
	if err != nil {
		return err
	}
	o.body, o.tag = out.Body, out.ETag
	return nil
}

// Read implements [io.Reader].
func (o *object) Read(p []byte) (int, error) {
	n, err := o.body.Read(p)
	o.at += int64(n)
	if err == nil || err == io.EOF || o.fs.ctx.Err() != nil || o.resumes == mostResumes {
		return n, err
	}
	o.resumes++
	_ = o.body.Close()
	if again := o.from(o.at); again != nil {
		return n, fmt.Errorf("%w; again: %w", err, again)
	}
	return n, nil
}

// Close implements [io.Closer].
func (o *object) Close() error { return o.body.Close() }

// Stat implements [fs.File]; nothing is known of an object before it is read.
func (o *object) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
