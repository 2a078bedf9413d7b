package emulator

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
)

const (
	streamingSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	emptyHash                = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// unchunk decodes an aws-chunked body and checks the signature of every chunk
// where chunks are signed. Trailing checksums are not checked.
// Source: S3 API Reference, "Signature calculations: transferring a payload in
// multiple chunks".
func (s *signature) unchunk(body, key []byte) ([]byte, *refusal) {
	if s.payload != streamingSigned && s.payload != streamingSignedTrailer && s.payload != streamingUnsignedTrailer {
		return nil, refuse(malformed, "x-amz-content-sha256 %q is not a known form of payload.", s.payload)
	}
	signed := s.payload != streamingUnsignedTrailer
	var out []byte
	for previous := s.value; ; {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		size, value, valid := chunkHeader(string(line))
		if !ok || !valid || size > len(rest) {
			return nil, refuse(malformed, "The aws-chunked body is incomplete.")
		}
		chunk := rest[:size]
		if signed && !s.chunkMatches(key, previous, value, chunk) {
			return nil, refuse(wrongSignature, "%s", mismatch)
		}
		if size == 0 {
			return out, nil
		}
		out, previous = append(out, chunk...), value
		if body, ok = bytes.CutPrefix(rest[size:], []byte("\r\n")); !ok {
			return nil, refuse(malformed, "The aws-chunked body is incomplete.")
		}
	}
}

func chunkHeader(line string) (size int, value string, ok bool) {
	text, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(text, 16, 31)
	return int(n), strings.TrimPrefix(extension, "chunk-signature="), err == nil
}

func (s *signature) chunkMatches(key []byte, previous, value string, chunk []byte) bool {
	sum := sha256.Sum256(chunk)
	text := strings.Join([]string{
		"AWS4-HMAC-SHA256-PAYLOAD", s.signed.Format(amzDate), s.scope(), previous, emptyHash, hex.EncodeToString(sum[:]),
	}, "\n")
	want := hex.EncodeToString(mac(key, text))
	return subtle.ConstantTimeCompare([]byte(want), []byte(value)) == 1
}
