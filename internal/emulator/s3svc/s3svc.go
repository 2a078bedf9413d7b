// Package s3svc implements the S3 of the embedded AWS: ListBuckets,
// ListObjects, ListObjectsV2, GetObject (also HeadObject), PutObject, multipart uploads and DeleteObject,
// buckets and their policies, path style and virtual-hosted style. Buckets are visible in every Region.
package s3svc

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// ListBucketsInput and the other structs contain the fields of the API that are
// used here.
type ListBucketsInput struct{}

// ListBucketsOutput lists the buckets of the caller's account.
type ListBucketsOutput struct {
	Owner   string // account
	Buckets []Bucket
}

// A Bucket is a bucket in a list.
type Bucket struct {
	Name    string
	Created time.Time
}

// GetObjectInput names an object.
type GetObjectInput struct {
	Bucket, Key string
	Range       string // as in the header; empty: the whole object
}

// GetObjectOutput is an object.
type GetObjectOutput struct {
	Body     []byte
	Modified time.Time
	ETag     string
	Range    string // Content-Range; empty: the whole object
}

// PutObjectInput is an object to write.
type PutObjectInput struct {
	Bucket, Key string
	Body        []byte
	MD5         string // as in Content-MD5; empty: none was sent
	Sum         Sum
	IfNoneMatch string // *: only if the object does not exist; empty: always
}

// PutObjectOutput describes the written object.
type PutObjectOutput struct{ ETag string }

// Operations returns the table of operations.
func Operations() []operation.Operation {
	return operation.Reaching(append(slices.Concat(bucketOperations(), multipartOperations()),
		// Source: Service Authorization Reference, S3.
		operation.Read("ListBuckets", operation.OnAll[ListBucketsInput]("s3:ListAllMyBuckets"), listBuckets),
		operation.Read("ListObjects", askObjects, listObjects),
		operation.Read("ListObjectsV2", askObjects, listObjects),
		operation.Read("GetObject", askGet, getObject),
		operation.Write("PutObject", askPut, putObject),
	), reach)
}

// reach returns that of a call for a bucket.
func reach(w *world.World, account string, in any) operation.Reach {
	owner := w.BucketOwner(operation.Member(in, "Bucket"))
	return operation.ReachOf(owner == "" || owner == account)
}

func listBuckets(c *operation.Call, _ *ListBucketsInput) (*ListBucketsOutput, error) {
	buckets := c.World.Account(c.Caller.Account).Buckets
	out := &ListBucketsOutput{Owner: c.Caller.Account}
	for _, name := range slices.Sorted(maps.Keys(buckets)) {
		out.Buckets = append(out.Buckets, Bucket{name, buckets[name].Created})
	}
	return out, nil
}

func askGet(c *operation.Call, in *GetObjectInput) ([]operation.Ask, error) {
	return ask(c, "s3:GetObject", in.Bucket, in.Key), nil
}

func askPut(c *operation.Call, in *PutObjectInput) ([]operation.Ask, error) {
	if err := checkBody(in.Body, in.MD5, in.Sum); err != nil {
		return nil, err
	}
	return askWrite(c, in.Bucket, in.Key, in.IfNoneMatch), nil
}

// checkBody refuses a body with another checksum than was sent.
func checkBody(body []byte, md5Sum string, sent Sum) error {
	if sum := md5.Sum(body); md5Sum != "" && md5Sum != base64.StdEncoding.EncodeToString(sum[:]) {
		return refuse("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return sent.check(body)
}

func askWrite(c *operation.Call, bucket, key, ifNoneMatch string) []operation.Ask {
	asks := ask(c, "s3:PutObject", bucket, key)
	if ifNoneMatch != "" {
		// Source: Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets".
		asks[0].Context = func(x *policy.Context) { x.Set("s3:if-none-match", ifNoneMatch) }
	}
	return asks
}

func ask(c *operation.Call, action, bucket, key string) []operation.Ask {
	a := operation.Ask{Action: action, Resource: "arn:" + c.World.Partition + ":s3:::" + bucket + "/" + key}
	if owner, b := find(c.World, bucket); b != nil {
		a.ResourceAccount = owner
		if b.Policy != "" {
			a.Policies = []policy.Source{c.World.Parse("bucket policy of "+bucket, policy.Resource, b.Policy)}
		}
	}
	return []operation.Ask{a}
}

// Ask returns what a call needs in order to read an object.
func Ask(c *operation.Call, bucket, key string) []operation.Ask {
	return ask(c, "s3:GetObject", bucket, key)
}

// Object returns an object; ok is false when it does not exist.
func Object(w *world.World, bucket, key string) (body []byte, ok bool) {
	if _, b := find(w, bucket); b != nil {
		o, ok := b.Objects[key]
		return o.Body, ok
	}
	return nil, false
}

// find returns a bucket and its owner: names are unique among all accounts.
func find(w *world.World, bucket string) (owner string, b *world.Bucket) {
	return w.Bucket(bucket)
}

func getObject(c *operation.Call, in *GetObjectInput) (*GetObjectOutput, error) {
	_, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	o, ok := b.Objects[in.Key]
	if !ok {
		return nil, refuse("NoSuchKey", "The specified key does not exist.")
	}
	part, where, err := cut(o.Body, in.Range)
	if err != nil {
		return nil, err
	}
	return &GetObjectOutput{part, o.Modified, tagOf(o), where}, nil
}

func putObject(c *operation.Call, in *PutObjectInput) (*PutObjectOutput, error) {
	owner, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	b = c.World.Edit(owner).Buckets[in.Bucket]
	if _, there := b.Objects[in.Key]; there && in.IfNoneMatch == "*" {
		return nil, preconditionFailed()
	}
	tag := etag(in.Body)
	b.Put(in.Key, world.Object{Body: in.Body, Modified: c.Now, ETag: tag})
	return &PutObjectOutput{tag}, nil
}

func preconditionFailed() error {
	return refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

// tagOf is the entity tag of an object.
func tagOf(o world.Object) string {
	if o.ETag != "" {
		return o.ETag
	}
	return etag(o.Body)
}

func etag(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func noSuchBucket() error { return refuse("NoSuchBucket", "The specified bucket does not exist") }

func refuse(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}
