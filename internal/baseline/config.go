package baseline

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy/arn"
)

// Parse reads a config file. Nothing in it is ignored: the error is a
// *ConfigError that says where, what and what is allowed there. The name is
// for errors only.
func Parse(name string, text []byte) (*Baseline, error) {
	b := defaults()
	b.Name = name
	root, err := parseYAML(name, text)
	if err != nil {
		return nil, err
	}
	var breakGlass []Exemption
	err = root.mapping(
		field{"version", required, readVersion},
		field{"attach", optional, choice(&b.Attach, AttachGroup, AttachUser)},
		field{"policy", optional, b.Policy.read},
		field{"window", optional, b.Window.read},
		field{"exemptions", optional, readExemptions(&b.Exemptions, false)},
		field{"break_glass", optional, readExemptions(&breakGlass, true)},
		field{"acknowledge", optional, b.readAcknowledgements},
	)
	if err != nil {
		return nil, err
	}
	b.Exemptions = append(b.Exemptions, breakGlass...)
	return b, nil
}

func readVersion(n node) error {
	version, err := n.whole()
	if err != nil {
		return err
	}
	if version != 1 {
		return n.errorf("version %d is not known: this program reads version 1", version)
	}
	return nil
}

func (p *Policy) read(n node) error {
	return n.mapping(
		field{"self_service", optional, choice(&p.SelfService, SelfServiceEnrol, SelfServiceFull, SelfServiceNone)},
		field{"enrolment", optional, choice(&p.Enrolment, EnrolmentConsole, EnrolmentAny)},
		field{"allow_password_change_before_mfa", optional, truth(&p.PasswordChangeBeforeMFA)},
		field{"console_authorization", optional, choice(&p.ConsoleAuthorization,
			ConsoleAuthorizationAuto, ConsoleAuthorizationOn, ConsoleAuthorizationOff)},
		field{"max_session_age", optional, p.readMaxSessionAge},
		field{"fas", optional, choice(&p.FAS, FASAllow, FASDeny)},
	)
}

// A session made by GetSessionToken lives from 15 minutes to 36 hours.
// Source: AWS STS API Reference, GetSessionToken, DurationSeconds.
const (
	shortestSession = 15 * time.Minute
	longestSession  = 36 * time.Hour
)

func (p *Policy) readMaxSessionAge(n node) error {
	const allowed = "max_session_age: want none or a duration of 15m to 36h in whole seconds, such as 12h"
	text, err := n.text()
	if err != nil {
		return n.errorf(allowed)
	}
	if text == "none" {
		p.MaxSessionAge = 0
		return nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < shortestSession || age > longestSession || age%time.Second != 0 {
		return n.errorf("%s; this is %q", allowed, text)
	}
	p.MaxSessionAge = age
	return nil
}

func (w *Window) read(n node) error {
	return n.mapping(
		field{"tag", optional, w.readTag},
		field{"days", optional, w.readDays},
	)
}

// readTag takes fewer characters than IAM does for a tag key, because the key
// becomes part of a condition key.
func (w *Window) readTag(n node) error {
	text, err := n.text()
	if err != nil {
		return err
	}
	if text == "" || len(text) > 128 || strings.Trim(text, entityNameChars) != "" {
		return n.errorf("window tag %q: want 1 to 128 letters, digits or _+=,.@-", text)
	}
	w.Tag = text
	return nil
}

func (w *Window) readDays(n node) error {
	days, err := n.whole()
	if err != nil {
		return err
	}
	if days < 1 || days > 90 {
		return n.errorf("window days %d: want 1 to 90", days)
	}
	w.Days = days
	return nil
}

func readExemptions(to *[]Exemption, breakGlass bool) func(node) error {
	return func(n node) error {
		return n.list(func(item node) error {
			e := Exemption{BreakGlass: breakGlass, Line: item.line()}
			if err := e.read(item); err != nil {
				return err
			}
			*to = append(*to, e)
			return nil
		})
	}
}

func (e *Exemption) read(n node) error {
	err := n.mapping(
		field{"match", required, e.Match.read},
		field{"owner", required, sentence(&e.Owner)},
		field{"reason", required, sentence(&e.Reason)},
		field{"expires", optional, e.readExpires},
	)
	if err != nil {
		return err
	}
	if e.BreakGlass && strings.Trim(e.Match.Name+e.Match.ARN, "*?") == "" {
		return n.errorf("break_glass: match must name its users by name or arn")
	}
	return nil
}

func (e *Exemption) readExpires(n node) error {
	text, err := n.text()
	if err != nil {
		return n.errorf("expires: want a date such as 2027-01-31")
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return n.errorf("expires %q: want a date such as 2027-01-31", text)
	}
	e.Expires = day
	return nil
}

func (m *Match) read(n node) error {
	err := n.mapping(
		field{"tag", optional, pattern(&m.Tag, "key=value", isTagPattern)},
		field{"name", optional, pattern(&m.Name, "the name of a user", isNamePattern)},
		field{"path", optional, pattern(&m.Path, "a path that begins and ends with a slash, or a glob", isPathPattern)},
		field{"arn", optional, pattern(&m.ARN, "the ARN of a user, or a glob", isUserARNPattern)},
		field{"account", optional, pattern(&m.Account, "an account ID of 12 digits in quotes, or a glob", isAccountPattern)},
	)
	if err != nil {
		return err
	}
	if m.everybody() {
		return n.errorf("match would exempt everybody; give one or more of tag, name, path, arn, account")
	}
	return nil
}

// everybody tells whether nothing but stars is given.
func (m Match) everybody() bool {
	for _, p := range m.parts() {
		if strings.Trim(p.pattern, "*") != "" {
			return false
		}
	}
	return true
}

// A tag pattern with an empty value is a tag whose value is empty.
func isTagPattern(s string) bool {
	key, _, found := strings.Cut(s, "=")
	return found && key != "" && strings.TrimSpace(s) == s
}

func isNamePattern(s string) bool { return strings.Trim(s, entityNameChars+"*?") == "" }

func isPathPattern(s string) bool {
	return strings.HasPrefix(s, "*") || strings.HasPrefix(s, "/") && (strings.HasSuffix(s, "/") || isGlob(s))
}

func isUserARNPattern(s string) bool {
	if isGlob(s) {
		return strings.HasPrefix(s, "arn:") || strings.HasPrefix(s, "*")
	}
	a, err := arn.Parse(s)
	return err == nil && a.Service == "iam" && a.Kind() == "user" && arn.IsAccountID(a.Account)
}

func isAccountPattern(s string) bool {
	return arn.IsAccountID(s) || isGlob(s) && strings.Trim(s, "0123456789*?") == ""
}

func isGlob(s string) bool { return strings.ContainsAny(s, "*?") }

func (b *Baseline) readAcknowledgements(n node) error {
	return n.list(func(item node) error {
		text, err := item.text()
		if err != nil {
			return err
		}
		a, err := ParseAcknowledgement(text)
		if err != nil {
			return item.errorf("%v", err)
		}
		if !slices.Contains(b.Acknowledge, a) {
			b.Acknowledge = append(b.Acknowledge, a)
		}
		return nil
	})
}

// choice reads one of a few words.
func choice[T ~string](to *T, allowed ...T) func(node) error {
	return func(n node) error {
		var words []string
		for _, a := range allowed {
			words = append(words, string(a))
		}
		text, err := n.text()
		if err != nil {
			return n.errorf("%s: want %s; this is %s", n.key, strings.Join(words, ", "), n.kind())
		}
		if !slices.Contains(words, text) {
			return n.errorf("%s %q: want %s", n.key, text, strings.Join(words, ", "))
		}
		*to = T(text)
		return nil
	}
}

func truth(to *bool) func(node) error {
	return func(n node) error {
		v, err := n.truth()
		*to = v
		return err
	}
}

// sentence reads text that must say something.
func sentence(to *string) func(node) error {
	return func(n node) error {
		text, err := n.text()
		if err != nil {
			return err
		}
		if strings.TrimSpace(text) == "" {
			return n.errorf("%s is empty", n.key)
		}
		*to = text
		return nil
	}
}

// pattern reads text that must have a shape.
func pattern(to *string, want string, ok func(string) bool) func(node) error {
	return func(n node) error {
		text, err := n.text()
		if err != nil {
			return n.errorf("%s: want %s; this is %s", n.key, want, n.kind())
		}
		if text == "" || !ok(text) {
			return n.errorf("%s %s: want %s", n.key, strconv.Quote(text), want)
		}
		*to = text
		return nil
	}
}
