package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// The headers of a signed request.
const (
	headerTimestamp = "X-Forcemfa-Timestamp" // seconds since 1970, new for each attempt
	headerSignature = "X-Forcemfa-Signature" // v1= and the HMAC-SHA256 over timestamp, a dot and the body, in hex
	headerDelivery  = "X-Forcemfa-Delivery"  // the same for every attempt to send the same messages
)

// messagesOfRequest keeps a request below a megabyte.
const messagesOfRequest = 200

// A webhook posts summaries as JSON to any HTTPS server.
type webhook struct {
	*retrier
	options *Options
	url     *secret
	key     *secret
}

// A webhookBody is the body of a request.
type webhookBody struct {
	Version int `json:"version"`
	Part    int `json:"part"` // from 1
	Parts   int `json:"parts"`
	*Summary
}

func (w *webhook) Name() string { return "webhook" }

// Send posts the summary in parts. When a part fails, it and the following ones
// are returned as [Unsent].
func (w *webhook) Send(ctx context.Context, d *Summary) error {
	all := d.sorted()
	parts := (len(all) + messagesOfRequest - 1) / messagesOfRequest
	for part := 1; part <= parts; part++ {
		from := (part - 1) * messagesOfRequest
		piece := d.with(all[from:min(from+messagesOfRequest, len(all))])
		if err := w.post(ctx, webhookBody{Version: 1, Part: part, Parts: parts, Summary: piece}); err != nil {
			return &Unsent{Messages: all[from:], Err: err}
		}
	}
	return nil
}

func (w *webhook) post(ctx context.Context, what webhookBody) error {
	text, err := w.url.read(ctx)
	if err != nil {
		return err
	}
	to, err := w.options.address(text)
	if err != nil {
		return fmt.Errorf("%s: %w", w.url.what, err)
	}
	key, err := w.key.read(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	return w.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		request, err := jsonRequest(ctx, to.String(), body)
		if err != nil {
			return nil, err
		}
		timestamp := strconv.FormatInt(w.now().Unix(), 10)
		request.Header.Set(headerTimestamp, timestamp)
		request.Header.Set(headerSignature, sign(key, timestamp, body))
		request.Header.Set(headerDelivery, delivery(what.Messages))
		return request, nil
	}, func(a *response) result {
		if v, done := w.commonStatus(to.Host, a); done {
			return v
		}
		if a.status >= 200 && a.status < 300 {
			return result{}
		}
		return result{err: fmt.Errorf("%s refuses the message: %s (HTTP %d); not retried",
			to.Host, quote(a.body, key, to.String(), to.RequestURI()), a.status)}
	})
}

// sign returns the signature of a body and a timestamp.
func sign(key, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// delivery returns an ID for messages that are sent together.
func delivery(messages []Message) string {
	sum := sha256.New()
	for i := range messages {
		sum.Write([]byte(messages[i].key()))
		sum.Write([]byte{0, 0})
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
