package emulator

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/testclients"
	"forcemfa/internal/testdepth"
)

func s3Of(t *testing.T) (*Cloud, *s3.Client, *string) {
	t.Helper()
	c := newCloud(t, Options{})
	return c, s3.NewFromConfig(c.Config(as("alice"), "us-east-1")), aws.String(world.BucketName(member))
}

// A package of a Lambda function, or any other object, can be larger than a request to
// another service.
func TestLargeObjectsAreStored(t *testing.T) {
	testdepth.Need(t)
	_, client, bucket := s3Of(t)
	body := bytes.Repeat([]byte("0123456789abcdef"), maxBody/16+1)
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("large"), Body: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("large")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, want %d: %v", len(got), len(body), err)
	}
}

func TestObjectsAreUploadedInParts(t *testing.T) {
	c, client, bucket := s3Of(t)
	key := aws.String("in parts")
	up, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{strings.Repeat("a", 5<<20), strings.Repeat("b", 5<<20), "c"}
	var list []types.CompletedPart
	var hashes []byte
	for i, part := range parts {
		out, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(int32(2*i + 1)), Body: strings.NewReader(part)})
		if err != nil {
			t.Fatal(err)
		}
		sum := md5.Sum([]byte(part))
		hashes = append(hashes, sum[:]...)
		list = append(list, types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(int32(2*i + 1))})
	}
	sum := md5.Sum(hashes)
	tag := `"` + hex.EncodeToString(sum[:]) + `-3"`
	if got := partsOf(t, client, bucket, key, up.UploadId); got != "1 5242880, 3 5242880, 5 1" {
		t.Errorf("parts %s", got)
	}
	for want, bad := range map[string][]types.CompletedPart{
		"InvalidPartOrder": {list[1], list[0]},
		"InvalidPart":      {list[0], {ETag: list[0].ETag, PartNumber: aws.Int32(2)}},
		"EntityTooSmall":   {list[2], {ETag: list[0].ETag, PartNumber: aws.Int32(7)}},
	} {
		if want == "EntityTooSmall" {
			mustUpload(t, client, bucket, key, up.UploadId, 7, parts[0])
		}
		if got := completed(t, client, bucket, key, up.UploadId, bad); got != want {
			t.Errorf("%q, want %s", got, want)
		}
	}
	if got := completed(t, client, bucket, key, up.UploadId, list); got != tag {
		t.Errorf("%s, want %s", got, tag)
	}
	if got := completed(t, client, bucket, key, up.UploadId, list); got != "NoSuchUpload" {
		t.Errorf("completed twice: %s", got)
	}
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: key})
	if err != nil || *head.ETag != tag || *head.ContentLength != 10<<20+1 {
		t.Errorf("%v, %v", head, err)
	}
	c.View(func(w *world.World) {
		if got := string(w.Account(member).Buckets[*bucket].Objects[*key].Body); got != strings.Join(parts, "") {
			t.Errorf("an object of %d bytes", len(got))
		}
	})
}

func mustUpload(t *testing.T, client *s3.Client, bucket, key, id *string, number int32, part string) {
	t.Helper()
	if _, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: id, PartNumber: &number, Body: strings.NewReader(part)}); err != nil {
		t.Fatal(err)
	}
}

// partsOf returns numbers and sizes of the parts of an upload.
func partsOf(t *testing.T, client *s3.Client, bucket, key, id *string) string {
	t.Helper()
	var all []string
	for pages := s3.NewListPartsPaginator(client, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: id, MaxParts: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parts {
			all = append(all, fmt.Sprint(*p.PartNumber, " ", *p.Size))
		}
	}
	return strings.Join(all, ", ")
}

// completed returns the entity tag of the object, or the error code.
func completed(t *testing.T, client *s3.Client, bucket, key, id *string, parts []types.CompletedPart) string {
	t.Helper()
	out, err := client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return code(t, err)
	}
	return *out.ETag
}

func TestUploadsAreListedAndAborted(t *testing.T) {
	c, client, bucket := s3Of(t)
	up, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	fork := c.Fork()
	mustUpload(t, client, bucket, aws.String("k"), up.UploadId, 1, "part")
	list, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: bucket})
	if err != nil || len(list.Uploads) != 1 || *list.Uploads[0].UploadId != *up.UploadId || list.Uploads[0].Initiated == nil {
		t.Errorf("%v, %v", list, err)
	}
	abort := &s3.AbortMultipartUploadInput{Bucket: bucket, Key: aws.String("k"), UploadId: up.UploadId}
	if _, err := client.AbortMultipartUpload(t.Context(), abort); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AbortMultipartUpload(t.Context(), abort); code(t, err) != "NoSuchUpload" {
		t.Errorf("aborted twice: %v", err)
	}
	fork.View(func(w *world.World) {
		if u := w.Account(member).Buckets[*bucket].Uploads[*up.UploadId]; u == nil || len(u.Parts) != 0 {
			t.Errorf("the upload of a fork is %v", u)
		}
	})
	bob := s3.NewFromConfig(c.Config(as("bob"), "us-east-1"))
	_, err = bob.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("k")})
	if code(t, err) != "AccessDenied" {
		t.Errorf("without the right: %v", err)
	}
}

func TestObjectsAreReadInRanges(t *testing.T) {
	_, client, bucket := s3Of(t)
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("0123456789")}); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{
		"bytes=0-0": "0 bytes 0-0/10", "bytes=2-4": "234 bytes 2-4/10", "bytes=7-": "789 bytes 7-9/10", "bytes=8-99": "89 bytes 8-9/10",
		"bytes=-3": "789 bytes 7-9/10", "bytes=-99": "0123456789 bytes 0-9/10", "bytes=10-": "InvalidRange", "bytes=10-12": "InvalidRange", "bytes=-0": "InvalidRange",
		"bytes=4-2": "0123456789 ", "bytes=0-1,3-4": "0123456789 ", "items=0-1": "0123456789 ", "bytes=a-b": "0123456789 ",
	} {
		if got := ranged(t.Context(), t, client, bucket, asked); got != want {
			t.Errorf("%s: %q, want %q", asked, got, want)
		}
	}
}

func ranged(ctx context.Context, t *testing.T, client *s3.Client, bucket *string, asked string) string {
	t.Helper()
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("k"), Range: &asked})
	if err != nil {
		return code(t, err)
	}
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body) + " " + aws.ToString(out.ContentRange)
}

// The AWS CLI sends files of more than 8 MB in parts, and reads them in ranges.
func TestAWSCommandLineCopiesLargeFiles(t *testing.T) {
	testdepth.Need(t)
	testclients.Need(t, "aws")
	c := newCloud(t, Options{})
	p := clientAs(t, listen(t, c), keyOf("alice"), "secret of alice", "")
	from, to := t.TempDir()+"/from", t.TempDir()+"/to"
	body := []byte(strings.Repeat("0123456789abcdefghi\n", 1<<20))
	if err := os.WriteFile(from, body, 0o600); err != nil {
		t.Fatal(err)
	}
	object := "s3://" + world.BucketName(member) + "/large"
	for _, args := range [][]string{{from, object}, {object, to}} {
		if _, stderr := p.run("aws", append([]string{"s3", "cp", "--no-progress"}, args...)...); stderr != "" {
			t.Fatal(stderr)
		}
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes come back, want %d: %v", len(got), len(body), err)
	}
}
