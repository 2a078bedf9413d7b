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
	sum chan []byte // nil: the text is no list of findings
}

func newGist() *gist {
	out, in := io.Pipe()
	g := &gist{in, make(chan []byte, 1)}
	go func() {
		sum, err := gistOf(out)
		_ = out.CloseWithError(err)
		g.sum <- sum
	}()
	return g
}

// fits reports whether a text has the gist of the one that was written.
func (g *gist) fits(text io.Reader) bool {
	_ = g.Close()
	want := <-g.sum
	have, err := gistOf(text)
	return err == nil && want != nil && bytes.Equal(have, want)
}

// A gistEvent is what decides in an event of OCSF.
type gistEvent struct {
	Class    int `json:"class_uid"`
	Severity int `json:"severity_id"`
	Status   int `json:"status_id"`
	Finding  struct {
		UID string `json:"uid"`
	} `json:"finding_info"`
	Cloud struct {
		Account uid `json:"account"`
	} `json:"cloud"`
	Resources []uid `json:"resources"`
	User      *struct {
		uid
		HasMFA *bool `json:"has_mfa"`
	} `json:"user"`
	Compliance *struct {
		Control string `json:"control"`
		Status  int    `json:"status_id"`
	} `json:"compliance"`
}

type uid struct {
	UID string `json:"uid"`
}

// gistOf reads an array of events, each of bounded size.
func gistOf(text io.Reader) ([]byte, error) {
	in := &sparing{in: text, left: mostRecord}
	events, sum := json.NewDecoder(in), sha256.New()
	if open, err := events.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.Join(err, errors.New("is not an array"))
	}
	for events.More() {
		in.left = mostRecord
		var event gistEvent
		if err := events.Decode(&event); err != nil {
			return nil, err
		}
		line, err := json.Marshal(&event)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(sum, "%s\n", line)
	}
	if _, err := events.Token(); err != nil {
		return nil, err
	}
	if _, err := events.Token(); err != io.EOF {
		return nil, errors.New("something follows the array")
	}
	return sum.Sum(nil), nil
}

// A sparing reader fails after a number of bytes.
type sparing struct {
	in   io.Reader
	left int
}

func (b *sparing) Read(to []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a finding has more than %d MB", mostRecord/mib)
	}
	n, err := b.in.Read(to)
	b.left -= n
	return n, err
}
