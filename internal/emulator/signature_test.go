package emulator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"forcemfa/internal/emulator/world"
)

// A signed is a request with the signer's choices.
type signed struct {
	method, url, body string
	header            http.Header
	service           string
	creds             aws.Credentials
	at                time.Time
	payload           string // hash; empty: the body's
}

const getUser = "Action=GetUser&Version=2010-05-08&UserName=bob"

func alice() aws.Credentials {
	return aws.Credentials{AccessKeyID: keyOf("alice"), SecretAccessKey: "secret of alice"}
}

// iamRequest is a request for GetUser, signed well.
func iamRequest() signed {
	return signed{
		method: "POST", url: "https://iam.amazonaws.com/", body: getUser, service: "iam", creds: alice(), at: noon,
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

func s3Request(path string) signed {
	return signed{
		method: "GET", url: "https://s3.us-east-1.amazonaws.com" + path, service: "s3", creds: alice(), at: noon,
		header: http.Header{"X-Amz-Content-Sha256": {hashOf("")}},
	}
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func (s signed) request(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequest(s.method, s.url, strings.NewReader(s.body))
	for name, values := range s.header {
		r.Header[name] = values
	}
	return r
}

func (s signed) hash() string {
	if s.payload != "" {
		return s.payload
	}
	return hashOf(s.body)
}

// signer escapes as S3 wants it where it is for S3.
func (s signed) signer(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.service == "s3" }

// sign is the request with the SDK's signature in its header.
func (s signed) sign(t *testing.T) *http.Request {
	t.Helper()
	r := s.request(t)
	if err := v4.NewSigner(s.signer).SignHTTP(context.Background(), s.creds, r, s.hash(), s.service, "us-east-1", s.at); err != nil {
		t.Fatal(err)
	}
	return r
}

// presign is the request with the SDK's signature in its query.
func (s signed) presign(t *testing.T, expires string) *http.Request {
	t.Helper()
	r := s.request(t)
	if expires != "" {
		query := r.URL.Query()
		query.Set("X-Amz-Expires", expires)
		r.URL.RawQuery = query.Encode()
	}
	url, header, err := v4.NewSigner(s.signer).PresignHTTP(context.Background(), s.creds, r, s.hash(), s.service, "us-east-1", s.at)
	if err != nil {
		t.Fatal(err)
	}
	out := httptest.NewRequest(s.method, url, strings.NewReader(s.body))
	for name, values := range header {
		if name != "Host" {
			out.Header[name] = values
		}
	}
	for name, values := range s.header {
		out.Header[name] = values
	}
	return out
}

func serve(c *Cloud, r *http.Request) (status int, body string) {
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func atNoon(t testing.TB) *Cloud {
	return newCloud(t, Options{Clock: func() time.Time { return noon }})
}

func TestSignatures(t *testing.T) {
	object := "/data-222222222222/orders.csv"
	for _, row := range []struct {
		name   string
		change func(*testing.T, *signed) *http.Request
		status int
		want   string
	}{
		{"good", func(t *testing.T, s *signed) *http.Request { return s.sign(t) }, 200, "<UserName>bob</UserName>"},
		{"four minutes old", func(t *testing.T, s *signed) *http.Request {
			s.at = noon.Add(-4 * time.Minute)
			return s.sign(t)
		}, 200, "<UserName>bob</UserName>"},
		{"parameters in the query string", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body = "GET", s.url+"?"+s.body, ""
			return s.sign(t)
		}, 200, "<UserName>bob</UserName>"},
		{"presigned", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body = "GET", s.url+"?"+s.body, ""
			return s.presign(t, "")
		}, 200, "<UserName>bob</UserName>"},
		{"none", func(t *testing.T, s *signed) *http.Request { return s.request(t) }, 403, "<Code>MissingAuthenticationToken</Code>"},
		{"wrong secret", func(t *testing.T, s *signed) *http.Request {
			s.creds.SecretAccessKey = "secret of bob"
			return s.sign(t)
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"unknown key", func(t *testing.T, s *signed) *http.Request {
			s.creds.AccessKeyID = "AKIANOBODY0000000000"
			return s.sign(t)
		}, 403, "<Code>InvalidClientTokenId</Code>"},
		{"a token that a long-term key does not have", func(t *testing.T, s *signed) *http.Request {
			s.creds.SessionToken = "token"
			return s.sign(t)
		}, 403, "<Code>InvalidClientTokenId</Code>"},
		{"body changed", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(getUser, "bob", "fay", 1)))
			return r
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"query changed", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body = "GET", s.url+"?"+s.body, ""
			r := s.sign(t)
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "bob", "fay", 1)
			return r
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"host changed", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Host = "sts.amazonaws.com"
			return r
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"header added", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Set("X-Amz-Target", "Some.Thing")
			return r
		}, 403, "<Code>AccessDenied</Code>"},
		{"six minutes old", func(t *testing.T, s *signed) *http.Request {
			s.at = noon.Add(-6 * time.Minute)
			return s.sign(t)
		}, 403, "Signature expired: 20260304T115400Z is now earlier than 20260304T115500Z (20260304T120000Z - 5 min.)"},
		{"six minutes early", func(t *testing.T, s *signed) *http.Request {
			s.at = noon.Add(6 * time.Minute)
			return s.sign(t)
		}, 403, "Signature not yet current"},
		{"scope of another day", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/20260304/", "/20260303/", 1))
			return r
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"no signed headers", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keyOf("alice")+"/20260304/us-east-1/iam/aws4_request, Signature=00")
			return r
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"host not signed", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";host;", ";", 1))
			return r
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"another algorithm", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Set("Authorization", "Bearer token")
			return r
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"presigned and out of date", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body, s.at = "GET", s.url+"?"+s.body, "", noon.Add(-61*time.Second)
			return s.presign(t, "60")
		}, 403, "Signature expired"},
		{"header added to a presigned request", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body = "GET", s.url+"?"+s.body, ""
			r := s.presign(t, "")
			r.Header.Set("X-Amz-Target", "Some.Thing")
			return r
		}, 403, "There were headers present in the request which were not signed: x-amz-target"},
		{"header added to a presigned request of S3", func(t *testing.T, s *signed) *http.Request {
			*s = s3Request(object)
			s.header, s.payload = nil, unsignedPayload
			r := s.presign(t, "60")
			r.Header.Set("X-Amz-Acl", "public-read")
			return r
		}, 403, "<Code>AccessDenied</Code>"},
		{"two signatures", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Add("Authorization", r.Header.Get("Authorization"))
			return r
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"an empty second signature", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Add("Authorization", "")
			return r
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"an empty first signature", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header["Authorization"] = []string{"", r.Header.Get("Authorization")}
			return r
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"presigned with a signature in the header", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body = "GET", s.url+"?"+s.body, ""
			header := s.sign(t).Header.Get("Authorization")
			r := s.presign(t, "")
			r.Header.Set("Authorization", header)
			return r
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"SigV4a", func(t *testing.T, s *signed) *http.Request {
			r := s.sign(t)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), algorithm, asymmetric, 1))
			return r
		}, 400, "not supported: AWS4-ECDSA-P256-SHA256"},
		{"SigV4a presigned", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body = "GET", s.url+"?"+s.body, ""
			r := s.presign(t, "")
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, algorithm, asymmetric, 1)
			return r
		}, 400, "not supported: AWS4-ECDSA-P256-SHA256"},
		{"presigned for more than a week", func(t *testing.T, s *signed) *http.Request {
			s.method, s.url, s.body = "GET", s.url+"?"+s.body, ""
			return s.presign(t, "604801")
		}, 400, "<Code>IncompleteSignature</Code>"},
		{"unsigned payload outside S3", func(t *testing.T, s *signed) *http.Request {
			s.payload = unsignedPayload
			s.header.Set("X-Amz-Content-Sha256", unsignedPayload)
			return s.sign(t)
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"S3", func(t *testing.T, s *signed) *http.Request { *s = s3Request(object); return s.sign(t) }, 200, "order,customer"},
		{"S3 with a virtual host", func(t *testing.T, s *signed) *http.Request {
			*s = s3Request("/orders.csv")
			s.url = "https://data-222222222222.s3.us-east-1.amazonaws.com/orders.csv"
			return s.sign(t)
		}, 200, "order,customer"},
		{"S3 presigned", func(t *testing.T, s *signed) *http.Request {
			*s = s3Request(object)
			s.header, s.payload = nil, unsignedPayload
			return s.presign(t, "60")
		}, 200, "order,customer"},
		{"S3 presigned and out of date", func(t *testing.T, s *signed) *http.Request {
			*s = s3Request(object)
			s.header, s.payload, s.at = nil, unsignedPayload, noon.Add(-2*time.Minute)
			return s.presign(t, "60")
		}, 403, "Request has expired"},
		{"S3 fourteen minutes old", func(t *testing.T, s *signed) *http.Request {
			*s = s3Request(object)
			s.at = noon.Add(-14 * time.Minute)
			return s.sign(t)
		}, 200, "order,customer"},
		{"S3 sixteen minutes old", func(t *testing.T, s *signed) *http.Request {
			*s = s3Request(object)
			s.at = noon.Add(-16 * time.Minute)
			return s.sign(t)
		}, 403, "<Code>RequestTimeTooSkewed</Code>"},
		{"S3 without a signature", func(t *testing.T, s *signed) *http.Request {
			*s = s3Request(object)
			s.header = nil
			return s.request(t)
		}, 403, "<Code>AccessDenied</Code><Message>Access Denied"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := iamRequest()
			status, body := serve(atNoon(t), row.change(t, &s))
			if status != row.status || !strings.Contains(body, row.want) {
				t.Errorf("status %d, want %d and %q:\n%s", status, row.status, row.want, body)
			}
		})
	}
}

// Each service says in its own code what is wrong with a signature, also where it cannot be
// parsed.
func TestTamperedSignaturesOfS3(t *testing.T) {
	const object = "/data-222222222222/orders.csv"
	header := func(change func(*http.Request)) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			r := s3Request(object).sign(t)
			change(r)
			return r
		}
	}
	authorization := func(old, with string) func(*testing.T) *http.Request {
		return header(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
		})
	}
	hash := func(value string) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			s := s3Request(object)
			s.payload = value
			s.header = http.Header{"X-Amz-Content-Sha256": {value}}
			if value == "" {
				s.header = nil
			}
			return s.sign(t)
		}
	}
	query := func(change func(url.Values)) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			s := s3Request(object)
			s.header, s.payload = nil, unsignedPayload
			r := s.presign(t, "60")
			q := r.URL.Query()
			change(q)
			r.URL.RawQuery = q.Encode()
			return r
		}
	}
	token := func(token string, presigned bool) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			s := s3Request(object)
			s.creds.SessionToken = token
			if !presigned {
				return s.sign(t)
			}
			s.header, s.payload = nil, unsignedPayload
			return s.presign(t, "60")
		}
	}
	for _, row := range []struct {
		name    string
		request func(*testing.T) *http.Request
		status  int
		want    string
	}{
		{"unchanged", header(func(*http.Request) {}), 200, "order,customer"},
		{"unchanged, presigned", query(func(url.Values) {}), 200, "order,customer"},
		{"an unsigned payload", hash(unsignedPayload), 200, "order,customer"},
		{"no hash of the body", hash(""), 400, "<Code>InvalidRequest</Code><Message>Missing required header for this request: x-amz-content-sha256"},
		{"the hash of another body", hash(hashOf("other")), 400, "<Code>XAmzContentSHA256Mismatch</Code>"},
		{"a hash in capitals", hash(strings.ToUpper(hashOf(""))), 400, "<Code>InvalidArgument</Code><Message>x-amz-content-sha256 must be UNSIGNED-PAYLOAD"},
		{"a hash that is too short", hash(hashOf("")[2:]), 400, "<Code>InvalidArgument</Code>"},
		{"a hash that is a word", hash("required"), 400, "<Code>InvalidArgument</Code>"},
		{"an unsigned payload in lower case", hash("unsigned-payload"), 400, "<Code>InvalidArgument</Code>"},
		{"the hash replaced by that of an unsigned payload", header(func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", unsignedPayload) }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"no signed headers", authorization("SignedHeaders=", "Headers="), 400, "<Code>AuthorizationHeaderMalformed</Code>"},
		{"no signature", authorization("Signature=", "Sign="), 400, "<Code>AuthorizationHeaderMalformed</Code>"},
		{"a scope of four parts", authorization("/us-east-1/", "/"), 400, "must have exactly 5 slash-delimited elements"},
		{"another terminator", authorization("/aws4_request", "/aws5_request"), 400, "<Code>AuthorizationHeaderMalformed</Code>"},
		{"another Region", authorization("/us-east-1/", "/eu-west-1/"), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"another day", authorization("/20260304/", "/20260305/"), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a signature in capitals", header(func(r *http.Request) {
			before, value, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", before+"Signature="+strings.ToUpper(value))
		}), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a shorter signature", header(func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")[:150]) }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"no date", header(func(r *http.Request) { r.Header.Del("X-Amz-Date") }), 400, "requires existence of either a 'X-Amz-Date' or a 'Date' header"},
		{"a date in another form", header(func(r *http.Request) { r.Header.Set("X-Amz-Date", "2026-03-04T12:00:00Z") }), 400, "Got '2026-03-04T12:00:00Z'"},
		{"another date of the day", header(func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260304T120001Z") }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a second value of a signed header", header(func(r *http.Request) { r.Header.Add("X-Amz-Date", "20260304T120000Z") }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a method that was not signed", header(func(r *http.Request) { r.Method = "HEAD" }), 403, ""},
		{"a path of another object", header(func(r *http.Request) { r.URL.Path = "/data-222222222222/other.csv" }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a path with an escaped letter", header(func(r *http.Request) { r.URL.RawPath = "/data-222222222222/%6Frders.csv" }), 200, "order,customer"},
		{"a path with two slashes", header(func(r *http.Request) { r.URL.Path = "//data-222222222222/orders.csv" }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a parameter that was not signed", header(func(r *http.Request) { r.URL.RawQuery = "acl" }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a token that the key does not have", token("token", false), 400, "<Code>InvalidToken</Code>"},
		{"a token that the key does not have, presigned", token("token", true), 400, "<Code>InvalidToken</Code>"},
		{"a token that was not signed", header(func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "token") }), 400, "<Code>InvalidToken</Code>"},
		{"presigned, a token in the header", func(t *testing.T) *http.Request {
			r := query(func(url.Values) {})(t)
			r.Header.Set("X-Amz-Security-Token", "token")
			return r
		}, 403, "<Code>AccessDenied</Code>"},
		{"presigned, an unknown key", query(func(q url.Values) {
			q.Set("X-Amz-Credential", strings.Replace(q.Get("X-Amz-Credential"), keyOf("alice"), "AKIANOBODY0000000000", 1))
		}), 403, "<Code>InvalidAccessKeyId</Code>"},
		{"presigned, no algorithm", query(func(q url.Values) { q.Del("X-Amz-Algorithm") }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
		{"presigned, another algorithm", query(func(q url.Values) { q.Set("X-Amz-Algorithm", "AWS4-HMAC-SHA1") }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
		{"presigned, no expiry", query(func(q url.Values) { q.Del("X-Amz-Expires") }), 400, "requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters"},
		{"presigned, an expiry of a week and a second", query(func(q url.Values) { q.Set("X-Amz-Expires", "604801") }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
		{"presigned, an expiry below zero", query(func(q url.Values) { q.Set("X-Amz-Expires", "-1") }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
		{"presigned, an expiry that is no number", query(func(q url.Values) { q.Set("X-Amz-Expires", "1h") }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
		{"presigned, a later expiry", query(func(q url.Values) { q.Set("X-Amz-Expires", "3600") }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"presigned, an expiry twice", query(func(q url.Values) { q.Add("X-Amz-Expires", "3600") }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"presigned, a signature twice", query(func(q url.Values) { q.Add("X-Amz-Signature", q.Get("X-Amz-Signature")) }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
		{"presigned, a scope of six parts", query(func(q url.Values) { q.Set("X-Amz-Credential", q.Get("X-Amz-Credential")+"/x") }), 400, "slash-delimited"},
		{"presigned, host not signed", query(func(q url.Values) { q.Set("X-Amz-SignedHeaders", "range") }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
		{"presigned, one more signed header", query(func(q url.Values) { q.Set("X-Amz-SignedHeaders", "host;range") }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"presigned, a parameter more", query(func(q url.Values) { q.Set("response-content-type", "text/html") }), 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"presigned with SigV4a", query(func(q url.Values) { q.Set("X-Amz-Algorithm", asymmetric) }), 400, "<Code>AuthorizationQueryParametersError</Code>"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if status, body := serve(atNoon(t), row.request(t)); status != row.status || !strings.Contains(html.UnescapeString(body), row.want) {
				t.Errorf("status %d, want %d and %q:\n%s", status, row.status, row.want, body)
			}
		})
	}
}

// chunks is an aws-chunked body of two chunks, signed as the S3 API Reference
// says, for the request whose signature is given.
func chunks(seed string, key []byte, parts ...string) string {
	var b strings.Builder
	for _, part := range append(parts, "") {
		text := "AWS4-HMAC-SHA256-PAYLOAD\n20260304T120000Z\n20260304/us-east-1/s3/aws4_request\n" + seed + "\n" + hashOf("") + "\n" + hashOf(part)
		seed = hex.EncodeToString(mac(key, text))
		b.WriteString(hexLength(part) + ";chunk-signature=" + seed + "\r\n" + part + "\r\n")
	}
	return b.String()
}

func hexLength(s string) string {
	return string(bytes.TrimLeft([]byte(hex.EncodeToString([]byte{byte(len(s))})), "0")) + zeroIf(s)
}

func zeroIf(s string) string {
	if s == "" {
		return "0"
	}
	return ""
}

func TestChunkedUploads(t *testing.T) {
	const path, crc = "/data-222222222222/new", "x-amz-checksum-crc32"
	whole := func(seed string, key []byte) string { return chunks(seed, key, "hello ", "world") }
	unsigned := func(trailer string) func(string, []byte) string {
		return func(string, []byte) string { return "b\r\nhello world\r\n0\r\n" + trailer + "\r\n" }
	}
	signed := func(trailer, signedTrailer string) func(string, []byte) string {
		return func(seed string, key []byte) string {
			body := strings.TrimSuffix(whole(seed, key), "\r\n")
			_, last, _ := cutLast(strings.ReplaceAll(body, "chunk-signature=", "."))
			text := "AWS4-HMAC-SHA256-TRAILER\n20260304T120000Z\n20260304/us-east-1/s3/aws4_request\n" + strings.TrimSpace(last) + "\n" + hashOf(signedTrailer)
			return body + trailer + trailerSignature + ":" + hex.EncodeToString(mac(key, text)) + "\r\n\r\n"
		}
	}
	for _, row := range []struct {
		name, payload string
		length        string // X-Amz-Decoded-Content-Length
		trailer       string // X-Amz-Trailer
		body          func(seed string, key []byte) string
		refusal       string // empty: it is stored
	}{
		{"signed", streamingSigned, "11", "", whole, ""},
		{"signed, a chunk changed", streamingSigned, "11", "", func(seed string, key []byte) string {
			return strings.Replace(whole(seed, key), "world", "World", 1)
		}, "SignatureDoesNotMatch"},
		{"signed, chunks exchanged", streamingSigned, "10", "", func(seed string, key []byte) string {
			all := strings.SplitAfter(chunks(seed, key, "hello", "world"), "\r\n")
			return strings.Join(slices.Concat(all[2:4], all[:2], all[4:]), "")
		}, "SignatureDoesNotMatch"},
		{"signed, the last chunk left out", streamingSigned, "11", "", func(seed string, key []byte) string {
			return whole(seed, key)[:len(whole(seed, key))-100]
		}, "IncompleteBody"},
		{"signed, a chunk without signature", streamingSigned, "11", "", unsigned(""), "SignatureDoesNotMatch"},
		{"signed, with an unsigned trailer", streamingSigned, "11", crc, func(seed string, key []byte) string {
			return strings.TrimSuffix(whole(seed, key), "\r\n") + crc + ":DUoRhQ==\r\n\r\n"
		}, "MalformedTrailerError"},
		{"longer than announced", streamingSigned, "10", "", whole, "IncompleteBody"},
		{"shorter than announced", streamingSigned, "12", "", whole, "IncompleteBody"},
		{"of no announced length", streamingSigned, "", "", whole, "MissingContentLength"},
		{"of a negative length", streamingSigned, "-11", "", whole, "MissingContentLength"},
		{"with an unsigned trailer", streamingUnsignedTrailer, "11", crc, unsigned(crc + ":DUoRhQ==\r\n"), ""},
		{"with a trailer in other case", streamingUnsignedTrailer, "11", "X-Amz-Checksum-Crc32", unsigned("X-AMZ-Checksum-CRC32 : DUoRhQ==\n"), ""},
		{"with the CRC-64 of SDKs", streamingUnsignedTrailer, "11", "x-amz-checksum-crc64nvme", unsigned("x-amz-checksum-crc64nvme:jSnVw/bqjr4=\r\n"), ""},
		{"with another checksum", streamingUnsignedTrailer, "11", crc, unsigned(crc + ":DUoRhA==\r\n"), "BadDigest"},
		{"with a checksum of another length", streamingUnsignedTrailer, "11", crc, unsigned(crc + ":DUoR\r\n"), "InvalidRequest"},
		{"without the announced trailer", streamingUnsignedTrailer, "11", crc, unsigned(""), "MalformedTrailerError"},
		{"with a trailer that was not announced", streamingUnsignedTrailer, "11", "", unsigned(crc + ":DUoRhQ==\r\n"), "MalformedTrailerError"},
		{"with a trailer twice", streamingUnsignedTrailer, "11", crc, unsigned(crc + ":DUoRhQ==\r\n" + crc + ":DUoRhQ==\r\n"), "MalformedTrailerError"},
		{"with a header as trailer", streamingUnsignedTrailer, "11", "authorization", unsigned("authorization:x\r\n"), "MalformedTrailerError"},
		{"with a trailer that is no header", streamingUnsignedTrailer, "11", crc, unsigned("DUoRhQ==\r\n"), "MalformedTrailerError"},
		{"with a size that is no number", streamingUnsignedTrailer, "11", "", func(string, []byte) string { return "x\r\nhello world\r\n0\r\n\r\n" }, "IncompleteBody"},
		{"with a size beyond the body", streamingUnsignedTrailer, "11", "", func(string, []byte) string { return "7fffffff\r\nhello world\r\n0\r\n\r\n" }, "IncompleteBody"},
		{"with a signed trailer", streamingSignedTrailer, "11", crc, signed(crc+":DUoRhQ==\r\n", crc+":DUoRhQ==\n"), ""},
		{"with a signed trailer, changed", streamingSignedTrailer, "11", crc, signed(crc+":DUoRhQ==\r\n", crc+":DUoRhA==\n"), "SignatureDoesNotMatch"},
		{"with a signed trailer, unsigned", streamingSignedTrailer, "11", crc, func(seed string, key []byte) string {
			return strings.TrimSuffix(whole(seed, key), "\r\n") + crc + ":DUoRhQ==\r\n\r\n"
		}, "SignatureDoesNotMatch"},
		{"of another form", "STREAMING-AWS4-HMAC-SHA512-PAYLOAD", "11", "", whole, "InvalidArgument"},
		{"with an asymmetric signature", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "11", "", whole, "InvalidArgument"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := atNoon(t)
			s := s3Request(path)
			s.method, s.payload = "PUT", row.payload
			s.header.Set("X-Amz-Content-Sha256", row.payload)
			for name, value := range map[string]string{"X-Amz-Decoded-Content-Length": row.length, "X-Amz-Trailer": row.trailer} {
				if value != "" {
					s.header.Set(name, value)
				}
			}
			r := s.sign(t)
			_, seed, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			key := c.keys.derive(s.creds.SecretAccessKey, &signature{date: "20260304", region: "us-east-1", service: "s3"})
			r.Body = io.NopCloser(strings.NewReader(row.body(seed, key)))
			status, body := serve(c, r)
			if (status == 200) != (row.refusal == "") || !strings.Contains(body, row.refusal) {
				t.Fatalf("status %d, want %q:\n%s", status, row.refusal, body)
			}
			stored := ""
			c.View(func(w *world.World) {
				stored = string(w.Account(member).Buckets["data-222222222222"].Objects["new"].Body)
			})
			if want := map[bool]string{true: "hello world"}[row.refusal == ""]; stored != want {
				t.Errorf("stored %q, want %q", stored, want)
			}
		})
	}
}

// Any header gives a refusal and not a panic.
func FuzzAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIA/20260304/us-east-1/iam/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260304T120000Z", "/?a=b")
	f.Add("Bearer x", "", "/")
	f.Add("", "", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20260304/c/d/aws4_request&X-Amz-SignedHeaders=host&X-Amz-Signature=1&X-Amz-Date=20260304T120000Z")
	c := New(testWorld(), Options{Clock: func() time.Time { return noon }})
	f.Fuzz(func(t *testing.T, authorization, date, target string) {
		r, err := http.NewRequest("POST", "https://iam.amazonaws.com"+target, strings.NewReader(getUser))
		if err != nil {
			t.Skip()
		}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		if status, body := serve(c, r); status < 400 {
			t.Errorf("a made-up signature is accepted: %d %s", status, body)
		}
	})
}
