package wire_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"forcemfa/internal/emulator/wire"
)

// TestMain makes rapid's hundred checks a dozen for each of 250 operations,
// unless somebody asks for another number.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A client is a real SDK client and the codec that should understand it.
type client struct {
	name       string
	make       func(aws.Config) any
	wire       wire.Codec
	operations int // at least so many are there
}

func clients(t testing.TB) []client {
	return []client{
		{
			name: "iam", make: func(c aws.Config) any { return iam.NewFromConfig(c) }, operations: 170,
			wire: wire.Codec{
				Protocol: wire.Query, Namespace: "https://iam.amazonaws.com/doc/2010-05-08/", Required: required(t, "iam"),
				Unions: []any{
					&types.PolicyIdentifierMemberInlinePolicyIdentifier{}, &types.PolicyIdentifierMemberPolicyArn{}, &types.PolicyIdentifierMemberPolicyType{},
				},
			},
		},
		{
			name: "sts", make: func(c aws.Config) any { return sts.NewFromConfig(c) }, operations: 11,
			wire: wire.Codec{Protocol: wire.Query, Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", Required: required(t, "sts")},
		},
		{
			name: "organizations", make: func(c aws.Config) any { return organizations.NewFromConfig(c) }, operations: 55,
			wire: wire.Codec{Protocol: wire.JSON11, Required: required(t, "organizations")},
		},
	}
}

func required(t testing.TB, service string) wire.Requirements {
	f, err := os.Open("../required-" + service + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wire.ParseRequirements(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The codec reads the input that the real client sends, and the real client
// reads the output that the codec writes.
func TestRealClientAndCodecAgree(t *testing.T) {
	for _, c := range clients(t) {
		all := operations(c)
		for _, op := range all {
			t.Run(c.name+"/"+op.name, func(t *testing.T) {
				call := caller(c, op)
				rapid.Check(t, func(t *rapid.T) { roundTrip(t, c, op, call) })
			})
		}
		if len(all) < c.operations {
			t.Errorf("%s: %d operations were tried, want at least %d", c.name, len(all), c.operations)
		}
	}
}

// An op is an operation of a client.
type op struct {
	name    string
	in, out reflect.Type // structs
}

func operations(c client) []op {
	t := reflect.TypeOf(c.make(aws.Config{Region: "us-east-1"}))
	var out []op
	for i := range t.NumMethod() {
		m := t.Method(i)
		if m.Type.NumIn() == 4 && m.Type.NumOut() == 2 && strings.HasSuffix(m.Type.In(2).String(), m.Name+"Input") {
			out = append(out, op{m.Name, m.Type.In(2).Elem(), m.Type.Out(0).Elem()})
		}
	}
	return out
}

// A trip is the input and the output of a call.
type trip struct{ in, got, out any }

// caller makes the real client of which every call is a trip.
func caller(c client, o op) func(*trip) (any, error) {
	var now *trip
	method := reflect.ValueOf(c.make(aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
			if err := read(c, r, now.got); err != nil {
				return nil, err
			}
			return respond(r, c.wire.Encode(o.name, "request-1", now.out)), nil
		}),
	})).MethodByName(o.name)
	return func(t *trip) (any, error) {
		now = t
		results := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(t.in)})
		err, _ := results[1].Interface().(error)
		return results[0].Interface(), err
	}
}

func roundTrip(t *rapid.T, c client, o op, call func(*trip) (any, error)) {
	g := generator{t: t, codec: &c.wire}
	in, out, got := reflect.New(o.in), reflect.New(o.out), reflect.New(o.in)
	g.fill(in.Elem(), "in", 0)
	g.fill(out.Elem(), "out", 0)
	received, err := call(&trip{in.Interface(), got.Interface(), out.Interface()})
	if err != nil {
		t.Fatalf("%+v: %v", in.Interface(), err)
	}
	if diff := cmp.Diff(in.Interface(), got.Interface(), sameShape...); diff != "" {
		t.Fatalf("input (-sent +read):\n%s", diff)
	}
	if diff := cmp.Diff(out.Interface(), received, sameShape...); diff != "" {
		t.Fatalf("output (-written +received):\n%s", diff)
	}
}

// sameShape leaves out what is not on the wire; an empty list and none are the
// same there.
var sameShape = []cmp.Option{
	cmpopts.EquateEmpty(),
	cmp.FilterPath(func(p cmp.Path) bool {
		f, ok := p.Last().(cmp.StructField)
		return ok && (f.Name() == "ResultMetadata" || f.Name() == "noSmithyDocumentSerde")
	}, cmp.Ignore()),
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

func read(c client, r *http.Request, in any) error {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return err
		}
	}
	if c.wire.Protocol.JSON() {
		return c.wire.DecodeJSON(body, in)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return err
	}
	return c.wire.DecodeQuery(form, in)
}

func respond(r *http.Request, body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}
}

// A generator fills structs with anything that a request or an answer may hold.
type generator struct {
	t     *rapid.T
	codec *wire.Codec
}

const maxDepth = 4

func (g *generator) fill(v reflect.Value, label string, depth int) {
	t := v.Type()
	switch {
	case t == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(0, 1<<32).Draw(g.t, label), 0).UTC()))
	case t == reflect.TypeFor[[]byte]():
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(g.t, label))
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		g.fill(v.Elem(), label, depth)
	case t.Kind() == reflect.Interface:
		g.union(v, label, depth)
	case t.Kind() == reflect.Struct:
		g.members(v, label, depth)
	case t.Kind() == reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(g.t, label+" length")
		v.Set(reflect.MakeSlice(t, n, n))
		for i := range n {
			g.fill(v.Index(i), fmt.Sprintf("%s[%d]", label, i), depth+1)
		}
	case t.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(t))
		for range rapid.IntRange(1, 3).Draw(g.t, label+" length") { // a query cannot say that a map is empty
			value := reflect.New(t.Elem()).Elem()
			g.fill(value, label+" value", depth+1)
			v.SetMapIndex(reflect.ValueOf(g.text(label+" key")).Convert(t.Key()), value)
		}
	case t.Kind() == reflect.String:
		v.SetString(g.text(label))
	case t.Kind() == reflect.Bool:
		v.SetBool(rapid.Bool().Draw(g.t, label))
	case t.Kind() == reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(g.t, label)))
	case t.Kind() == reflect.Int64:
		v.SetInt(rapid.Int64().Draw(g.t, label))
	case v.CanFloat():
		v.SetFloat(rapid.Float64Range(-1e9, 1e9).Draw(g.t, label))
	default:
		g.t.Fatalf("%s: nothing is known of %s", label, t)
	}
}

// union chooses a member of a union.
func (g *generator) union(v reflect.Value, label string, depth int) {
	var fit []reflect.Type
	for _, u := range g.codec.Unions {
		if t := reflect.TypeOf(u); t.Implements(v.Type()) {
			fit = append(fit, t.Elem())
		}
	}
	member := reflect.New(rapid.SampledFrom(fit).Draw(g.t, label))
	g.fill(member.Elem().FieldByName("Value"), label, depth+1)
	v.Set(member)
}

// members fills required members always, the others half of the time. A query
// has no way to say that there is a structure without members, so a nested one
// has at least one.
func (g *generator) members(v reflect.Value, label string, depth int) {
	var fields []reflect.StructField
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.IsExported() && f.Name != "ResultMetadata" {
			fields = append(fields, f)
		}
	}
	forced := -1
	if depth > 0 && len(fields) > 0 {
		forced = rapid.IntRange(0, len(fields)-1).Draw(g.t, label+" has at least")
	}
	for i, f := range fields {
		needed := i == forced || slices.Contains(g.codec.Required[v.Type().Name()], f.Name)
		if needed || depth < maxDepth && rapid.Bool().Draw(g.t, label+"."+f.Name+"?") {
			g.fill(v.FieldByIndex(f.Index), label+"."+f.Name, depth+1)
		}
	}
}

// text is any text that XML can hold, and JSON and queries too. The SDK reads
// an empty element as nothing, so it is not empty.
func (g *generator) text(label string) string {
	return rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 <>&\"'\t\n=+%/.;,:{}[]\\éß漢😀~_-")), 1, 20, -1).Draw(g.t, label)
}
