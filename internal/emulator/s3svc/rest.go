package s3svc

import (
	"encoding/xml"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Read returns the operation of a REST request; an empty name for an unknown
// one.
func Read(r *http.Request, body []byte) (operation string, in any, err error) {
	bucket, key := place(r)
	if operation, in, err, ok := readMultipart(r, bucket, key, body); ok {
		return operation, in, err
	}
	switch {
	case bucket != "" && key == "" && r.Method == http.MethodGet && isList(r.URL.Query()):
		return readList(bucket, r.URL.Query())
	case bucket != "" && key == "" && r.URL.Query().Has("policy"):
		return readPolicy(r.Method, bucket, body)
	case !plain(r):
		return "", nil, nil
	case bucket == "" && r.Method == http.MethodGet:
		return "ListBuckets", &ListBucketsInput{}, nil
	case key == "" && r.Method == http.MethodPut:
		return "CreateBucket", &BucketInput{bucket}, nil
	case key == "" && r.Method == http.MethodDelete:
		return "DeleteBucket", &BucketInput{bucket}, nil
	case key == "":
		return "", nil, nil
	case r.Method == http.MethodDelete:
		return "DeleteObject", &DeleteObjectInput{bucket, key}, nil
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return "GetObject", &GetObjectInput{bucket, key, r.Header.Get("Range")}, nil
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") == "":
		sum, err := sumOf(r)
		return "PutObject", &PutObjectInput{bucket, key, body, r.Header.Get("Content-Md5"), sum, r.Header.Get("If-None-Match")}, err
	}
	return "", nil, nil
}

func readPolicy(method, bucket string, body []byte) (operation string, in any, err error) {
	switch method {
	case http.MethodPut:
		return "PutBucketPolicy", &PolicyInput{bucket, string(body)}, nil
	case http.MethodDelete:
		return "DeleteBucketPolicy", &BucketInput{bucket}, nil
	}
	return "", nil, nil
}

// BucketOf returns the bucket that a request names, if it is one for S3; empty: none.
func BucketOf(r *http.Request) string {
	name, _ := place(r)
	return name
}

// place returns the bucket and key of a request: both from the path, or the
// bucket from the host name before .s3 or .localhost.
func place(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket := hostBucket(r.Host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func hostBucket(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ""
	}
	for _, mark := range []string{".s3.", ".s3-"} {
		if i := strings.LastIndex(host, mark); i > 0 {
			return host[:i]
		}
	}
	bucket, _ := strings.CutSuffix(host, ".localhost")
	if bucket == host {
		return ""
	}
	return bucket
}

// plain reports whether the request is for the object or the list itself and not
// for a part or property of it.
func plain(r *http.Request) bool {
	for name := range r.URL.Query() {
		switch {
		case name == "x-id" || name == "max-buckets" || strings.HasPrefix(name, "response-"):
		case strings.HasPrefix(strings.ToLower(name), "x-amz-"):
		default:
			return false
		}
	}
	return true
}

type bucketItem struct {
	Name    string `xml:"Name"`
	Created string `xml:"CreationDate"`
}

type listAnswer struct {
	XMLName   xml.Name     `xml:"ListAllMyBucketsResult"`
	Namespace string       `xml:"xmlns,attr"`
	Owner     string       `xml:"Owner>ID"`
	Buckets   []bucketItem `xml:"Buckets>Bucket"`
}

// Write writes the output of an operation as the response.
func Write(w http.ResponseWriter, operation, requestID string, out any) {
	w.Header().Set("X-Amz-Request-Id", requestID)
	switch out := out.(type) {
	case *ListBucketsOutput:
		a := listAnswer{Namespace: "http://s3.amazonaws.com/doc/2006-03-01/", Owner: out.Owner}
		for _, b := range out.Buckets {
			a.Buckets = append(a.Buckets, bucketItem{b.Name, b.Created.UTC().Format(time.RFC3339)})
		}
		w.Header().Set("Content-Type", "application/xml")
		_, _ = w.Write([]byte(xml.Header)) // the client may have gone
		_ = xml.NewEncoder(w).Encode(a)
	case *ListObjectsOutput:
		writeList(w, operation, out)
	case *GetObjectOutput:
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(out.Body)))
		w.Header().Set("Etag", out.ETag)
		w.Header().Set("Accept-Ranges", "bytes")
		w.Header().Set("Last-Modified", out.Modified.UTC().Format(http.TimeFormat))
		if out.Range != "" {
			w.Header().Set("Content-Range", out.Range)
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(out.Body)
	case *EmptyOutput:
		if operation == "CreateBucket" {
			w.WriteHeader(http.StatusOK)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case *PutObjectOutput:
		w.Header().Set("Etag", out.ETag)
		w.WriteHeader(http.StatusOK)
	default:
		writeMultipart(w, out)
	}
}
