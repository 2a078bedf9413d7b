package rollout

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf16"
)

// A receiver stands for Slack's webhook, on this machine.
type receiver struct {
	url  string
	http *http.Server

	mu    sync.Mutex
	down  bool
	posts []post
}

// A post is a message that arrived.
type post struct {
	text string // all texts of the message
	err  error  // why Slack would refuse it
}

// receive starts a receiver.
func receive() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a receiver for Slack messages: %w", err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/services/T00000000/B00000000/rehearsal"}
	r.http = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(r.answer)}
	go func() { _ = r.http.Serve(listener) }() // ends with Close
	return r, nil
}

func (r *receiver) close() { _ = r.http.Close() }

func (r *receiver) answer(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(io.LimitReader(q.Body, 1<<20))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down || err != nil {
		http.Error(w, "upstream request timeout", http.StatusServiceUnavailable)
		return
	}
	text, err := checkBlocks(body)
	r.posts = append(r.posts, post{text, err})
	_, _ = io.WriteString(w, "ok") // the function may have ended
}

func (r *receiver) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// taken returns the messages since the last call.
func (r *receiver) taken() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.posts
	r.posts = nil
	return all
}

type blockText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// checkBlocks returns the texts of a message, and why Slack would refuse it.
// Source: Slack, Block Kit reference: 50 blocks; 150 characters in a header, 3,000 in a
// section, 2,000 in a field, 10 fields, 10 elements in a context.
func checkBlocks(body []byte) (text string, err error) {
	var m struct {
		Text   string `json:"text"`
		Blocks []struct {
			Type     string      `json:"type"`
			Text     *blockText  `json:"text"`
			Fields   []blockText `json:"fields"`
			Elements []blockText `json:"elements"`
		} `json:"blocks"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return "", fmt.Errorf("not JSON: %w", err)
	}
	if m.Text == "" || len(m.Blocks) == 0 || len(m.Blocks) > 50 {
		return m.Text, fmt.Errorf("%d blocks, and a fallback text of %d characters", len(m.Blocks), len(m.Text))
	}
	limits := map[string]int{"header": 150, "section": 3000}
	text = m.Text
	check := func(t blockText, limit int) {
		text += "\n" + t.Text
		if n := len(utf16.Encode([]rune(t.Text))); err == nil && (n == 0 || n > limit) {
			err = fmt.Errorf("a text of %d characters where Slack takes 1 to %d", n, limit)
		}
	}
	for _, b := range m.Blocks {
		if b.Text != nil {
			check(*b.Text, limits[b.Type])
		}
		if len(b.Fields) > 10 || len(b.Elements) > 10 {
			err = fmt.Errorf("a block with %d fields and %d elements", len(b.Fields), len(b.Elements))
		}
		for _, t := range append(b.Fields, b.Elements...) {
			check(t, 2000)
		}
	}
	return text, err
}
