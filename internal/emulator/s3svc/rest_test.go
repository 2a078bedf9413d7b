package s3svc

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestsAreRead(t *testing.T) {
	for _, row := range []struct {
		method, url string
		header      http.Header
		operation   string
		want        any
	}{
		{"GET", "https://s3.amazonaws.com/", nil, "ListBuckets", &ListBucketsInput{}},
		{"GET", "http://127.0.0.1:4000/?x-id=ListBuckets", nil, "ListBuckets", &ListBucketsInput{}},
		{"GET", "http://127.0.0.1:4000/b/k/l", nil, "GetObject", &GetObjectInput{Bucket: "b", Key: "k/l"}},
		{"HEAD", "http://[::1]:4000/b/k", nil, "GetObject", &GetObjectInput{Bucket: "b", Key: "k"}},
		{"GET", "https://b.s3.eu-west-1.amazonaws.com/k/l", nil, "GetObject", &GetObjectInput{Bucket: "b", Key: "k/l"}},
		{"GET", "https://b.with.dots.s3-eu-west-1.amazonaws.com/k", nil, "GetObject", &GetObjectInput{Bucket: "b.with.dots", Key: "k"}},
		{"GET", "http://b.localhost:4000/k", nil, "GetObject", &GetObjectInput{Bucket: "b", Key: "k"}},
		{"GET", "http://localhost:4000/b/k", nil, "GetObject", &GetObjectInput{Bucket: "b", Key: "k"}},
		{"GET", "https://s3.eu-west-1.amazonaws.com/b/a%20b%2Bc", nil, "GetObject", &GetObjectInput{Bucket: "b", Key: "a b+c"}},
		{"PUT", "https://s3.amazonaws.com/b/k", nil, "PutObject", &PutObjectInput{Bucket: "b", Key: "k", Body: []byte("body")}},
		{"PUT", "https://s3.amazonaws.com/b/k", http.Header{"If-None-Match": {"*"}}, "PutObject", &PutObjectInput{Bucket: "b", Key: "k", Body: []byte("body"), IfNoneMatch: "*"}},
		{"GET", "https://s3.amazonaws.com/b?list-type=2", nil, "ListObjectsV2", &ListObjectsInput{Bucket: "b"}},
		{"GET", "https://b.s3.amazonaws.com/?list-type=2&prefix=p%2F&delimiter=%2F&max-keys=2&continuation-token=p%2Fa", nil, "ListObjectsV2",
			&ListObjectsInput{Bucket: "b", Prefix: "p/", Delimiter: "/", After: "p/a", MaxKeys: 2}},
		{"PUT", "https://s3.amazonaws.com/b/k", http.Header{"X-Amz-Copy-Source": {"/b/l"}}, "", nil},
		{"PUT", "https://s3.amazonaws.com/b", nil, "CreateBucket", &BucketInput{"b"}},
		{"DELETE", "https://s3.amazonaws.com/b", nil, "DeleteBucket", &BucketInput{"b"}},
		{"PUT", "https://s3.amazonaws.com/b?policy", nil, "PutBucketPolicy", &PolicyInput{"b", "body"}},
		{"DELETE", "https://s3.amazonaws.com/b?policy", nil, "DeleteBucketPolicy", &BucketInput{"b"}},
		{"GET", "https://s3.amazonaws.com/b", nil, "ListObjects", &ListObjectsInput{Bucket: "b"}},
		{"GET", "https://s3.amazonaws.com/b?marker=k&encoding-type=url", nil, "ListObjects", &ListObjectsInput{Bucket: "b", After: "k", Encoded: true}},
		{"GET", "https://s3.amazonaws.com/b?versions", nil, "", nil},
		{"GET", "https://s3.amazonaws.com/b/k?acl", nil, "", nil},
		{"DELETE", "https://s3.amazonaws.com/b/k", nil, "DeleteObject", &DeleteObjectInput{"b", "k"}},
	} {
		r := httptest.NewRequest(row.method, row.url, nil)
		for name, values := range row.header {
			r.Header[name] = values
		}
		operation, in, err := Read(r, []byte("body"))
		if err != nil || operation != row.operation {
			t.Errorf("%s %s: %s, %v, want %s", row.method, row.url, operation, err, row.operation)
		}
		if diff := cmp.Diff(row.want, in); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", row.method, row.url, diff)
		}
	}
}

// Any host and path give a known operation or none.
func FuzzRead(f *testing.F) {
	f.Add("GET", "b.s3.amazonaws.com", "/k?acl")
	f.Add("PUT", "[::1]:80", "/b/k")
	known := map[string]bool{"": true}
	for _, op := range Operations() {
		known[op.Name] = true
	}
	f.Fuzz(func(t *testing.T, method, host, target string) {
		r, err := http.NewRequest(method, "https://example.com"+target, nil)
		if err != nil {
			t.Skip()
		}
		r.Host = host
		if operation, in, err := Read(r, nil); err != nil || !known[operation] || (operation == "") != (in == nil) {
			t.Errorf("%q, %v, %v", operation, in, err)
		}
	})
}
