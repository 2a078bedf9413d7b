package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy/arn"
)

// A Duration is a time.Duration that is written as in Go: 200ms, 30s, 1h.
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 200ms, 30s or 1h", text)
	}
	*d = Duration(parsed)
	return nil
}

// IsZero omits a duration that is not set.
func (d Duration) IsZero() bool { return d == 0 }

// kinds are the members of a rule that each kind may have, next to kind, account and
// after; required ones end with an exclamation mark.
var kinds = map[string]string{
	Throttle: "service operation rate per_second burst", Error: "service operation rate status", Down: "service! operation",
	Slow: "service operation rate delay!", Reset: "service operation rate", Truncate: "service operation rate",
	Lag: "service operation rate delay!", Skew: "by!", ReportStuck: "", AccountGone: "account!",
}

// Kinds returns the kinds of faults, sorted.
func Kinds() []string {
	var all []string
	for kind := range kinds {
		all = append(all, kind)
	}
	slices.Sort(all)
	return all
}

// Parse reads a plan from JSON. The error names the line or the fault.
func Parse(text []byte) (Plan, error) {
	var p Plan
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("line %d: %w", lineOf(text, in.InputOffset(), err), reason(err))
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return Plan{}, fmt.Errorf("line %d: text after the object", lineOf(text, in.InputOffset(), nil))
	}
	return p, p.Check()
}

// reason is an error of package json without the names of Go's types.
func reason(err error) error {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		if mistyped.Field == "" {
			return fmt.Errorf("unexpected %s, want an object such as {\"seed\":7,\"faults\":[]}", mistyped.Value)
		}
		return fmt.Errorf("%s: unexpected %s", mistyped.Field, mistyped.Value)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the text ends early")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// lineOf returns the line of an error. Package json does not tell where an unknown member
// or a malformed duration is, so the first place of the text that the error quotes is taken.
func lineOf(text []byte, offset int64, err error) int {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mistyped):
		offset = mistyped.Offset
	case err != nil:
		if parts := strings.Split(err.Error(), `"`); len(parts) > 2 {
			offset = max(0, int64(bytes.Index(text, []byte(`"`+parts[1]+`"`))))
		}
	}
	return 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))
}

// ParseRule reads a rule in the form "kind,name=value,…", such as
// "throttle,service=iam,rate=0.2".
func ParseRule(text string) (Rule, error) {
	parts := strings.Split(text, ",")
	members := map[string]any{"kind": parts[0]}
	for _, part := range parts[1:] {
		name, value, ok := strings.Cut(part, "=")
		if !ok || members[name] != nil {
			return Rule{}, fmt.Errorf("%q: %q is not a new name=value", text, part)
		}
		members[name] = value
		if slices.Contains([]string{"rate", "per_second", "burst", "status"}, name) {
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return Rule{}, fmt.Errorf("%q: %s: %q is not a number", text, name, value)
			}
			members[name] = number
		}
	}
	whole, err := json.Marshal(map[string]any{"faults": []any{members}})
	if err != nil {
		return Rule{}, fmt.Errorf("%q: %w", text, err) // a number that JSON does not have
	}
	p, err := Parse(whole)
	if err != nil {
		return Rule{}, fmt.Errorf("%q: %s", text, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "line 1: "), "fault 1: "))
	}
	return p.Faults[0], nil
}

// Check returns an error that names the first fault that is not well formed.
func (p *Plan) Check() error {
	for i := range p.Faults {
		if err := p.Faults[i].check(); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *Rule) check() error {
	allowed, known := kinds[r.Kind]
	if !known {
		return fmt.Errorf("kind %q: one of %s is needed", r.Kind, strings.Join(Kinds(), ", "))
	}
	if err := r.members(allowed); err != nil {
		return err
	}
	_, malformed := path.Match(r.Operation, "")
	switch {
	case r.Account != "" && !arn.IsAccountID(r.Account):
		return fmt.Errorf("account %q is not an account ID of 12 digits", r.Account)
	case malformed != nil:
		return fmt.Errorf("operation %q is not a pattern such as List*", r.Operation)
	case r.Rate != nil && !(*r.Rate >= 0 && *r.Rate <= 1):
		return fmt.Errorf("rate %v is not a share from 0 to 1", *r.Rate)
	case r.PerSecond < 0 || r.Burst < 0 || r.Delay < 0 || r.After < 0:
		return errors.New("per_second, burst, delay and after must not be negative")
	case r.Kind == Throttle && r.Rate != nil && r.PerSecond > 0, r.Burst > 0 && r.PerSecond == 0:
		return errors.New("rate excludes per_second, and burst needs it")
	case r.Status != 0 && r.Status != 500 && r.Status != 503:
		return fmt.Errorf("status %d is neither 500 nor 503", r.Status)
	case time.Duration(r.Delay) > time.Hour:
		return fmt.Errorf("delay %s is longer than an hour", time.Duration(r.Delay))
	}
	return nil
}

// members refuses members that the kind ignores, and the lack of those that it needs.
func (r *Rule) members(allowed string) error {
	set := map[string]bool{
		"account": r.Account != "", "service": r.Service != "", "operation": r.Operation != "", "rate": r.Rate != nil, "per_second": r.PerSecond != 0,
		"burst": r.Burst != 0, "delay": r.Delay != 0, "by": r.By != 0, "status": r.Status != 0,
	}
	names := strings.Fields(allowed)
	for _, name := range []string{"account", "service", "operation", "rate", "per_second", "burst", "delay", "by", "status"} {
		required := slices.Contains(names, name+"!")
		switch {
		case required && !set[name]:
			return fmt.Errorf("%s needs %s", r.Kind, name)
		case set[name] && !required && !slices.Contains(names, name) && !(name == "account" && r.Kind != Skew):
			return fmt.Errorf("%s has no %s", r.Kind, name)
		}
	}
	return nil
}

func (r *Rule) status() int {
	switch {
	case r.Kind == Down:
		return 503
	case r.Status == 0:
		return 500
	}
	return r.Status
}
