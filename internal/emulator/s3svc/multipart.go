package s3svc

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// Limits of multipart uploads.
// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const (
	mostParts    = 10_000
	smallestPart = 5 << 20 // except the last one
)

// UploadInput names a multipart upload; UploadID is empty where it begins.
type UploadInput struct {
	Bucket, Key, UploadID string
	Algorithm, Kind       string // of the checksum, as sent; not used
}

// uploadOutput is a multipart upload that begins.
type uploadOutput struct{ Bucket, Key, UploadID, Algorithm, Kind string }

// PartInput is a part to upload.
type PartInput struct {
	Bucket, Key, UploadID string
	Number                int
	Body                  []byte
	MD5                   string
	Sum                   Sum
}

// CompleteInput names the parts of an object.
type CompleteInput struct {
	Bucket, Key, UploadID string
	Parts                 []Part
	IfNoneMatch           string
	Sum                   Sum // of the whole object
}

// A Part is a part of a multipart upload.
type Part struct {
	Number int    `xml:"PartNumber"`
	ETag   string `xml:"ETag"`
	Size   int    `xml:"Size,omitempty"`
}

// CompleteOutput describes the object.
type CompleteOutput struct{ Bucket, Key, ETag string }

// PartsInput requests the parts of an upload.
type PartsInput struct {
	Bucket, Key, UploadID string
	After, MaxParts       int
}

// PartsOutput is a page of parts.
type PartsOutput struct {
	Bucket, Key, UploadID string
	After, Next           int // Next is 0 for the last page
	Parts                 []Part
}

// UploadsInput requests the uploads of a bucket that are in progress.
type UploadsInput struct{ Bucket, Prefix string }

// UploadsOutput lists them.
type UploadsOutput struct {
	Bucket, Prefix string
	Uploads        []Upload
}

// An Upload is a multipart upload in a list.
type Upload struct {
	Key       string `xml:"Key"`
	UploadID  string `xml:"UploadId"`
	Initiated string `xml:"Initiated"`
}

// Source: Service Authorization Reference, S3: parts are uploaded with s3:PutObject.
func multipartOperations() []operation.Operation {
	return []operation.Operation{
		operation.Write("CreateMultipartUpload", askUpload("s3:PutObject"), createUpload),
		operation.Write("UploadPart", askPart, uploadPart),
		operation.Write("CompleteMultipartUpload", askComplete, completeUpload),
		operation.Write("AbortMultipartUpload", askUpload("s3:AbortMultipartUpload"), abortUpload),
		operation.Read("ListParts", func(c *operation.Call, in *PartsInput) ([]operation.Ask, error) {
			return ask(c, "s3:ListMultipartUploadParts", in.Bucket, in.Key), nil
		}, listParts),
		operation.Read("ListMultipartUploads", func(c *operation.Call, in *UploadsInput) ([]operation.Ask, error) {
			return onBucket(c, "s3:ListBucketMultipartUploads", in.Bucket), nil
		}, listUploads),
	}
}

func askUpload(action string) func(*operation.Call, *UploadInput) ([]operation.Ask, error) {
	return func(c *operation.Call, in *UploadInput) ([]operation.Ask, error) {
		return ask(c, action, in.Bucket, in.Key), nil
	}
}

func askPart(c *operation.Call, in *PartInput) ([]operation.Ask, error) {
	if in.Number < 1 || in.Number > mostParts {
		return nil, refuse("InvalidArgument", fmt.Sprintf("Part number must be an integer between 1 and %d, inclusive", mostParts))
	}
	if err := checkBody(in.Body, in.MD5, in.Sum); err != nil {
		return nil, err
	}
	return ask(c, "s3:PutObject", in.Bucket, in.Key), nil
}

func askComplete(c *operation.Call, in *CompleteInput) ([]operation.Ask, error) {
	if len(in.Parts) == 0 {
		return nil, refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return askWrite(c, in.Bucket, in.Key, in.IfNoneMatch), nil
}

func createUpload(c *operation.Call, in *UploadInput) (*uploadOutput, error) {
	owner, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	b, id := c.World.Edit(owner).Buckets[in.Bucket], c.World.NewID("")
	if b.Uploads == nil {
		b.Uploads = map[string]*world.Upload{}
	}
	b.Uploads[id] = &world.Upload{Key: in.Key, Started: c.Now, Parts: map[int][]byte{}}
	return &uploadOutput{in.Bucket, in.Key, id, in.Algorithm, in.Kind}, nil
}

// upload returns an upload that is in progress, for writing if edit is set.
func upload(c *operation.Call, bucket, key, id string, edit bool) (*world.Bucket, *world.Upload, error) {
	owner, b := find(c.World, bucket)
	if b == nil {
		return nil, nil, noSuchBucket()
	}
	if edit {
		b = c.World.Edit(owner).Buckets[bucket]
	}
	u := b.Uploads[id]
	if u == nil || u.Key != key {
		return nil, nil, refuse("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return b, u, nil
}

func uploadPart(c *operation.Call, in *PartInput) (*PutObjectOutput, error) {
	_, u, err := upload(c, in.Bucket, in.Key, in.UploadID, true)
	if err != nil {
		return nil, err
	}
	u.Parts[in.Number] = in.Body
	return &PutObjectOutput{etag(in.Body)}, nil
}

func completeUpload(c *operation.Call, in *CompleteInput) (*CompleteOutput, error) {
	b, u, err := upload(c, in.Bucket, in.Key, in.UploadID, true)
	if err != nil {
		return nil, err
	}
	body, tag, err := joined(u, in.Parts)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(in.Sum.Value, "-") { // else it is a checksum of checksums
		if err := in.Sum.check(body); err != nil {
			return nil, err
		}
	}
	if _, there := b.Objects[in.Key]; there && in.IfNoneMatch == "*" {
		return nil, preconditionFailed()
	}
	delete(b.Uploads, in.UploadID)
	b.Put(in.Key, world.Object{Body: body, Modified: c.Now, ETag: tag})
	return &CompleteOutput{in.Bucket, in.Key, tag}, nil
}

// joined returns the object that consists of parts, and its entity tag.
// Source: Amazon S3 API Reference, CompleteMultipartUpload.
func joined(u *world.Upload, parts []Part) (body []byte, tag string, err error) {
	var hashes []byte
	for i, p := range parts {
		part, there := u.Parts[p.Number]
		switch {
		case i > 0 && p.Number <= parts[i-1].Number:
			return nil, "", refuse("InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be specified in order by part number.")
		case !there || strings.Trim(p.ETag, `"`) != strings.Trim(etag(part), `"`):
			return nil, "", refuse("InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case i < len(parts)-1 && len(part) < smallestPart:
			return nil, "", refuse("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		sum := md5.Sum(part)
		hashes, body = append(hashes, sum[:]...), append(body, part...)
	}
	sum := md5.Sum(hashes)
	return body, fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(sum[:]), len(parts)), nil
}

func abortUpload(c *operation.Call, in *UploadInput) (*EmptyOutput, error) {
	b, _, err := upload(c, in.Bucket, in.Key, in.UploadID, true)
	if err != nil {
		return nil, err
	}
	delete(b.Uploads, in.UploadID)
	return &EmptyOutput{}, nil
}

func listParts(c *operation.Call, in *PartsInput) (*PartsOutput, error) {
	_, u, err := upload(c, in.Bucket, in.Key, in.UploadID, false)
	if err != nil {
		return nil, err
	}
	size := c.PageSize(in.MaxParts, maxKeys, maxKeys)
	out := &PartsOutput{Bucket: in.Bucket, Key: in.Key, UploadID: in.UploadID, After: in.After}
	for _, number := range slices.Sorted(maps.Keys(u.Parts)) {
		switch {
		case number <= in.After:
			continue
		case len(out.Parts) == size:
			out.Next = out.Parts[size-1].Number
			return out, nil
		}
		out.Parts = append(out.Parts, Part{number, etag(u.Parts[number]), len(u.Parts[number])})
	}
	return out, nil
}

func listUploads(c *operation.Call, in *UploadsInput) (*UploadsOutput, error) {
	_, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	out := &UploadsOutput{Bucket: in.Bucket, Prefix: in.Prefix}
	for id, u := range b.Uploads {
		if strings.HasPrefix(u.Key, in.Prefix) {
			out.Uploads = append(out.Uploads, Upload{u.Key, id, u.Started.UTC().Format("2006-01-02T15:04:05.000Z")})
		}
	}
	slices.SortFunc(out.Uploads, func(x, y Upload) int { return strings.Compare(x.Key+"\x00"+x.UploadID, y.Key+"\x00"+y.UploadID) })
	return out, nil
}

// readMultipart returns the operation of a request about a multipart upload; ok is false
// when it is about something else.
func readMultipart(r *http.Request, bucket, key string, body []byte) (name string, in any, err error, ok bool) {
	query := r.URL.Query()
	id := query.Get("uploadId")
	switch {
	case bucket == "" || !query.Has("uploads") && !query.Has("uploadId"):
		return "", nil, nil, false
	case query.Has("uploads") && key == "" && r.Method == http.MethodGet:
		return "ListMultipartUploads", &UploadsInput{bucket, query.Get("prefix")}, nil, true
	case key == "":
	case query.Has("uploads") && r.Method == http.MethodPost:
		return "CreateMultipartUpload", &UploadInput{bucket, key, "", r.Header.Get("X-Amz-Checksum-Algorithm"), r.Header.Get("X-Amz-Checksum-Type")}, nil, true
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") == "":
		number, _ := strconv.Atoi(query.Get("partNumber")) // 0 is refused
		sum, err := sumOf(r)
		return "UploadPart", &PartInput{bucket, key, id, number, body, r.Header.Get("Content-Md5"), sum}, err, true
	case r.Method == http.MethodPost:
		return readComplete(r, bucket, key, id, body)
	case r.Method == http.MethodDelete:
		return "AbortMultipartUpload", &UploadInput{Bucket: bucket, Key: key, UploadID: id}, nil, true
	case r.Method == http.MethodGet:
		return readParts(query, bucket, key, id)
	}
	return "", nil, nil, true
}

func readComplete(r *http.Request, bucket, key, id string, body []byte) (string, any, error, bool) {
	sum, err := sumOf(r)
	in := &CompleteInput{Bucket: bucket, Key: key, UploadID: id, IfNoneMatch: r.Header.Get("If-None-Match"), Sum: sum}
	var list struct {
		Parts []Part `xml:"Part"`
	}
	if xml.Unmarshal(body, &list) == nil {
		in.Parts = list.Parts
	}
	return "CompleteMultipartUpload", in, err, true
}

func readParts(query url.Values, bucket, key, id string) (string, any, error, bool) {
	in := &PartsInput{Bucket: bucket, Key: key, UploadID: id}
	for name, into := range map[string]*int{"part-number-marker": &in.After, "max-parts": &in.MaxParts} {
		if text := query.Get(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 31)
			if err != nil {
				return "ListParts", in, refuse("InvalidArgument", "Provided "+name+" not an integer or within integer range"), true
			}
			*into = int(n)
		}
	}
	return "ListParts", in, nil, true
}

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// writeMultipart writes the outputs of multipart uploads.
func writeMultipart(w http.ResponseWriter, out any) {
	switch out := out.(type) {
	case *uploadOutput:
		for name, value := range map[string]string{"X-Amz-Checksum-Algorithm": out.Algorithm, "X-Amz-Checksum-Type": out.Kind} {
			if value != "" {
				w.Header().Set(name, value)
			}
		}
		writeXML(w, struct {
			XMLName   xml.Name `xml:"InitiateMultipartUploadResult"`
			Namespace string   `xml:"xmlns,attr"`
			Bucket    string   `xml:"Bucket"`
			Key       string   `xml:"Key"`
			UploadID  string   `xml:"UploadId"`
		}{Namespace: namespace, Bucket: out.Bucket, Key: out.Key, UploadID: out.UploadID})
	case *CompleteOutput:
		writeXML(w, struct {
			XMLName   xml.Name `xml:"CompleteMultipartUploadResult"`
			Namespace string   `xml:"xmlns,attr"`
			Location  string   `xml:"Location"`
			Bucket    string   `xml:"Bucket"`
			Key       string   `xml:"Key"`
			ETag      string   `xml:"ETag"`
		}{Namespace: namespace, Location: "https://" + out.Bucket + ".s3.amazonaws.com/" + url.PathEscape(out.Key), Bucket: out.Bucket, Key: out.Key, ETag: out.ETag})
	case *PartsOutput:
		writeXML(w, struct {
			XMLName   xml.Name `xml:"ListPartsResult"`
			Namespace string   `xml:"xmlns,attr"`
			Bucket    string   `xml:"Bucket"`
			Key       string   `xml:"Key"`
			UploadID  string   `xml:"UploadId"`
			After     int      `xml:"PartNumberMarker"`
			Next      *int     `xml:"NextPartNumberMarker"`
			Truncated bool     `xml:"IsTruncated"`
			Parts     []Part   `xml:"Part"`
		}{Namespace: namespace, Bucket: out.Bucket, Key: out.Key, UploadID: out.UploadID, After: out.After, Next: next(out), Truncated: out.Next != 0, Parts: out.Parts})
	case *UploadsOutput:
		writeXML(w, struct {
			XMLName   xml.Name `xml:"ListMultipartUploadsResult"`
			Namespace string   `xml:"xmlns,attr"`
			Bucket    string   `xml:"Bucket"`
			Prefix    string   `xml:"Prefix"`
			Truncated bool     `xml:"IsTruncated"`
			Uploads   []Upload `xml:"Upload"`
		}{Namespace: namespace, Bucket: out.Bucket, Prefix: out.Prefix, Uploads: out.Uploads})
	}
}

func next(out *PartsOutput) *int {
	if out.Next == 0 {
		return nil
	}
	return aws.Int(out.Next)
}

func writeXML(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte(xml.Header)) // the client may have gone
	_ = xml.NewEncoder(w).Encode(value)
}
