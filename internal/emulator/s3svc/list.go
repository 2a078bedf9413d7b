package s3svc

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
)

// maxKeys is the maximum number of keys and folders in a page.
// Source: Amazon S3 API Reference, ListObjectsV2.
const maxKeys = 1000

// ListObjectsInput requests the keys of a bucket.
type ListObjectsInput struct {
	Bucket, Prefix, Delimiter string
	After                     string // the last key or folder of the page before; empty: from the first
	MaxKeys                   int    // 0: as many as S3 gives
}

// ListObjectsOutput is a page of keys and of folders by the delimiter.
type ListObjectsOutput struct {
	Bucket, Prefix, Delimiter string
	Keys                      []string
	Sizes                     []int // of the keys' objects
	Folders                   []string
	Next                      string // where the next page begins; empty: this is the last page
}

func readList(bucket string, query url.Values) (string, any, error) {
	in := &ListObjectsInput{Bucket: bucket, Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), After: query.Get("start-after")}
	if token := query.Get("continuation-token"); token != "" {
		in.After = token
	}
	if text := query.Get("max-keys"); text != "" {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return "ListObjectsV2", in, refuse("InvalidArgument", "Provided max-keys not an integer or within integer range")
		}
		in.MaxKeys = int(n)
	}
	return "ListObjectsV2", in, nil
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
	out := &ListObjectsOutput{Bucket: in.Bucket, Prefix: in.Prefix, Delimiter: in.Delimiter}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(b.Objects)) {
		name, folder := in.named(key)
		if name == "" || name <= in.After || name == last {
			continue
		}
		if len(out.Keys)+len(out.Folders) == size {
			out.Next = last
			return out, nil
		}
		last = name
		if folder {
			out.Folders = append(out.Folders, name)
		} else {
			out.Keys, out.Sizes = append(out.Keys, name), append(out.Sizes, len(b.Objects[key]))
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

type listedObject struct {
	Key  string `xml:"Key"`
	Size int    `xml:"Size"`
}

type listedFolder struct {
	Prefix string `xml:"Prefix"`
}

type objectsAnswer struct {
	XMLName   xml.Name       `xml:"ListBucketResult"`
	Namespace string         `xml:"xmlns,attr"`
	Name      string         `xml:"Name"`
	Prefix    string         `xml:"Prefix"`
	Delimiter string         `xml:"Delimiter,omitempty"`
	KeyCount  int            `xml:"KeyCount"`
	Truncated bool           `xml:"IsTruncated"`
	Next      string         `xml:"NextContinuationToken,omitempty"`
	Objects   []listedObject `xml:"Contents"`
	Folders   []listedFolder `xml:"CommonPrefixes"`
}

func writeList(w http.ResponseWriter, out *ListObjectsOutput) {
	a := objectsAnswer{
		Namespace: "http://s3.amazonaws.com/doc/2006-03-01/", Name: out.Bucket, Prefix: out.Prefix, Delimiter: out.Delimiter,
		KeyCount: len(out.Keys) + len(out.Folders), Truncated: out.Next != "", Next: out.Next,
	}
	for i, key := range out.Keys {
		a.Objects = append(a.Objects, listedObject{key, out.Sizes[i]})
	}
	for _, folder := range out.Folders {
		a.Folders = append(a.Folders, listedFolder{folder})
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte(xml.Header)) // the client may have gone
	_ = xml.NewEncoder(w).Encode(a)
}
