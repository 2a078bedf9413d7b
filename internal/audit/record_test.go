package audit_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

func TestReplayGivesTheSameStream(t *testing.T) {
	a := quiet(t)
	a.Users[0].Groups = []string{"people"}
	a.Gaps = []org.Gap{{Account: account, What: "w", Why: "<why>"}}
	dark := &org.Account{ID: "222222222222"}
	h := &org.Header{Partition: "aws"}
	first, counts := run(t, h, wanted(t), a, dark)

	var saved bytes.Buffer
	recorder := audit.NewRecorder(&saved)
	if _, err := audit.Run(context.Background(), h, stream(a, dark), wanted(t), now, recorder); err != nil || recorder.Err() != nil {
		t.Fatal(err, recorder.Err())
	}
	second := new(tape)
	again, err := audit.Replay(&saved, second)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(counts, again); diff != "" {
		t.Errorf("counts (-run +replay):\n%s", diff)
	}
	if diff := cmp.Diff(first, second, cmp.AllowUnexported(tape{}), cmpopts.IgnoreFields(audit.User{}, "Read")); diff != "" {
		t.Errorf("stream (-run +replay):\n%s", diff)
	}
}

func TestReplayNamesTheBrokenLine(t *testing.T) {
	const good = `{"gap":{"what":"w","why":"y"}}` + "\n"
	for text, want := range map[string]string{
		good + "{":                              "saved audit, line 2: ",
		good + good + `{"gap":{},"account":{}}`: "saved audit, line 3: want exactly one of user, finding, gap, account",
		`{}`:                                    "saved audit, line 1: want exactly one of",
		`{"finding":{"id":"x","example":{"credential":"telepathy"}}}`: "saved audit, line 1: ",
	} {
		if _, err := audit.Replay(strings.NewReader(text), new(tape)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// A failing writer fails once and for all.
type failing struct{ left int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestRecorderKeepsItsFirstError(t *testing.T) {
	w := &failing{left: 1}
	r := audit.NewRecorder(w)
	for range 3 {
		r.Gap(org.Gap{What: "w"})
	}
	if !errors.Is(r.Err(), errFull) || w.left != -1 {
		t.Errorf("%v after %d writes", r.Err(), 1-w.left)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"user":{"account":"111111111111","name":"bob","state":"open","example":{"action":"s3:GetObject","credential":"console"}}}`))
	f.Add([]byte(`{"account":{"id":"111111111111","users":1,"open":1}}` + "\n" + `{"gap":{"what":"w"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		first := new(tape)
		if _, err := audit.Replay(bytes.NewReader(text), first); err != nil {
			return
		}
		var saved bytes.Buffer
		r := audit.NewRecorder(&saved)
		if _, err := audit.Replay(bytes.NewReader(text), r); err != nil || r.Err() != nil {
			t.Fatal(err, r.Err())
		}
		second := new(tape)
		if _, err := audit.Replay(&saved, second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second, cmp.AllowUnexported(tape{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("saved again (-first +second):\n%s", diff)
		}
	})
}
