package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"forcemfa/internal/bounded"
	"forcemfa/internal/prose"
)

// The limits of a plan file. The largest organizations (10 000 accounts) stay well
// below them.
const (
	maxFile     = 1 << 30
	maxSteps    = 2_000_000
	maxList     = 10_000  // entries of needs, because, notes, versions
	maxDocument = 131_072 // characters; IAM API Reference, policyDocumentType
	maxText     = 8_192   // of every other text
)

// A FileError is the position of an error in a plan file, with the cause.
type FileError struct {
	Name  string // of the file
	Line  int    // from 1
	Field string // as steps[3].op; empty for the file as a whole
	Err   error
}

func (e *FileError) Error() string {
	at := fmt.Sprintf("%s:%d: ", e.Name, e.Line)
	if e.Field != "" {
		at += e.Field + ": "
	}
	return at + e.Err.Error()
}

func (e *FileError) Unwrap() error { return e.Err }

// Write saves a plan as JSON that a person can review.
func Write(w io.Writer, p *Plan) error {
	e := json.NewEncoder(prose.JSON(w))
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// Read reads a plan that [Write] wrote. The text is untrusted: unknown, repeated and
// missing fields, another format, values of the wrong kind or size and inconsistent
// steps are refused with a [*FileError]. name is the name of the file in errors.
func Read(name string, from io.Reader) (*Plan, error) {
	text, err := readText(from)
	r := &reader{name: name, text: text, ids: map[string]int{}}
	switch {
	case errors.Is(err, bounded.ErrTooLarge):
		return nil, r.fail("", fmt.Errorf("larger than %d bytes", maxFile))
	case err != nil:
		return nil, fmt.Errorf("read plan %s: %w", name, err)
	case !utf8.Valid(text):
		return nil, r.fail("", errors.New("not UTF-8"))
	}
	r.dec = json.NewDecoder(bytes.NewReader(text))
	r.dec.UseNumber()
	p := new(Plan)
	if err := r.plan(p); err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return nil, r.fail("", errors.New("more text after the plan"))
	}
	return p, nil
}

// readText reads the text of a plan. A text that does not begin as one is not read to
// its end, because it may have none.
func readText(from io.Reader) ([]byte, error) {
	in := bufio.NewReader(from)
	start, err := in.Peek(256)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if begin := bytes.TrimLeft(start, " \t\r\n"); len(begin) > 0 && begin[0] != '{' {
		return start, nil
	}
	return bounded.ReadAll(in, maxFile)
}

// A reader decodes one plan file token by token, so that every error has its line
// and field.
type reader struct {
	name string
	text []byte
	dec  *json.Decoder
	ids  map[string]int // position of each step by ID
}

// A field is one member of an object with the function that reads its value.
type field struct {
	name     string
	optional bool
	read     func(path string) error
}

func (r *reader) plan(p *Plan) error {
	return r.object("", []field{
		{"format", false, r.format(&p.Format)},
		{"made", false, r.time(&p.Made)},
		{"digest", false, r.string(&p.Digest, maxText)},
		{"config", false, r.string(&p.Config, maxText)},
		{"users", false, r.integer(&p.Users)},
		{"notes", true, r.strings(&p.Notes, maxText)},
		{"lists", true, func(path string) error {
			return r.list(path, maxList, func(path string) error { return r.named(path, p) })
		}},
		{"acknowledged", true, r.strings(&p.Acknowledged, maxText)},
		{"adopt", true, r.strings(&p.Adopt, maxText)},
		{"remove", true, r.boolean(&p.Remove)},
		{"scheduled", true, func(path string) error {
			return r.list(path, maxList, func(path string) error {
				var s Scheduled
				err := r.object(path, []field{
					{"wave", false, r.string(&s.Wave, maxText)},
					{"from", false, r.time(&s.From)},
					{"users", false, r.integer(&s.Users)},
				})
				p.Scheduled = append(p.Scheduled, s)
				return err
			})
		}},
		{"recorded", true, func(path string) error {
			return r.list(path, maxSteps, func(path string) error { return r.recorded(path, p) })
		}},
		{"steps", false, func(path string) error {
			p.Steps = []Step{}
			return r.list(path, maxSteps, func(path string) error {
				return r.step(path, p)
			})
		}},
	})
}

func (r *reader) named(path string, p *Plan) error {
	l := List{Users: []Affected{}}
	err := r.object(path, []field{
		{"kind", false, r.string(&l.Kind, maxText)},
		{"what", false, r.string(&l.What, maxText)},
		{"users", false, func(path string) error {
			return r.list(path, maxSteps, func(path string) error {
				var a Affected
				err := r.object(path, []field{
					{"account", false, r.string(&a.Account, maxText)},
					{"user", true, r.string(&a.User, maxText)},
					{"why", true, r.string(&a.Why, maxText)},
				})
				l.Users = append(l.Users, a)
				return err
			})
		}},
	})
	p.Lists = append(p.Lists, l)
	return err
}

func (r *reader) step(path string, p *Plan) error {
	var s Step
	r.dec.More() // moves on to the step
	start := r.dec.InputOffset()
	err := r.object(path, []field{
		{"id", false, r.string(&s.ID, maxText)},
		{"op", false, r.string((*string)(&s.Op), maxText)},
		{"account", false, r.string(&s.Account, maxText)},
		{"subject", false, r.string(&s.Subject, maxText)},
		{"object", true, r.string(&s.Object, maxText)},
		{"expect", false, r.state(&s.Expect)},
		{"want", false, r.state(&s.Want)},
		{"needs", true, r.strings(&s.Needs, maxText)},
		{"because", false, r.strings(&s.Because, maxText)},
		{"blocked", true, r.string(&s.Blocked, maxText)},
		{"remedy", true, r.string(&s.Remedy, maxText)},
	})
	if err != nil {
		return err
	}
	if where, err := r.check(&s); err != nil {
		return r.failAt(start, path+"."+where, err)
	}
	r.ids[s.ID] = len(p.Steps)
	p.Steps = append(p.Steps, s)
	return nil
}

func (r *reader) state(s *State) func(string) error {
	return func(path string) error {
		return r.object(path, []field{
			{"present", false, r.boolean(&s.Present)},
			{"document", true, r.string(&s.Document, maxDocument)},
			{"value", true, r.string(&s.Value, maxText)},
			{"versions", true, r.strings(&s.Versions, maxText)},
			{"fingerprint", true, r.string(&s.Fingerprint, maxText)},
			{"managed_by", true, r.string(&s.ManagedBy, maxText)},
			{"texts", true, r.strings(&s.Texts, maxDocument)},
		})
	}
}

// check returns the field of a step that contradicts the others or an earlier step,
// with the error.
func (r *reader) check(s *Step) (field string, err error) {
	if field, err := s.Check(); err != nil {
		return field, err
	}
	if _, twice := r.ids[s.ID]; twice {
		return "id", fmt.Errorf("%q is given twice", s.ID)
	}
	for _, id := range s.Needs {
		if _, there := r.ids[id]; !there {
			return "needs", fmt.Errorf("%q is not a step before this one", id)
		}
	}
	return "", nil
}

// object reads an object with exactly these fields, in any order.
func (r *reader) object(path string, fields []field) error {
	if err := r.open(path, '{', "an object"); err != nil {
		return err
	}
	start := r.dec.InputOffset()
	var seen []string
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return r.fail(path, err)
		}
		name := token.(string) // the decoder gives nothing else as a key
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			return r.fail(path, fmt.Errorf("unknown field %q", name))
		case slices.Contains(seen, name):
			return r.fail(join(path, name), errors.New("given twice"))
		}
		seen = append(seen, name)
		if err := fields[i].read(join(path, name)); err != nil {
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return r.fail(path, err)
	}
	for _, f := range fields {
		if !f.optional && !slices.Contains(seen, f.name) {
			return r.failAt(start, path, fmt.Errorf("field %q is missing", f.name))
		}
	}
	return nil
}

// list reads an array of at most limit values.
func (r *reader) list(path string, limit int, item func(path string) error) error {
	if err := r.open(path, '[', "a list"); err != nil {
		return err
	}
	for i := 0; r.dec.More(); i++ {
		if i == limit {
			return r.fail(path, fmt.Errorf("more than %d entries", limit))
		}
		if err := item(path + "[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return r.fail(path, err)
}

func (r *reader) open(path string, delim json.Delim, what string) error {
	token, err := r.dec.Token()
	if err != nil {
		return r.fail(path, err)
	}
	if token != delim {
		return r.fail(path, errors.New("want "+what))
	}
	return nil
}

func (r *reader) string(into *string, limit int) func(string) error {
	return func(path string) error {
		text, err := value[string](r, path, "a string")
		if err != nil {
			return err
		}
		if len(text) > limit {
			return r.fail(path, fmt.Errorf("longer than %d characters", limit))
		}
		*into = text
		return nil
	}
}

func (r *reader) strings(into *[]string, limit int) func(string) error {
	return func(path string) error {
		*into = []string{}
		return r.list(path, maxList, func(path string) error {
			var s string
			if err := r.string(&s, limit)(path); err != nil {
				return err
			}
			*into = append(*into, s)
			return nil
		})
	}
}

func (r *reader) boolean(into *bool) func(string) error {
	return func(path string) (err error) {
		*into, err = value[bool](r, path, "true or false")
		return err
	}
}

func (r *reader) integer(into *int) func(string) error {
	return func(path string) error {
		number, err := value[json.Number](r, path, "a number")
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(number.String(), 10, 31)
		if err != nil {
			return r.fail(path, fmt.Errorf("%s is not a count", number))
		}
		*into = int(n)
		return nil
	}
}

func (r *reader) format(into *int) func(string) error {
	return func(path string) error {
		if err := r.integer(into)(path); err != nil {
			return err
		}
		if *into != Format {
			return r.fail(path, fmt.Errorf("%d is not supported: this program reads format %d; plan again", *into, Format))
		}
		return nil
	}
}

func (r *reader) time(into *time.Time) func(string) error {
	return func(path string) error {
		text, err := value[string](r, path, "a time")
		if err != nil {
			return err
		}
		if *into, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return r.fail(path, fmt.Errorf("%q is not a time as 2027-01-31T12:00:00Z", text))
		}
		return nil
	}
}

// value reads one token of type T.
func value[T any](r *reader, path, what string) (T, error) {
	var none T
	token, err := r.dec.Token()
	if err != nil {
		return none, r.fail(path, err)
	}
	v, ok := token.(T)
	if !ok {
		return none, r.fail(path, errors.New("want "+what))
	}
	return v, nil
}

// fail is err with the current position; nil for nil.
func (r *reader) fail(field string, err error) error {
	if r.dec == nil {
		return r.failAt(0, field, err)
	}
	return r.failAt(r.dec.InputOffset(), field, err)
}

// failAt is err with a position in the text; nil for nil.
func (r *reader) failAt(offset int64, field string, err error) error {
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		err = errors.New("not JSON: " + syntax.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file is truncated")
	}
	line := 1 + bytes.Count(r.text[:min(int(offset), len(r.text))], []byte("\n"))
	return &FileError{Name: r.name, Line: line, Field: field, Err: err}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
