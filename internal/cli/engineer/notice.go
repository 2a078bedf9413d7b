package engineer

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/reminder"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/view"
)

// notice reads FORCEMFA_NOTICE, before a code is prompted for.
func (e *machine) notice() (reminder.Reminder, error) {
	text := e.Getenv(command.NoticeVariable)
	if text == "" {
		return reminder.Reminder{}, nil
	}
	r, err := reminder.Parse(text)
	if err != nil {
		return r, command.WithHint(fmt.Errorf("%s is %q: %w", command.NoticeVariable, text, err), "set "+command.NoticeVariable+"=title, or unset it")
	}
	return r, nil
}

// noticeVerb is the verb of the process that waits. Nobody runs it by hand.
const noticeVerb = "notice-before-end"

func newNotice(e *machine) *cobra.Command {
	return &cobra.Command{
		Use: noticeVerb, Hidden: true, DisableFlagParsing: true,
		Short: "Wait, and show that a session is about to end",
		RunE:  func(c *cobra.Command, args []string) error { return reminder.Run(c.Context(), args, e.Now, e.Stderr) },
	}
}

// remind starts a process that shows that a session is about to end, while another
// process runs: the command of exec, which takes the place of this one, or the shell of use.
func (e *machine) remind(r reminder.Reminder, name string, end time.Time, pid int) error {
	if r.How == "" || pid == 0 || r.How == reminder.Title && !e.StderrTerminal {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start the notice before the end of the session: %w", err)
	}
	c := exec.Command(self, append([]string{noticeVerb}, r.Args(view.Clean(name), end, pid)...)...)
	c.Env = withoutSession(e.ChildEnviron())
	c.Stderr = e.Stderr
	detach(c)
	if err := c.Start(); err != nil {
		return fmt.Errorf("start the notice before the end of the session: %w", err)
	}
	return c.Process.Release()
}

// end is when a user has to enter a code again: when the session ends, or with --renew the
// MFA session from which AWS tools renew it.
func (r *renewal) end(e *cache.Entry) time.Time {
	end := e.Expires
	dir, err := cache.Default(r.env.Getenv)
	if !r.renews(e) || err != nil {
		return end
	}
	all, _ := dir.List() // an unreadable cache has no later end
	for _, s := range all {
		if s.Kind == cache.MFASession && s.KeyID == e.KeyID && s.Expires.After(end) {
			end = s.Expires
		}
	}
	return end
}
