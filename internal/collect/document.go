package collect

import (
	"fmt"
	"net/url"
	"strings"
)

// decodeDocument returns the text of a policy document from a response of IAM,
// where it is URL-encoded by RFC 3986 (a plus sign stands for itself). A
// document that is JSON already is returned unchanged: an encoded one cannot
// begin with a brace. With an error it returns the text as sent.
// Source: IAM API, GetAccountAuthorizationDetails.
func decodeDocument(sent string) (string, error) {
	if strings.HasPrefix(strings.TrimLeft(sent, " \t\r\n"), "{") {
		return sent, nil
	}
	text, err := url.PathUnescape(sent)
	if err != nil {
		return sent, fmt.Errorf("the document is neither JSON nor URL-encoded: %w", err)
	}
	return text, nil
}
