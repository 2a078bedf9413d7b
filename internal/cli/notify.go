package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/notify"
	"forcemfa/internal/view"
)

func newNotify(e *command.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "Test the notification channels",
		Long: `notify tests the channels of the config: Slack, Microsoft Teams, e-mail through SES,
SNS, a signed webhook, Security Hub and an event bus. docs/notify.md describes their messages.`,
		Example: `  forcemfa notify test`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newNotifyTest(e))
	return c
}

func newNotifyTest(e *command.Env) *cobra.Command {
	o := notifyOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	var kinds []string
	for _, k := range notify.Kinds() {
		kinds = append(kinds, string(k))
	}
	c := &cobra.Command{
		Use:   "test",
		Short: "Send one message of each kind to every channel",
		Long: `notify test sends a message of each kind, as a run would, to every channel of the
config, and shows which ones arrived. Each is marked as a test; test findings in
Security Hub are archived at once.

Secrets are read from the place in the config. --slack-webhook-file tests a webhook
that is not in the config; its URL is in the file, or - for stdin.

Exit status 4 means that a channel did not receive every message, 1 that no channel
received any.
` + command.StatusHelp,
		Example: `  forcemfa notify test
  forcemfa notify test --kind blocked,enforced -o json
  pass show slack-webhook | forcemfa notify test --slack-webhook-file -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runNotifyTest(c.Context(), &o) },
	}
	f := c.Flags()
	f.StringVar(&o.Config, "config", "", "config `file` (default forcemfa.yaml)")
	f.StringVar(&o.Profile, "profile", "", "AWS profile to start from")
	f.StringVar(&o.Region, "region", "", "AWS region of Security Hub and of names without a region")
	f.StringSliceVar(&o.kinds, "kind", kinds, "only these `kinds` of messages")
	f.StringVar(&o.webhookFile, "slack-webhook-file", "", "a `file` with the URL of a Slack webhook, or - for stdin; instead of the config's Slack")
	f.StringVarP(&o.Format, "output", "o", "text", "text or json")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "no remarks on stderr")
	f.BoolVar(&o.Loopback, "loopback", false, "allow channels on this machine without TLS, for tests")
	_ = f.MarkHidden("loopback")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp))
	return c
}

type notifyOptions struct {
	organization.Flags
	kinds       []string
	webhookFile string
}

// testBudget is how long a channel may try one message: somebody waits.
const testBudget = 20 * time.Second

func runNotifyTest(ctx context.Context, o *notifyOptions) error {
	if err := command.CheckOutput(o.Format); err != nil {
		return err
	}
	kinds, err := o.chosen()
	if err != nil {
		return err
	}
	n, err := o.open(ctx)
	if err != nil {
		return err
	}
	if len(n.Channels()) == 0 {
		return command.WithHint(fmt.Errorf("notify test: no channel is configured"),
			`name one under "notify:" in the config (docs/notify.md), or give --slack-webhook-file`)
	}
	trial := newNotifyTrial(n.Channels(), kinds)
	for _, d := range notify.Tests(kinds, "000000000000", "example", "aws", o.Env.Now()) {
		kind := d.Messages[0].Kind
		o.Remark("sending a test message: %s", kind)
		if trial.add(kind, n.Deliver(ctx, &d)); trial.hopeless() {
			break
		}
	}
	if err := trial.print(&o.Flags); err != nil {
		return err
	}
	return command.Exit(trial.status())
}

// chosen are the kinds to send, in the order of a digest.
func (o *notifyOptions) chosen() ([]notify.Kind, error) {
	var known []string
	var chosen []notify.Kind
	for _, k := range notify.Kinds() {
		known = append(known, string(k))
		if slices.Contains(o.kinds, string(k)) {
			chosen = append(chosen, k)
		}
	}
	for _, k := range o.kinds {
		if err := command.OneOf("kind", k, known...); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

// open reads the config and makes its channels. It makes no request.
func (o *notifyOptions) open(ctx context.Context) (*notify.Notifier, error) {
	for _, flag := range []struct {
		name string
		to   *string
	}{{"config", &o.Config}, {"profile", &o.Profile}, {"region", &o.Region}} {
		if *flag.to == "" {
			*flag.to = o.Env.Getenv(command.Variable(flag.name))
		}
	}
	b, err := o.ReadBaseline(func() (*baseline.Baseline, error) { return baseline.Default(), nil })
	if err != nil {
		return nil, err
	}
	if o.webhookFile != "" {
		b.Notify.Slack = baseline.Slack{}
	}
	options, err := notify.OptionsOf(b.Notify, o.Env.Getenv)
	if err != nil {
		return nil, command.WithHint(err, "set the variable, or use another reference under notify: in the config")
	}
	if o.webhookFile != "" {
		if options.SlackWebhook, err = o.readWebhook(); err != nil {
			return nil, err
		}
	}
	options.Loopback, options.Budget, options.Now = o.Loopback, testBudget, o.Env.Now
	cfg, err := o.AWSConfig(ctx)
	if err != nil {
		return nil, err
	}
	n, err := notify.Open(ctx, cfg, options)
	if err != nil {
		return nil, command.WithHint(err, "docs/notify.md describes the settings of each channel")
	}
	return n, nil
}

// readWebhook reads the URL of a webhook. Errors do not repeat what was read.
func (o *notifyOptions) readWebhook() (string, error) {
	var in io.Reader = o.Env.Stdin
	name := "stdin"
	if o.webhookFile != "-" {
		file, err := os.Open(o.webhookFile)
		if err != nil {
			return "", command.FileError("read the Slack webhook", err)
		}
		defer file.Close()
		in, name = file, o.webhookFile
	}
	text, err := io.ReadAll(io.LimitReader(in, 4<<10))
	if err != nil {
		return "", fmt.Errorf("read the Slack webhook from %s: %w", name, command.FileReason(err))
	}
	url := strings.TrimSpace(string(text))
	if url == "" {
		return "", fmt.Errorf("read the Slack webhook from %s: the file is empty", name)
	}
	return url, nil
}

// A notifyTrial is what arrived where.
type notifyTrial struct {
	Channels []notifyChannel `json:"channels"`
	kinds    int
}

type notifyChannel struct {
	Channel string        `json:"channel"`
	Arrived []notify.Kind `json:"arrived"`
	Failed  []notifyError `json:"failed"`
}

type notifyError struct {
	Kind  notify.Kind `json:"kind"`
	Error string      `json:"error"`
}

func newNotifyTrial(channels []string, kinds []notify.Kind) *notifyTrial {
	t := &notifyTrial{kinds: len(kinds)}
	for _, name := range channels {
		t.Channels = append(t.Channels, notifyChannel{Channel: name, Arrived: []notify.Kind{}, Failed: []notifyError{}})
	}
	return t
}

func (t *notifyTrial) add(kind notify.Kind, outcomes []notify.Outcome) {
	for i, out := range outcomes {
		c := &t.Channels[i]
		if out.Err != nil {
			c.Failed = append(c.Failed, notifyError{kind, view.Clean(out.Err.Error())})
		} else {
			c.Arrived = append(c.Arrived, kind)
		}
	}
}

// arrived is how many messages did, in all channels together.
func (t *notifyTrial) arrived() int {
	n := 0
	for _, c := range t.Channels {
		n += len(c.Arrived)
	}
	return n
}

// hopeless reports whether nothing arrives anywhere, so that the rest need not be
// waited for.
func (t *notifyTrial) hopeless() bool { return t.arrived() == 0 }

func (t *notifyTrial) status() int {
	switch t.arrived() {
	case t.kinds * len(t.Channels):
		return command.StatusOK
	case 0:
		return command.StatusFailed
	}
	return command.StatusIncomplete
}

func (t *notifyTrial) print(s *organization.Flags) error {
	if s.JSON() {
		return view.JSON(s.Stdout(), t)
	}
	for _, c := range t.Channels {
		fmt.Fprintf(s.Stdout(), "%-14s %d of %d arrived\n", c.Channel, len(c.Arrived), t.kinds)
		last := ""
		for _, f := range c.Failed {
			if f.Error != last {
				fmt.Fprintf(s.Stdout(), "%-14s %s: %s\n", "", f.Kind, f.Error)
			}
			last = f.Error
		}
	}
	return nil
}
