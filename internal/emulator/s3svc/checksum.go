package s3svc

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"math/bits"
	"net/http"
	"strings"
	"sync"
)

// A Sum is a checksum that came with a body: in a header, or in the trailer of an
// aws-chunked one. The zero value is none.
type Sum struct{ Algorithm, Value string }

const checksumHeader = "X-Amz-Checksum-"

// nvme is the polynomial of CRC-64/NVME.
var nvme = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(bits.Reverse64(0xad93d23594c93659)) })

// sums makes the checksums by the end of their header.
// Source: Amazon S3 User Guide, "Checking object integrity for data uploads".
var sums = map[string]func() hash.Hash{
	"Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"Crc64nvme": func() hash.Hash { return crc64.New(nvme()) },
	"Sha1":      sha1.New,
	"Sha256":    sha256.New,
}

// sumOf returns the checksum of a request.
func sumOf(r *http.Request) (Sum, error) {
	var found Sum
	for algorithm := range sums {
		values := r.Header.Values(checksumHeader + algorithm)
		switch {
		case len(values) == 0:
		case len(values) > 1 || found.Algorithm != "":
			return Sum{}, refuse("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		default:
			found = Sum{algorithm, values[0]}
		}
	}
	return found, nil
}

// check refuses a body with another checksum.
// Source: Amazon S3 API Reference, "Error responses", BadDigest.
func (s Sum) check(body []byte) error {
	if s.Algorithm == "" {
		return nil
	}
	h := sums[s.Algorithm]()
	h.Write(body)
	want, err := base64.StdEncoding.DecodeString(s.Value)
	if err != nil || len(want) != h.Size() {
		return refuse("InvalidRequest", "Value for "+strings.ToLower(checksumHeader+s.Algorithm)+" header is invalid.")
	}
	if string(h.Sum(nil)) != string(want) {
		return refuse("BadDigest", "The "+strings.ToUpper(s.Algorithm)+" you specified did not match the calculated checksum.")
	}
	return nil
}
