package policy_test

import (
	"os"
	"strings"
	"testing"

	. "forcemfa/policy"
)

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/forcemfa-2019.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(Identity), string(text))
	f.Add(uint8(Resource), doc(grant(toBob)))
	f.Add(uint8(Trust), doc(trust(`"*"`)))
	f.Add(uint8(SCP), `{"Statement":{"Effect":"Deny","NotAction":"*:*","NotResource":"arn:a${*}:${b, 'c}'}*"}}`)
	f.Add(uint8(Identity), `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateEquals":{"a":[-1.5,true,"\ud83d\ude00"]}}}]}`)
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		d, err := Parse(Kind(kind), text)
		if err != nil {
			if s, ok := err.(*SyntaxError); !ok || s.Line < 1 || s.Column < 1 || s.Message == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		printed := d.String()
		again, err := Parse(Kind(kind), printed)
		if err != nil || !d.Equal(again) {
			t.Fatalf("%v: printed %s, again %s", err, printed, again)
		}
		if size := Size(printed); size > len(printed) {
			t.Fatalf("size %d of %d bytes", size, len(printed))
		}
	})
}

// FuzzDecide: no text and no request makes the evaluation panic or hang, and
// what it says is consistent.
func FuzzDecide(f *testing.F) {
	f.Add(doc(allowAll), "s3:GetObject", "arn:aws:s3:::reports/a", "k", "v")
	f.Add(doc(`{"Effect":"Deny","NotAction":"s3:*","NotResource":"arn:*:${k}*","Condition":{"ForAnyValue:ArnNotLikeIfExists":{"k":"arn:*:*:*:*:${k}"}}}`), "iam:GetUser", "*", "k", "arn:aws:s3:::a")
	f.Add(doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"k":"2026-01-01T00:00Z"},"NumericEquals":{"k":"1.0"},"IpAddress":{"k":"::/0"},"BinaryEquals":{"k":"YQ=="}}}`), "a:b", "arn:a:b:c:d:e", "K", "1")
	f.Fuzz(func(t *testing.T, text, action, resource, key, value string) {
		identity := ParseSource("fuzz", Identity, text)
		c := &Context{}
		c.Set(key, value)
		c.SetMany(key+"s", strings.Split(value, ","))
		set := &Set{Identity: []Source{identity}, SCPs: [][]Source{{identity}}}
		r := &Request{Principal: bob, Action: action, Resource: resource, Context: c,
			Policies: []Source{ParseSource("fuzz", Resource, text)}}
		d := set.Decide(r)
		if (d.Why != "") != (d.Verdict == Unknown) {
			t.Fatalf("%+v", d)
		}
		if d.Verdict == ExplicitDenied && (d.Source == nil || d.Source.Document.Statements[d.Statement].Effect != Deny) {
			t.Fatalf("denied by no Deny: %+v", d)
		}
		if set.Refuses(r).Verdict == ExplicitDenied && d.Verdict != ExplicitDenied {
			t.Fatalf("refused, but %+v", d)
		}
		set.Explain(r)
	})
}
