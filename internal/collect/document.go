package collect

import (
	"fmt"
	"net/url"
	"strings"
)

// decodeDocument is the text of a policy document as IAM's answers hold it:
// URL-encoded by RFC 3986, where a plus sign is itself. A document that is
// JSON already comes back as it is, since an encoded one cannot begin with a
// brace. With an error comes the text as it was sent.
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
