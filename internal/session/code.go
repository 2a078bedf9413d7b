package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"forcemfa/internal/session/cache"
)

// A CodeSource is where codes come from.
type CodeSource struct {
	// Code gets one code. nil: there is nobody and nothing to ask.
	Code func(ctx context.Context, prompt string) (string, error)
	// Person says that Code asks somebody, who can be told what was wrong and
	// asked again.
	Person bool
	// Program says that Code asks a program, which gives another code when
	// the next half minute has come.
	Program bool
	// Command is what Code runs, if it runs one; it is told of the device that
	// is asked for when that is known.
	Command string
	// Missing says why Code is nil.
	Missing string
	// Otherwise asks a person when Command prints no code in time; nil: there is nobody to
	// ask.
	Otherwise func(ctx context.Context, prompt string) (string, error)
	// Default says that nobody chose this source: an mfa_process of the
	// profile comes before it.
	Default bool
}

// codesFor is the source for a route.
func (m *Manager) codesFor(r *Route) CodeSource {
	command, person := m.Codes.Command, m.Codes.Otherwise
	if m.Codes.Default && r.MFAProcess != "" {
		command, person = r.MFAProcess, m.Codes.Code
	}
	if command == "" {
		return m.Codes
	}
	return m.orPerson(commandCodes(command, r.Serial, m.processTime()), person)
}

// ready fails at once where no code can be had.
func (c *CodeSource) ready(r *Route) error {
	if c.Code != nil {
		return nil
	}
	why := c.Missing
	if why == "" {
		why = "there is no terminal to prompt for a code"
	}
	return &Problem{
		Sentence: fmt.Sprintf("there is no MFA session for profile %s, and %s", or(r.Profile, "default"), why),
		Next:     "run " + r.login() + " in a terminal", Err: errNeedsPerson,
	}
}

// step is how long a code is shown. Source: RFC 6238, section 4.1; AWS takes
// no other devices.
const step = 30 * time.Second

func windowOf(t time.Time) int64 { return t.Unix() / int64(step/time.Second) }

// untilNext is how long it takes until devices show another code.
func untilNext(now time.Time) time.Duration {
	return time.Unix((windowOf(now)+1)*int64(step/time.Second), 0).Sub(now)
}

// code gets a code that was not used before, and notes it as used: before it
// is sent, so that one that was on its way when something broke is not sent
// again.
func (m *Manager) code(ctx context.Context, r *Route, codes CodeSource) (string, error) {
	used := m.Cache.Device(r.codeName())
	for try := 0; ; try++ {
		text, err := codes.Code(ctx, prompt(r.Serial, m.Now(), used, try))
		if err != nil {
			return "", m.noCode(r, err)
		}
		code := strings.Join(strings.Fields(text), "")
		wrong := ""
		switch {
		case !SixDigits(code):
			wrong = "an MFA code has six digits"
		case used.Code == codeHash(r, code) && windowOf(m.Now())-used.Window <= maxReplay:
			wrong = "this code was already used; AWS accepts each code once"
		default:
			used.Code, used.Window = codeHash(r, code), windowOf(m.Now())
			return code, m.noteCode(r, used)
		}
		if err := m.another(ctx, r, codes, wrong, SixDigits(code), try); err != nil {
			return "", err
		}
	}
}

// maxReplay is for how many half minutes AWS could take the same code for
// still valid; after that the same digits are another code.
const maxReplay = 20

// another prepares the next try after a code that will not do, or says why
// there is none.
func (m *Manager) another(ctx context.Context, r *Route, codes CodeSource, wrong string, digits bool, try int) error {
	wait := untilNext(m.Now())
	switch {
	case try+1 >= maxTries:
	case codes.Person:
		m.say("%s (the next one comes in %s)", wrong, shortly(wait))
		return nil
	case codes.Program && digits:
		m.say("%s; waiting %s for the next one", wrong, shortly(wait))
		return m.sleep(ctx, wait)
	}
	next := fmt.Sprintf("wait %s for the next code of %s and enter it", shortly(wait), r.Serial)
	if !digits {
		next = fmt.Sprintf("enter the six digits that %s shows", r.Serial)
	}
	return &Problem{Sentence: wrong, Next: next, Err: errNeedsPerson}
}

func shortly(d time.Duration) string { return (d + time.Second - 1).Truncate(time.Second).String() }

// prompt is what the AWS CLI asks, too. It says how long to wait where the
// code on the device was used.
func prompt(serial string, now time.Time, used cache.Device, try int) string {
	if try == 0 && used.Code != "" && used.Window == windowOf(now) {
		return fmt.Sprintf("Enter MFA code for %s (the current code was already used; the next one comes in %s): ", serial, shortly(untilNext(now)))
	}
	return fmt.Sprintf("Enter MFA code for %s: ", serial)
}

// SixDigits says that a text can be a code.
func SixDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 6
}

// codeHash keeps a code recognizable and unreadable enough: it is of no use
// once it was sent.
func codeHash(r *Route, code string) string {
	sum := sha256.Sum256([]byte(r.Serial + "\n" + code))
	return hex.EncodeToString(sum[:])
}

// noteCode records a code as used and clears the failure that others may wait for.
func (m *Manager) noteCode(r *Route, used cache.Device) error {
	if err := m.note(r.codeName(), used); err != nil {
		return err
	}
	d := m.Cache.Device(r.deviceName())
	if d.Failed.IsZero() {
		return nil
	}
	d.Failed, d.Why = time.Time{}, ""
	return m.note(r.deviceName(), d)
}

func (m *Manager) note(name string, d cache.Device) error {
	if err := m.Cache.SetDevice(name, d); err != nil {
		return &Problem{Sentence: "cannot record the code as used: " + err.Error(), Next: m.cacheRemedy(err), Err: err}
	}
	return nil
}

// noCode explains why nobody gave a code.
func (m *Manager) noCode(r *Route, err error) error {
	var problem *Problem
	if errors.As(err, &problem) || errors.Is(err, context.Canceled) {
		return err
	}
	return &Problem{
		Sentence: fmt.Sprintf("no MFA code for %s: %v", r.Serial, err),
		Next:     "run " + r.login() + " and enter the code",
		Err:      errors.Join(err, errNeedsPerson),
	}
}
