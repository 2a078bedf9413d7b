package offline

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/view"
)

// A decisionLog appends decisions to a file, one JSON object per line.
type decisionLog struct {
	name   string
	stderr io.Writer

	mu   sync.Mutex
	file *os.File // nil: no log
	err  error    // of the first line that could not be written
}

// logDecisions opens the file of --log-decisions and logs every request from now on.
// Only its owner can read a new file. It is appended to, so a second run loses nothing.
// Without a file, requests that pass only because of --enforce=log are printed to stderr.
func logDecisions(e *command.Env, cloud *emulator.Cloud, o emulateOptions) (*decisionLog, error) {
	name := o.decisions
	l := &decisionLog{name: name, stderr: e.Stderr}
	if name == "" {
		if o.enforce == enforceLog {
			cloud.OnDecision(l.print)
		}
		return l, nil
	}
	if err := command.NotAFile(name); err != nil {
		return nil, command.WithHint(fmt.Errorf("--log-decisions %s: %w", name, err), "name a file that you may write to")
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, command.WithHint(fmt.Errorf("--log-decisions %s: %w", name, command.FileReason(err)), "name a file that you may write to")
	}
	l.file = file
	cloud.OnDecision(l.add)
	return l, nil
}

// add writes one line at once, so that the log can be followed.
func (l *decisionLog) add(d emulator.Decision) {
	line, err := json.Marshal(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("--log-decisions %s: %w: decisions are missing from it", l.name, command.FileReason(err))
		fmt.Fprintln(l.stderr, "WARNING:", l.err)
	}
}

// print prints a request that passed although it would be refused.
func (l *decisionLog) print(d emulator.Decision) {
	if !d.Passed {
		return
	}
	why := cmp.Or(d.Why, "no "+d.Layer+" allows it")
	if d.Document != "" {
		why = "statement " + d.Statement + " of " + d.Document
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.stderr, "would be refused: %s by %s on %s (%s): %s\n", d.Action, view.Clean(d.Principal), view.Clean(d.Resource), d.Decision, view.Clean(why))
}

// Close closes the file. The error is that of the first line that could not be written.
func (l *decisionLog) Close() error {
	if l.file == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.err, l.file.Close())
}

// checkEnforce checks the value of --enforce.
func checkEnforce(o emulateOptions) error {
	if o.enforce != enforceOn && o.enforce != enforceLog {
		return command.WithHint(fmt.Errorf("--enforce %q: want on or log", o.enforce), "see forcemfa emulate --help")
	}
	return nil
}
