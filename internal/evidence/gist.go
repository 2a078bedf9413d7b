package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A gist is the hash of what decides in the findings for other programs: which findings
// there are, about what, and how severe they are. The sentences may differ from version
// to version. The text is written to it.
type gist struct {
	*io.PipeWriter
	members map[string]bool
	sum     chan []byte // nil: the text is no JSON
}

// decisiveMembers are the members that decide, by file.
var decisiveMembers = map[string]map[string]bool{
	findingsFile: {"uid": true, "class_uid": true, "severity_id": true, "status_id": true, "control": true, "has_mfa": true},
	resultsFile:  {"uuid": true, "observation-uuid": true, "name": true, "value": true, "target-id": true, "state": true, "reason": true, "methods": true},
}

func newGist(file string) *gist {
	out, in := io.Pipe()
	g := &gist{in, decisiveMembers[file], make(chan []byte, 1)}
	go func() {
		sum, err := gistOf(out, g.members)
		_ = out.CloseWithError(err)
		g.sum <- sum
	}()
	return g
}

// fits reports whether a text has the gist of the one that was written.
func (g *gist) fits(text io.Reader) bool {
	_ = g.Close()
	want := <-g.sum
	have, err := gistOf(text, g.members)
	return err == nil && want != nil && bytes.Equal(have, want)
}

// gistOf hashes the values of members, wherever they are in a JSON text. No value is kept,
// and each has a bounded size.
func gistOf(text io.Reader, members map[string]bool) ([]byte, error) {
	in := &sparing{in: text, left: mostRecord}
	tokens, sum := json.NewDecoder(in), sha256.New()
	tokens.UseNumber()
	var open []json.Delim
	name, isName := "", false
	for {
		token, err := tokens.Token()
		if err == io.EOF && len(open) == 0 {
			return sum.Sum(nil), nil
		} else if err != nil {
			return nil, err
		}
		in.left = mostRecord
		object := len(open) > 0 && open[len(open)-1] == '{'
		delim, bracket := token.(json.Delim)
		switch {
		case bracket && (delim == '{' || delim == '['):
			if open = append(open, delim); len(open) > mostDepth {
				return nil, errors.New("is nested too deeply")
			}
			isName = delim == '{'
		case bracket:
			open = open[:len(open)-1]
			isName = len(open) > 0 && open[len(open)-1] == '{'
		case object && isName:
			name, isName = fmt.Sprint(token), false
		default:
			if members[name] {
				fmt.Fprintf(sum, "%s %q\n", name, fmt.Sprint(token))
			}
			isName = object
		}
	}
}

// mostDepth is far above the nesting of findings in any format.
const mostDepth = 64

// A sparing reader fails after a number of bytes.
type sparing struct {
	in   io.Reader
	left int
}

func (b *sparing) Read(to []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a value has more than %d MB", mostRecord/mib)
	}
	n, err := b.in.Read(to)
	b.left -= n
	return n, err
}
