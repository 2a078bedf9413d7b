package command

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestOnlyOnWindowsAProgramSurvivesTheSignalsOfItsChild(t *testing.T) {
	got := ConsoleSignals("windows")
	for _, s := range EndSignals() {
		if !slices.Contains(got, s) {
			t.Errorf("windows: %v ends forcemfa before its child", s)
		}
	}
	for _, goos := range []string{"linux", "darwin", "freebsd"} {
		if got := ConsoleSignals(goos); len(got) != 0 {
			t.Errorf("%s: %v", goos, got)
		}
	}
}

func TestTheStatusOfASignalIsThatOfTheShell(t *testing.T) {
	for s, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		if got := (&Interrupted{s}).Status(); got != want {
			t.Errorf("%v: %d, want %d", s, got, want)
		}
	}
}

func TestAnInterruptedVerbSaysSoWhateverItsErrorIs(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(&Interrupted{os.Interrupt})
	for name, err := range map[string]error{
		"canceled": context.Canceled, "with a hint": WithHint(context.Canceled, "run it in a terminal"), "another": errors.New("signal: killed"),
	} {
		end := ending(ctx, err)
		if end.Status != 130 || !errors.As(end.Err, new(*Interrupted)) {
			t.Errorf("%s: status %d, %v", name, end.Status, end.Err)
		}
	}
	if end := ending(ctx, WithHint(context.Canceled, "delete the device")); end.Hint != "delete the device" {
		t.Errorf("the hint about what is left became %q", end.Hint)
	}
	if end := ending(ctx, Exit(StatusIncomplete)); end.Status != StatusIncomplete {
		t.Errorf("a run that was interrupted and reported: status %d", end.Status)
	}
	if end := ending(ctx, Exit(1)); end.Status != 1 {
		t.Errorf("a child that was interrupted and ended with 1: status %d", end.Status)
	}
	if end := ending(t.Context(), context.Canceled); end.Status != StatusFailed {
		t.Errorf("without a signal: status %d", end.Status)
	}
}

func TestASurvivedSignalReachesOtherHandlers(t *testing.T) {
	ctx, stop := WithSignals(t.Context())
	defer stop()
	defer Survive([]os.Signal{os.Interrupt})()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(os.Interrupt); err != nil {
		t.Skipf("this system cannot interrupt a process: %v", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("the signal was lost")
	}
}
