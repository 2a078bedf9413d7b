package collect

import (
	"net/url"
	"strings"
	"testing"
)

func TestDocumentsAreDecodedOnce(t *testing.T) {
	const text = `{"Resource":"arn:aws:s3:::a+b/100%25/*"}`
	encoded := strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	for _, c := range []struct{ name, sent, want string }{
		{"encoded", encoded, text},
		{"plain", text, text},
		{"plain after white space", "\n " + text, "\n " + text},
		{"a plus sign is a plus sign", "%7B%22a%22:%22x+y%22%7D", `{"a":"x+y"}`},
		{"empty", "", ""},
	} {
		if got, err := decodeDocument(c.sent); got != c.want || err != nil {
			t.Errorf("%s: %q, error %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestADocumentThatCannotBeDecodedIsAnError(t *testing.T) {
	got, err := decodeDocument("%7B%zz")
	if err == nil || got != "%7B%zz" {
		t.Errorf("%q, error %v", got, err)
	}
}
