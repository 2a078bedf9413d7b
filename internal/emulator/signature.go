package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	algorithm       = "AWS4-HMAC-SHA256"
	asymmetric      = "AWS4-ECDSA-P256-SHA256" // SigV4a, for several Regions
	noAsymmetric    = "The request signature version is not supported: AWS4-ECDSA-P256-SHA256. Sign the request with " + algorithm + "."
	amzDate         = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	streaming       = "STREAMING-"
	maxPresigned    = 7 * 24 * time.Hour
)

// A signature holds the parsed authentication of a request.
// Source: IAM User Guide, "AWS Signature Version 4 for API requests".
type signature struct {
	key, region, service string
	date                 string // of the scope
	signed               time.Time
	headers              []string // signed ones, lower case, as listed
	value                string   // in hexadecimal
	token                string
	presigned            bool
	expires              time.Duration // of a presigned request
	payload              string        // as it was signed
}

// scope returns the credential scope of the signature.
func (s *signature) scope() string {
	return s.date + "/" + s.region + "/" + s.service + "/aws4_request"
}

// parseSignature parses a request's signature; nil without one. One that is refused has the
// service if it could be read, because each has codes of its own.
func parseSignature(r *http.Request) (*signature, *refusal) {
	headers, query := r.Header.Values("Authorization"), r.URL.Query()
	presigned := query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Signature")
	switch {
	case len(headers) > 1, len(headers) == 1 && presigned:
		return nil, refuse(badSignature, "A request has one signature: in one Authorization header, or in the query string.")
	case len(headers) == 1 && headers[0] != "":
		return headerSignature(r, headers[0])
	case presigned:
		return querySignature(query)
	}
	return nil, nil
}

func headerSignature(r *http.Request, header string) (*signature, *refusal) {
	name, rest, _ := strings.Cut(header, " ")
	if name == asymmetric {
		return nil, refuse(badSignature, noAsymmetric)
	}
	if name != algorithm {
		return nil, refuse(badSignature, "Authorization header requires %q as its algorithm.", algorithm)
	}
	s := &signature{token: r.Header.Get("X-Amz-Security-Token")}
	fields := map[string]string{}
	missing := ""
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = value
	}
	for _, key := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[key] == "" {
			missing += "Authorization header requires '" + key + "' parameter. "
		}
	}
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		date = rewriteDate(r.Header.Get("Date"))
	}
	if date == "" {
		missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
	}
	if missing != "" {
		return scoped(fields["Credential"]), refuse(badSignature, "%sAuthorization=%s", missing, name)
	}
	return s.fill(fields["Credential"], fields["SignedHeaders"], fields["Signature"], date)
}

// scoped is a signature that cannot be parsed, with the service of its credential; nil: it
// names none.
func scoped(credential string) *signature {
	if parts := strings.Split(credential, "/"); len(parts) == 5 {
		return &signature{service: parts[3]}
	}
	return nil
}

// rewriteDate converts an HTTP date to the form of X-Amz-Date; empty when it is
// not a date.
func rewriteDate(text string) string {
	t, err := http.ParseTime(text)
	if err != nil {
		return ""
	}
	return t.UTC().Format(amzDate)
}

func querySignature(q url.Values) (*signature, *refusal) {
	known := scoped(q.Get("X-Amz-Credential"))
	if q.Get("X-Amz-Algorithm") == asymmetric {
		return known, refuse(badQuery, noAsymmetric)
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return known, refuse(badQuery, "X-Amz-Algorithm must be %q.", algorithm)
	}
	for _, key := range []string{"X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date"} {
		if len(q[key]) != 1 || q.Get(key) == "" {
			return known, refuse(badQuery, "AWS query-string parameters must include '%s' once.", key)
		}
	}
	if known != nil && known.service == "s3" && q.Get("X-Amz-Expires") == "" {
		return known, refuse(badQuery, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	s := &signature{presigned: true, token: q.Get("X-Amz-Security-Token"), expires: 15 * time.Minute}
	if text := q.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxPresigned {
			return known, refuse(badQuery, "X-Amz-Expires must be a number of seconds up to a week.")
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	return s.fill(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Date"))
}

func (s *signature) fill(credential, headers, value, date string) (*signature, *refusal) {
	parts, bad := strings.Split(credential, "/"), badSignature
	if s.presigned {
		bad = badQuery
	}
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return scoped(credential), refuse(bad, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	s.key, s.date, s.region, s.service = parts[0], parts[1], parts[2], parts[3]
	signed, err := time.Parse(amzDate, date)
	if err != nil {
		return s, refuse(bad, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", date)
	}
	if s.date != date[:8] {
		return s, refuse(wrongSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	}
	s.signed, s.value, s.headers = signed, value, strings.Split(headers, ";")
	if !slices.Contains(s.headers, "host") {
		return s, refuse(bad, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return s, nil
}

// checkAge refuses a request that was signed too long before or after now.
// Source: IAM User Guide, "Elements of an AWS API request signature" (five
// minutes); S3 API Reference, RequestTimeTooSkewed (fifteen).
func (s *signature) checkAge(now time.Time) *refusal {
	window := 5 * time.Minute
	if s.service == "s3" {
		window = 15 * time.Minute
	}
	oldest := now.Add(-window)
	if s.presigned {
		oldest = now.Add(-s.expires)
	}
	switch {
	case s.signed.Before(oldest) && s.presigned && s.service == "s3":
		return refuse(denied, "Request has expired")
	case s.service == "s3" && (s.signed.Before(oldest) || s.signed.After(now.Add(window))):
		return refuse(skewed, "The difference between the request time and the current time is too large.")
	case s.signed.Before(oldest):
		return refuse(skewed, "Signature expired: %s is now earlier than %s (%s - %.0f min.)",
			s.signed.Format(amzDate), oldest.Format(amzDate), now.Format(amzDate), now.Sub(oldest).Minutes())
	case s.signed.After(now.Add(window)):
		return refuse(skewed, "Signature not yet current: %s is still later than %s (%s + %.0f min.)",
			s.signed.Format(amzDate), now.Add(window).Format(amzDate), now.Format(amzDate), window.Minutes())
	}
	return nil
}

const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// verify checks the signature of a request with this body, and decodes an
// aws-chunked body.
func (s *signature) verify(r *http.Request, body []byte, keys *signingKeys, secret string) ([]byte, *refusal) {
	if why := s.checkHeaders(r); why != nil {
		return nil, why
	}
	if why := s.hashPayload(r, body); why != nil {
		return nil, why
	}
	key := keys.derive(secret, s)
	text := algorithm + "\n" + s.signed.Format(amzDate) + "\n" + s.scope() + "\n" + hexHash([]byte(s.canonical(r)))
	want := hex.EncodeToString(mac(key, text))
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.value)) != 1 {
		return nil, refuse(wrongSignature, "%s", mismatch)
	}
	if strings.HasPrefix(s.payload, streaming) {
		return s.unchunk(r, body, key)
	}
	return body, nil
}

// checkHeaders refuses an unsigned header that AWS acts on, of presigned requests too:
// whoever has the URL must not add to what its signer allowed.
// Source: Amazon S3 API Reference, "Authenticating requests: using query parameters".
func (s *signature) checkHeaders(r *http.Request) *refusal {
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(s.headers, lower) {
			return refuse(denied, "There were headers present in the request which were not signed: %s", lower)
		}
	}
	return nil
}

// hashPayload returns the body's representation in the signature, and refuses a
// body whose hash differs from its header.
func (s *signature) hashPayload(r *http.Request, body []byte) *refusal {
	declared := r.Header.Get("X-Amz-Content-Sha256")
	if declared == "" && s.presigned && s.service == "s3" {
		declared = unsignedPayload
	}
	if s.service == "s3" {
		if why := checkDeclared(declared, body); why != nil {
			return why
		}
	}
	if declared == unsignedPayload || strings.HasPrefix(declared, streaming) {
		if s.service != "s3" {
			return refuse(wrongSignature, "%s", mismatch)
		}
		s.payload = declared
		return nil
	}
	s.payload = hexHash(body)
	if declared != "" && declared != s.payload {
		return refuse(wrongSignature, "%s", mismatch)
	}
	return nil
}

// checkDeclared refuses an x-amz-content-sha256 that S3 refuses before it compares the
// signature.
// Source: Amazon S3 API Reference, "Common Request Headers": it must be sent; "Error
// responses", XAmzContentSHA256Mismatch.
func checkDeclared(declared string, body []byte) *refusal {
	if declared == "" {
		return refuse(malformed, "Missing required header for this request: x-amz-content-sha256")
	}
	if declared == unsignedPayload || strings.HasPrefix(declared, streaming) {
		return nil
	}
	want, err := hex.DecodeString(declared)
	if sum := sha256.Sum256(body); err != nil || len(want) != len(sum) || strings.ToLower(declared) != declared {
		return refuse(noHash, hashForms)
	} else if string(want) != string(sum[:]) {
		return refuse(wrongHash, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}

// canonical returns the canonical request.
func (s *signature) canonical(r *http.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + s.canonicalPath(r) + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.headers {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.headers, ";") + "\n" + s.payload)
	return b.String()
}

// canonicalPath returns the path encoded once more than it was sent; S3's is
// encoded once.
func (s *signature) canonicalPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	if s.service == "s3" {
		path = r.URL.Path
	}
	if path == "" {
		return "/"
	}
	return encode(path, true)
}

func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = decode(name), decode(value)
		if name != "X-Amz-Signature" && pair != "" {
			pairs = append(pairs, encode(name, false)+"="+encode(value, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func decode(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text // unchanged; the signature will not match
	}
	return plain
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	var values []string
	for _, value := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(values, ",")
}

// encode percent-encodes everything except unreserved characters (RFC 3986).
func encode(text string, keepSlash bool) string {
	const hexadecimal = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexadecimal[c>>4])
			b.WriteByte(hexadecimal[c&15])
		}
	}
	return b.String()
}

// signingKeys caches derived keys: one is valid for a day, a region and a
// service.
type signingKeys struct {
	mu      sync.Mutex
	derived map[[2]string][]byte // by secret and scope
}

const maxSigningKeys = 10_000

func (k *signingKeys) derive(secret string, s *signature) []byte {
	id := [2]string{secret, s.scope()}
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.derived[id]; ok {
		return key
	}
	if k.derived == nil || len(k.derived) >= maxSigningKeys {
		k.derived = map[[2]string][]byte{}
	}
	key := mac([]byte("AWS4"+secret), s.date)
	for _, part := range []string{s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	k.derived[id] = key
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
