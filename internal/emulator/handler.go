package emulator

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"forcemfa/internal/emulator/s3svc"
	"forcemfa/internal/emulator/wire"
	"forcemfa/internal/emulator/world"
)

// maxBody limits the body of a request, maxObject that of one to S3: AWS accepts 5 GB, and
// the largest package of a Lambda function is half as large as this.
const (
	maxBody   = 16 << 20
	maxObject = 512 << 20
)

// ServeHTTP answers requests of AWS's protocols: the scope of the signature
// names the service; X-Amz-Target, Action or the path name the operation.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", c.signingTime(r.Context()).Format(http.TimeFormat))
	v := &incoming{cloud: c, r: r, id: c.requestID()}
	if why := v.receive(); why != nil {
		err := why.in(v.service)
		c.rejected(v, err)
		wire.WriteError(w, v.service.codec.Protocol, v.service.codec.Namespace, v.id, err)
		return
	}
	v.read()
	a := &answer{}
	record := c.run(v.job(func(out any) { v.write(a, out) }))
	if record.Err != nil {
		*a = answer{}
		wire.WriteError(a, v.service.codec.Protocol, v.service.codec.Namespace, v.id, record.Err)
	}
	a.deliver(w, r, record.effect)
}

// send writes a response that was built while the cloud was locked, so that a
// slow client does not delay others.
func (a *answer) send(w http.ResponseWriter) {
	for name, values := range a.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the client may have gone
}

// An incoming is an HTTP request in progress.
type incoming struct {
	cloud   *Cloud
	r       *http.Request
	id      string
	body    []byte
	form    url.Values
	sign    *signature
	service *service

	operation string
	in        any
	inErr     error
}

// receive reads the request and verifies its signature.
func (v *incoming) receive() *refusal {
	sign, why := parseSignature(v.r)
	v.sign = sign
	most := int64(maxBody)
	if sign != nil && sign.service == "s3" {
		most = maxObject
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, v.r.Body, most))
	v.body = body
	v.form = v.parameters()
	v.service = v.find()
	switch {
	case err != nil:
		return unread(err, most)
	case why != nil:
		return why
	case sign == nil && v.unsigned():
		v.sign = &signature{service: v.service.name, region: v.cloud.homeRegion()}
		return nil
	case sign == nil:
		return missingSignature(v.service)
	}
	return v.verify()
}

// missingSignature is the refusal of a request without a signature.
// Source: Amazon S3 API Reference, "Error responses", AccessDenied.
func missingSignature(s *service) *refusal {
	if s.name == "s3" {
		return refuse(noSignature, "Access Denied")
	}
	return refuse(noSignature, "Missing Authentication Token")
}

// unread is the refusal of a body that is too large or ends early.
func unread(err error, most int64) *refusal {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return refuse(tooLarge, "Your proposed upload exceeds the maximum allowed size of %d bytes.", most)
	}
	return refuse(incomplete, incompleteText)
}

// unsigned reports whether the operation needs no signature.
func (v *incoming) unsigned() bool {
	op := v.service.byName[v.form.Get("Action")]
	return op != nil && op.Unsigned
}

func (v *incoming) verify() *refusal {
	secret, why := v.cloud.secret(v.sign.key, v.sign.token)
	if why != nil {
		return why
	}
	body, why := v.sign.verify(v.r, v.body, v.cloud.keys, secret)
	if why != nil {
		return why
	}
	v.body = body
	return v.sign.checkAge(v.cloud.signingTime(v.r.Context()))
}

// parameters returns those of the query string and of a form in the body.
func (v *incoming) parameters() url.Values {
	form, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		form = url.Values{}
	}
	kind, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		more, err := url.ParseQuery(string(v.body))
		if err != nil {
			v.inErr = err
		}
		for name, values := range more {
			form[name] = append(form[name], values...)
		}
	}
	return form
}

// find returns the service of the request. Without a signature it is inferred
// from the request.
func (v *incoming) find() *service {
	if v.sign == nil {
		for _, s := range services() {
			target, _, _ := strings.Cut(v.r.Header.Get("X-Amz-Target"), ".")
			if s.version != "" && s.version == v.form.Get("Version") || target != "" && s.target == target {
				return s
			}
		}
		if v.cloud.ownsBucket(s3svc.BucketOf(v.r)) {
			return services()["s3"]
		}
		return foreign("", v.r, v.form)
	}
	if s := services()[v.sign.service]; s != nil {
		return s
	}
	return foreign(v.sign.service, v.r, v.form)
}

// ownsBucket reports whether a bucket exists.
func (c *Cloud) ownsBucket(name string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return name != "" && c.world.BucketOwner(name) != ""
}

// read parses the operation and its input.
func (v *incoming) read() {
	s := v.service
	if v.inErr != nil {
		v.inErr = refuse(malformed, "The query string contains a syntax error.").in(s)
		return
	}
	switch {
	case s.read != nil:
		v.operation, v.in, v.inErr = s.read(v.r, v.form, v.body)
	case s.codec.Protocol.JSON():
		target, name, _ := cutLast(v.r.Header.Get("X-Amz-Target"))
		v.operation = name
		if s.target != "" && target != s.target && !strings.HasSuffix(target, "."+s.target) {
			v.inErr = refuse(unknownAction, "%s is not a target of %s.", target, s.name).in(s)
			return
		}
		v.decode(func(in any) error { return s.codec.DecodeJSON(v.body, in) })
	default:
		v.operation = v.form.Get("Action")
		if version := v.form.Get("Version"); s.version != "" && s.version != version {
			if version == "" {
				version = "NO_VERSION_SPECIFIED"
			}
			v.inErr = refuse(unknownAction, "Could not find operation %s for version %s", v.operation, version).in(s)
			return
		}
		v.decode(func(in any) error { return s.codec.DecodeQuery(v.form, in) })
	}
}

// named returns the operation that a request names, before it is parsed; empty: its
// protocol does not name it.
func (v *incoming) named() string {
	if action := v.form.Get("Action"); action != "" {
		return action
	}
	_, name, _ := cutLast(v.r.Header.Get("X-Amz-Target"))
	return name
}

// cutLast cuts a target before the name of the operation. Some clients put the name of a
// package before the target.
func cutLast(target string) (service, operation string, ok bool) {
	i := strings.LastIndexByte(target, '.')
	if i < 0 {
		return target, "", false
	}
	return target[:i], target[i+1:], true
}

func (v *incoming) decode(into func(any) error) {
	if op := v.service.byName[v.operation]; op != nil {
		v.in = op.New()
		v.inErr = into(v.in)
	}
}

func (v *incoming) job(done func(any)) job {
	return job{
		key: v.sign.key, service: v.service, operation: v.operation, in: v.in, inErr: v.inErr, id: v.id, wired: true, done: done,
		from: origin{ip: v.address(), agent: v.r.UserAgent(), region: v.sign.region},
		who:  func() (world.Caller, *refusal) { return v.cloud.sender(v.sign) },
	}
}

func (v *incoming) address() string {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		return memoryAddress
	}
	return host
}

func (v *incoming) write(w http.ResponseWriter, out any) {
	if v.service.write != nil {
		v.service.write(w, v.operation, v.id, out)
		return
	}
	v.service.codec.Write(w, v.operation, v.id, out)
}

// what names a request whose operation is unknown.
func (j *job) what() string {
	if j.operation == "" {
		return "this REST call to " + j.service.name
	}
	return fmt.Sprintf("%s of %s", j.operation, j.service.name)
}
