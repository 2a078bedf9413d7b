// Package reminder shows, before a session ends, that it is about to end: in the title
// of the terminal, or as a notification of the desktop. A process of its own waits.
package reminder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// How a reminder is shown.
const (
	Title   = "title"
	Desktop = "desktop"
	usual   = 10 * time.Minute
)

// A Reminder is how it is shown, and how long before the end. The zero value is none.
type Reminder struct {
	How    string
	Before time.Duration
}

// Parse reads a setting: title, desktop, or one of them with a duration, as in title:30m.
// It returns an error if this machine cannot show the reminder.
func Parse(text string) (Reminder, error) {
	how, before, given := strings.Cut(text, ":")
	r := Reminder{how, usual}
	var err error
	if given {
		r.Before, err = time.ParseDuration(before)
	}
	if err != nil || r.Before <= 0 || how != Title && how != Desktop {
		return Reminder{}, errors.New("it is not title or desktop, or one of them with a duration, such as title:30m")
	}
	if how == Desktop {
		_, err = notification("")
	}
	return r, err
}

// Args are the arguments of the process that waits, for [Run].
func (r Reminder) Args(name string, end time.Time, pid int) []string {
	return []string{r.How, strconv.FormatInt(end.Add(-r.Before).Unix(), 10), strconv.FormatInt(end.Unix(), 10), strconv.Itoa(pid), name}
}

// Run waits and shows the reminder on a terminal or the desktop, unless the process that
// uses the session ends before.
func Run(ctx context.Context, args []string, now func() time.Time, terminal io.Writer) error {
	if len(args) != 5 {
		return errors.New("this verb is started by exec and export")
	}
	var numbers [3]int64
	for i := range numbers {
		n, err := strconv.ParseInt(args[i+1], 10, 64)
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	if !wait(ctx, time.Unix(numbers[0], 0), now, func() bool { return alive(int(numbers[2])) }) {
		return nil
	}
	return show(ctx, args[0], fmt.Sprintf("the session of %s ends at %s", args[4], time.Unix(numbers[1], 0).Format("15:04")), terminal)
}

// step is how often the process that uses a session is looked at, so that the process
// that waits does not outlive it for long.
const step = 20 * time.Second

// wait waits until a time, and reports false if the session is no longer in use. It looks
// at the clock in steps, because a machine that sleeps stops timers.
func wait(ctx context.Context, until time.Time, now func() time.Time, used func() bool) bool {
	for {
		if !used() || ctx.Err() != nil {
			return false
		}
		left := until.Sub(now())
		if left <= 0 {
			return true
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(left, step)):
		}
	}
}

// show shows a text. Source of the title: xterm, "Control Sequences", OSC 2.
func show(ctx context.Context, how, text string, terminal io.Writer) error {
	if how == Title {
		_, err := fmt.Fprintf(terminal, "\x1b]2;forcemfa: %s\x07", text)
		return err
	}
	argv, err := notification(text)
	if err != nil {
		return err
	}
	return exec.CommandContext(ctx, argv[0], argv[1:]...).Run()
}

// notification returns the command that shows a text on the desktop.
func notification(text string) ([]string, error) {
	argv := []string{"notify-send", "--app-name=forcemfa", "forcemfa", text}
	if runtime.GOOS == "darwin" {
		argv = []string{"osascript", "-e", `display notification "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `" with title "forcemfa"`}
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, fmt.Errorf("%s is not in PATH", argv[0])
	}
	return argv, nil
}
