package s3svc

import (
	"cmp"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
)

// maxKeys is the maximum number of keys and folders in a page.
// Source: Amazon S3 API Reference, ListObjectsV2.
const maxKeys = 1000

// ListObjectsInput requests the keys of a bucket, of ListObjects and of ListObjectsV2.
type ListObjectsInput struct {
	Bucket, Prefix, Delimiter string
	After                     string // the last key or folder of the page before; empty: from the first
	MaxKeys                   int    // 0: as many as S3 gives
	Encoded                   bool   // keys are URL-encoded in the answer, which XML could not hold otherwise
}

// ListObjectsOutput is a page of keys and of folders by the delimiter.
type ListObjectsOutput struct {
	ListObjectsInput
	Objects []listedObject
	Folders []string
	Next    string // where the next page begins; empty: this is the last page
}

// A listedObject is an object in a list.
type listedObject struct {
	Key, ETag string
	Modified  time.Time
	Size      int
}

// isList reports whether the query of a request for a bucket is that of a list.
func isList(query url.Values) bool {
	for name := range query {
		switch name {
		case "list-type", "prefix", "delimiter", "marker", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner", "x-id":
		default:
			if !strings.HasPrefix(strings.ToLower(name), "x-amz-") {
				return false
			}
		}
	}
	return true
}

func readList(bucket string, query url.Values) (operation string, _ any, _ error) {
	in := &ListObjectsInput{Bucket: bucket, Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), After: query.Get("marker")}
	operation = "ListObjects"
	if query.Get("list-type") == "2" {
		operation = "ListObjectsV2"
		in.After = cmp.Or(query.Get("continuation-token"), query.Get("start-after"))
	}
	switch query.Get("encoding-type") {
	case "":
	case "url":
		in.Encoded = true
	default:
		return operation, in, refuse("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	if text := query.Get("max-keys"); text != "" {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return operation, in, refuse("InvalidArgument", "Provided max-keys not an integer or within integer range")
		}
		in.MaxKeys = int(n)
	}
	return operation, in, nil
}

// askObjects asks for the action on the bucket, with the prefix as a condition
// key.
// Source: Service Authorization Reference, S3, ListBucket.
func askObjects(c *operation.Call, in *ListObjectsInput) ([]operation.Ask, error) {
	asks := onBucket(c, "s3:ListBucket", in.Bucket)
	asks[0].Context = func(x *policy.Context) { x.Set("s3:prefix", in.Prefix) }
	return asks, nil
}

func listObjects(c *operation.Call, in *ListObjectsInput) (*ListObjectsOutput, error) {
	_, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	size := c.PageSize(in.MaxKeys, maxKeys, maxKeys)
	out := &ListObjectsOutput{ListObjectsInput: *in}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(b.Objects)) {
		name, folder := in.named(key)
		if name == "" || name <= in.After || name == last {
			continue
		}
		if len(out.Objects)+len(out.Folders) == size {
			out.Next = last
			return out, nil
		}
		last = name
		if folder {
			out.Folders = append(out.Folders, name)
		} else {
			o := b.Objects[key]
			out.Objects = append(out.Objects, listedObject{name, tagOf(o), o.Modified, len(o.Body)})
		}
	}
	return out, nil
}

// named returns how a key appears in the list: as itself, as its folder, or
// (empty) not at all.
func (in *ListObjectsInput) named(key string) (name string, folder bool) {
	rest, ok := strings.CutPrefix(key, in.Prefix)
	if !ok {
		return "", false
	}
	if i := strings.Index(rest, in.Delimiter); in.Delimiter != "" && i >= 0 {
		return key[:len(in.Prefix)+i+len(in.Delimiter)], true
	}
	return key, false
}

type objectItem struct {
	Key      string `xml:"Key"`
	Modified string `xml:"LastModified"`
	ETag     string `xml:"ETag"`
	Size     int    `xml:"Size"`
	Class    string `xml:"StorageClass"`
}

type folderItem struct {
	Prefix string `xml:"Prefix"`
}

type objectsAnswer struct {
	XMLName   xml.Name     `xml:"ListBucketResult"`
	Namespace string       `xml:"xmlns,attr"`
	Name      string       `xml:"Name"`
	Prefix    string       `xml:"Prefix"`
	Delimiter string       `xml:"Delimiter,omitempty"`
	Marker    *string      `xml:"Marker"` // of ListObjects
	After     string       `xml:"NextMarker,omitempty"`
	MaxKeys   int          `xml:"MaxKeys"`
	Encoding  string       `xml:"EncodingType,omitempty"`
	KeyCount  *int         `xml:"KeyCount"` // of ListObjectsV2
	Truncated bool         `xml:"IsTruncated"`
	Next      string       `xml:"NextContinuationToken,omitempty"`
	Objects   []objectItem `xml:"Contents"`
	Folders   []folderItem `xml:"CommonPrefixes"`
}

// writeList writes a page of ListObjectsV2, or of ListObjects, which names where the next
// page begins only if there is a delimiter.
// Source: Amazon S3 API Reference, ListObjects.
func writeList(w http.ResponseWriter, operation string, out *ListObjectsOutput) {
	text := func(s string) string { return s }
	a := objectsAnswer{
		Namespace: "http://s3.amazonaws.com/doc/2006-03-01/", Name: out.Bucket, MaxKeys: maxKeys, Truncated: out.Next != "",
	}
	if out.MaxKeys > 0 {
		a.MaxKeys = min(out.MaxKeys, maxKeys)
	}
	if out.Encoded {
		a.Encoding, text = "url", urlEncoded
	}
	a.Prefix, a.Delimiter = text(out.Prefix), text(out.Delimiter)
	if operation == "ListObjectsV2" {
		n := len(out.Objects) + len(out.Folders)
		a.KeyCount, a.Next = &n, out.Next
	} else {
		marker := text(out.After)
		a.Marker = &marker
		if out.Delimiter != "" {
			a.After = text(out.Next)
		}
	}
	for _, o := range out.Objects {
		a.Objects = append(a.Objects, objectItem{text(o.Key), o.Modified.UTC().Format("2006-01-02T15:04:05.000Z"), o.ETag, o.Size, "STANDARD"})
	}
	for _, folder := range out.Folders {
		a.Folders = append(a.Folders, folderItem{text(folder)})
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte(xml.Header)) // the client may have gone
	_ = xml.NewEncoder(w).Encode(a)
}

// urlEncoded encodes a key as S3 does in lists: a slash stays.
func urlEncoded(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
