package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/notices"
	"forcemfa/internal/notify"
	"forcemfa/internal/view"
)

// sentName is the file in the directory of the messages that records those that were
// sent.
const sentName = "sent.jsonl"

// A sentNotice is a line of it.
type sentNotice struct {
	At   string `json:"at"`
	To   string `json:"to"`
	File string `json:"file"`
	Hash string `json:"hash"` // of recipient, subject and text
}

// sendAll sends the notices with an address that were not sent before, and records each.
func (w *written) sendAll(ctx context.Context, s *organization.Survey) (status int, err error) {
	mailer, err := w.mailer(ctx, s)
	if err != nil {
		return 0, err
	}
	before, err := readSent(filepath.Join(w.options.out, sentName))
	if err != nil {
		return 0, err
	}
	texts, err := notices.ParseTemplates(notices.Text, w.options.texts)
	if err != nil {
		return 0, err
	}
	var due []letter
	for i := range w.all {
		n := &w.all[i]
		if n.To.Address == "" {
			continue
		}
		body, err := texts.Body(n)
		if err != nil {
			return 0, fmt.Errorf("notices: %s: %w", n.File, err)
		}
		if l := (letter{n, body}); !before[l.hash()] {
			due = append(due, l)
		}
	}
	if len(due) == 0 {
		return command.StatusOK, nil
	}
	w.options.Remark("%s to send through SES, from %s", view.Count(len(due), "message"), view.Clean(w.from))
	id, alias, err := s.Home(ctx)
	if err != nil {
		return 0, err
	}
	if err := w.options.Confirm(ctx, w.options.yes, id, alias); err != nil {
		return 0, err
	}
	return w.deliver(ctx, mailer, due)
}

func (w *written) mailer(ctx context.Context, s *organization.Survey) (*notify.Mailer, error) {
	options, err := notify.OptionsOf(s.Baseline.Notify, w.options.Env.Getenv)
	if err != nil {
		return nil, err
	}
	options.Loopback, options.Now = w.options.Loopback, w.options.Env.Now
	cfg, err := w.options.AWSConfig(ctx)
	if err != nil {
		return nil, err
	}
	mailer, err := notify.OpenMailer(cfg, options)
	if err != nil {
		return nil, command.WithHint(err, "--send requires notify: mail: in the config file (docs/notify.md)")
	}
	return mailer, nil
}

// A letter is a notice with its text.
type letter struct {
	*notices.Notice
	text string
}

func (l *letter) hash() string {
	sum := sha256.Sum256([]byte(l.To.Address + "\x00" + l.Subject + "\x00" + l.text))
	return hex.EncodeToString(sum[:])
}

// deliver sends letters one after the other. A letter is recorded as soon as it was
// accepted, so that a run that was interrupted goes on where it ended.
func (w *written) deliver(ctx context.Context, mailer *notify.Mailer, due []letter) (status int, err error) {
	log, err := openSent(filepath.Join(w.options.out, sentName))
	if err != nil {
		return 0, command.FileError("record the messages that are sent", err)
	}
	defer log.Close()
	for i := range due {
		l := &due[i]
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := mailer.Send(ctx, l.To.Address, l.Subject, l.text); err != nil {
			w.failed = append(w.failed, l.File+": "+view.Clean(err.Error()))
			w.options.Remark("not sent: %s", w.failed[len(w.failed)-1])
			continue
		}
		w.sent++
		line, err := json.Marshal(sentNotice{w.options.Env.Now().UTC().Format("2006-01-02T15:04:05Z"), l.To.Address, l.File, l.hash()})
		if err == nil {
			_, err = log.Write(append(line, '\n'))
		}
		if err != nil {
			return 0, fmt.Errorf("record that %s was sent: %w", l.File, err)
		}
	}
	if len(w.failed) > 0 {
		return command.StatusIncomplete, nil
	}
	return command.StatusOK, nil
}

// openSent opens the record of the messages that were sent. After a damaged last line
// the next record begins a new line, so that it can be read.
func openSent(name string) (*os.File, error) {
	log, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	size, err := log.Seek(0, io.SeekEnd)
	if err == nil && size > 0 {
		last := []byte{0}
		if _, err = log.ReadAt(last, size-1); err == nil && last[0] != '\n' {
			_, err = log.WriteString("\n")
		}
	}
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return log, nil
}

// readSent are the hashes of the messages that were sent. A damaged last line is that of
// a run that was killed.
func readSent(name string) (map[string]bool, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, command.FileError("read the messages that were sent", err)
	}
	defer file.Close()
	sent := map[string]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var n sentNotice
		if json.Unmarshal(lines.Bytes(), &n) == nil {
			sent[n.Hash] = true
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the messages that were sent: %s: %w", name, err)
	}
	return sent, nil
}
