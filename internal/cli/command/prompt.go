package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CanAsk reports whether this process can prompt at a terminal.
func (e *Env) CanAsk() bool { return e.WhyNotAsk() == nil }

// WhyNotAsk returns why this process cannot prompt at a terminal; nil if it can.
func (e *Env) WhyNotAsk() error {
	switch {
	case e.AskSecret == nil:
		return errNoTerminal
	case e.Terminal != nil:
		return e.Terminal()
	}
	return nil
}

// WhyNoCode returns why this process cannot prompt for a code.
func (e *Env) WhyNoCode() string {
	if err := e.WhyNotAsk(); errors.Is(err, errBackground) {
		return err.Error()
	}
	return "there is no terminal to prompt for a code"
}

// ReleaseTerminal gives the terminal back as it was before the first prompt: before
// another program takes the place of this one, and at the end.
func (e *Env) ReleaseTerminal() {
	if e.Release != nil {
		e.Release()
	}
}

// Agree asks a yes-or-no question; any answer except yes is an error. Without a
// terminal the hint is otherwise.
func (e *Env) Agree(ctx context.Context, question, otherwise string) error {
	if err := e.WhyNotAsk(); err != nil {
		return WithHint(err, otherwise)
	}
	answer, err := e.Ask(ctx, question)
	if err != nil {
		return WithHint(err, otherwise)
	}
	if !IsYes(answer) {
		return &Error{Status: StatusFailed, Err: errors.New("nothing was changed")}
	}
	return nil
}

// IsYes reports whether an answer means yes.
func IsYes(answer string) bool {
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// Choose has the user pick one item by its number.
func (e *Env) Choose(ctx context.Context, question string, from []string) (string, error) {
	var text strings.Builder
	for i, item := range from {
		fmt.Fprintf(&text, "%d  %s\n", i+1, item)
	}
	fmt.Fprintf(&text, "%s [1-%d] ", question, len(from))
	for {
		answer, err := e.Ask(ctx, text.String())
		if err != nil {
			return "", err
		}
		if n, err := strconv.Atoi(strings.TrimSpace(answer)); err == nil && n >= 1 && n <= len(from) {
			return from[n-1], nil
		}
	}
}
