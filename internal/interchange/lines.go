package interchange

import (
	"encoding/json"
	"io"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// lines writes JSON Lines: objects with one member that names their kind, as in a run
// file, but each finding is whole.
type lines struct {
	e   *json.Encoder
	err error
}

func newLines(w io.Writer, h *run.Head) *lines {
	l := &lines{e: json.NewEncoder(prose.JSON(w))}
	l.e.SetEscapeHTML(false)
	l.write("head", h)
	return l
}

func (l *lines) write(kind string, v any) {
	if l.err == nil {
		l.err = l.e.Encode(map[string]any{kind: v})
	}
}

func (l *lines) User(u audit.User)            { l.write("user", &u) }
func (l *lines) Finding(f audit.Finding)      { l.write("finding", &f) }
func (l *lines) Gap(g org.Gap)                { l.write("unread", &g) }
func (l *lines) Account(a audit.Account)      { l.write("account", &a) }
func (l *lines) Verified(v view.Verification) { l.write("proofs", &v) }

func (l *lines) Close(c view.Conclusion) error {
	l.write("end", &c.End)
	return l.err
}
