package emulator

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

const (
	streamingSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	emptyHash                = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// hashForms is the message of S3's InvalidArgument for x-amz-content-sha256. It accepts the
// asymmetric forms too, which are not here.
const hashForms = "x-amz-content-sha256 must be " + unsignedPayload + ", " + streamingUnsignedTrailer + ", " + streamingSigned + ", " + streamingSignedTrailer + " or a valid sha256 value."

// incompleteText is the message of S3's IncompleteBody.
const incompleteText = "You did not provide the number of bytes specified by the Content-Length HTTP header."

// unchunk decodes an aws-chunked body, and checks the signature of every chunk and of the
// trailer where they are signed. The checksums of the trailer become headers of the request.
// Source: S3 API Reference, "Signature calculations: transferring a payload in
// multiple chunks".
func (s *signature) unchunk(r *http.Request, body, key []byte) ([]byte, *refusal) {
	if s.payload != streamingSigned && s.payload != streamingSignedTrailer && s.payload != streamingUnsignedTrailer {
		return nil, refuse(noHash, hashForms)
	}
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return nil, refuse(noLength, "You must provide the Content-Length HTTP header.")
	}
	out, rest, last, why := s.chunks(body, key)
	switch {
	case why != nil:
		return nil, why
	case int64(len(out)) != length:
		return nil, refuse(incomplete, incompleteText)
	}
	return out, s.trailer(r, rest, key, last)
}

// chunks returns what the chunks contain, what follows them, and the signature of the last.
func (s *signature) chunks(body, key []byte) (out, rest []byte, last string, why *refusal) {
	signed := s.payload != streamingUnsignedTrailer
	for previous := s.value; ; {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		size, value, valid := chunkHeader(string(line))
		if !ok || !valid || size > len(rest) {
			return nil, nil, "", refuse(incomplete, incompleteText)
		}
		chunk := rest[:size]
		if signed && !s.chunkMatches(key, previous, value, chunk) {
			return nil, nil, "", refuse(wrongSignature, "%s", mismatch)
		}
		if size == 0 {
			return out, rest, value, nil
		}
		out, previous = append(out, chunk...), value
		if body, ok = bytes.CutPrefix(rest[size:], []byte("\r\n")); !ok {
			return nil, nil, "", refuse(incomplete, incompleteText)
		}
	}
}

// trailerSignature is the name of the signature of a trailer.
const trailerSignature = "x-amz-trailer-signature"

// trailer reads what follows the last chunk: the headers that X-Amz-Trailer names, and
// their signature if the chunks are signed.
// Source: S3 API Reference, "Signature calculations for the Authorization header: including
// trailing headers (chunked upload)"; "Error responses", MalformedTrailerError.
func (s *signature) trailer(r *http.Request, text, key []byte, previous string) *refusal {
	bad := refuse(badTrailer, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
	named := map[string]bool{}
	if s.payload != streamingSigned {
		for name := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				named[name] = true
			}
		}
	}
	signed, value := "", ""
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		name, field, ok := strings.Cut(string(line), ":")
		name, field = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(field)
		switch {
		case len(line) == 0:
			continue
		case ok && name == trailerSignature && s.payload == streamingSignedTrailer && value == "":
			value = field
			continue
		case !ok || !named[name] || !strings.HasPrefix(name, "x-amz-checksum-") || value != "":
			return bad
		}
		delete(named, name)
		signed += name + ":" + field + "\n"
		r.Header.Add(name, field)
	}
	if len(named) > 0 {
		return bad
	}
	if s.payload == streamingSignedTrailer && !s.trailerMatches(key, previous, value, signed) {
		return refuse(wrongSignature, "%s", mismatch)
	}
	return nil
}

func chunkHeader(line string) (size int, value string, ok bool) {
	text, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(text, 16, 31)
	return int(n), strings.TrimPrefix(extension, "chunk-signature="), err == nil
}

func (s *signature) trailerMatches(key []byte, previous, value, trailer string) bool {
	return s.follows(key, value, "AWS4-HMAC-SHA256-TRAILER", previous, hexHash([]byte(trailer)))
}

func (s *signature) chunkMatches(key []byte, previous, value string, chunk []byte) bool {
	return s.follows(key, value, "AWS4-HMAC-SHA256-PAYLOAD", previous, emptyHash, hexHash(chunk))
}

// follows reports whether value is the signature of a part of the body: of its kind, of the
// signature before it, and of hashes.
func (s *signature) follows(key []byte, value, kind, previous string, hashes ...string) bool {
	text := append([]string{kind, s.signed.Format(amzDate), s.scope(), previous}, hashes...)
	want := hex.EncodeToString(mac(key, strings.Join(text, "\n")))
	return subtle.ConstantTimeCompare([]byte(want), []byte(value)) == 1
}

// hexHash is the SHA-256 of data in hexadecimal.
func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
