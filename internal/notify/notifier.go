// Package notify sends notifications: to Slack, Teams, SNS, e-mail, a signed webhook,
// Security Hub, and the event bus that collects the messages of an organization.
//
// A [Notifier] sends a [Summary] to all of its channels. A failure is an error
// that names the channel, so that the caller can return the event to its queue
// and nothing is lost. A channel that received a message does not get it again
// from the same Notifier, however often the caller repeats it. Beyond one
// Notifier this is not guaranteed: a second process does not know what the first
// has sent, and a server whose response was lost gets the message again.
// Security Hub and receivers of the webhook recognize such duplicates by their
// ID.
//
// The messages and their kinds are exported because the function and the verbs make
// them.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"forcemfa/internal/view"
)

// A Channel delivers notifications.
//
// Send returns nil when every message of the summary was delivered. After a
// partial delivery the error is an [Unsent]; with any other error no message
// counts as delivered. Errors contain no secrets. Send retries within its
// budget; it need not be safe for concurrent use.
type Channel interface {
	Name() string
	Send(context.Context, *Summary) error
}

// An Unsent is the error of a channel after a partial delivery.
type Unsent struct {
	Messages []Message // that were not delivered
	Err      error     // the reason
}

func (u *Unsent) Error() string {
	return fmt.Sprintf("%s not sent: %v", view.Count(len(u.Messages), "message"), u.Err)
}

func (u *Unsent) Unwrap() error { return u.Err }

// A Notifier sends to channels. It is safe for concurrent use.
type Notifier struct {
	channels []*channelState
	queue    *queue // nil: none
	options  Options
}

// A channelState is a channel and the messages it has sent.
type channelState struct {
	channel Channel

	mu    sync.Mutex
	sent  map[string]bool // by key
	order []string        // of the keys, the oldest first
}

// memory is the maximum number of messages that a channelState remembers.
const memory = 50_000

// Open creates the channels of the options. It makes no request: an unreadable
// secret or a missing channel is an error of the first send, and does not keep
// other channels from sending.
func Open(_ context.Context, cfg aws.Config, o Options) (*Notifier, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	cfg = patient(cfg)
	n := &Notifier{options: o}
	channels, err := o.channels(cfg, o.newRetrier())
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	for _, c := range channels {
		n.channels = append(n.channels, &channelState{channel: c, sent: map[string]bool{}})
	}
	if o.Queue != "" {
		n.queue = newQueue(cfg, o.Queue)
	}
	return n, nil
}

// patient returns a config whose clients retry throttled requests.
func patient(cfg aws.Config) aws.Config {
	c := cfg.Copy()
	c.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts = 6 })
	}
	return c
}

func (o *Options) channels(cfg aws.Config, c *retrier) (all []Channel, err error) {
	if o.SlackWebhook != "" {
		url, err := o.urlSecret(cfg, "Slack webhook", o.SlackWebhook, o.References, slackHosts...)
		if err != nil {
			return nil, err
		}
		all = append(all, &slackWebhook{retrier: c, options: o, url: url})
	}
	if o.SlackToken != "" {
		token, err := newSecret(cfg, "Slack token", o.SlackToken, o.References)
		if err != nil {
			return nil, err
		}
		all = append(all, &slackBot{retrier: c, api: cmp.Or(o.SlackAPI, slackAPI), channel: o.SlackChannel, token: token})
	}
	if o.TeamsWebhook != "" {
		url, err := o.urlSecret(cfg, "Teams webhook", o.TeamsWebhook, o.References, teamsHosts...)
		if err != nil {
			return nil, err
		}
		all = append(all, &teamsWebhook{retrier: c, options: o, url: url})
	}
	if o.MailIdentity != "" {
		all = append(all, newMail(cfg, o, c))
	}
	if o.SNSTopic != "" {
		all = append(all, newSNSTopic(cfg, o.SNSTopic))
	}
	if o.WebhookURL != "" {
		w := &webhook{retrier: c, options: o}
		if w.url, err = o.urlSecret(cfg, "webhook's URL", o.WebhookURL, false); err != nil {
			return nil, err
		}
		if w.key, err = newSecret(cfg, "webhook's secret", o.WebhookSecret, o.References); err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	if o.SecurityHub {
		all = append(all, newSecurityHub(cfg))
	}
	if o.Bus != "" {
		all = append(all, newEventBus(cfg, o.Bus, c))
	}
	return all, nil
}

// urlSecret returns a secret that contains a URL. A URL that is given directly
// is checked now.
func (o *Options) urlSecret(cfg aws.Config, what, reference string, referencesOnly bool, hosts ...string) (*secret, error) {
	s, err := newSecret(cfg, what, reference, referencesOnly)
	if err != nil || s.fetch != nil {
		return s, err
	}
	if _, err := o.address(s.value, hosts...); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return s, nil
}

// Channels returns the names of the channels, in the order of
// [Notifier.Deliver].
func (n *Notifier) Channels() []string {
	var names []string
	for _, o := range n.channels {
		names = append(names, o.channel.Name())
	}
	return names
}

// An Outcome is the result of sending a summary to one channel.
type Outcome struct {
	Channel string
	Sent    int   // messages sent now, without those sent before
	Err     error // nil: every message was delivered
}

// Send sends a summary to all channels concurrently. The error joins the errors
// of all channels that could not deliver everything, each with its name. A
// summary without messages is not sent.
func (n *Notifier) Send(ctx context.Context, d *Summary) error {
	return failures(n.Deliver(ctx, d))
}

func failures(outcomes []Outcome) error {
	var all []error
	for _, o := range outcomes {
		if o.Err != nil {
			all = append(all, fmt.Errorf("notify %s: %w", o.Channel, o.Err))
		}
	}
	return errors.Join(all...)
}

// Deliver is [Notifier.Send] with one outcome for each channel.
func (n *Notifier) Deliver(ctx context.Context, d *Summary) []Outcome {
	outcomes := make([]Outcome, len(n.channels))
	var all sync.WaitGroup
	for i, o := range n.channels {
		all.Go(func() {
			outcomes[i].Channel = o.channel.Name()
			outcomes[i].Sent, outcomes[i].Err = o.send(ctx, d)
		})
	}
	all.Wait()
	return outcomes
}

// send sends the messages that the channel has not sent yet, and remembers them.
func (o *channelState) send(ctx context.Context, d *Summary) (sent int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh := o.fresh(d.Messages)
	if len(fresh) == 0 {
		return 0, nil
	}
	err = o.channel.Send(ctx, d.with(fresh))
	unsent := map[string]bool{}
	var some *Unsent
	if errors.As(err, &some) {
		for i := range some.Messages {
			unsent[some.Messages[i].key()] = true
		}
	} else if err != nil {
		return 0, err
	}
	for i := range fresh {
		if key := fresh[i].key(); !unsent[key] {
			o.remember(key)
			sent++
		}
	}
	return sent, err
}

// fresh returns the messages that were not sent yet, without duplicates.
func (o *channelState) fresh(messages []Message) []Message {
	var fresh []Message
	seen := map[string]bool{}
	for _, m := range messages {
		if key := m.key(); !o.sent[key] && !seen[key] {
			seen[key] = true
			fresh = append(fresh, m)
		}
	}
	return fresh
}

func (o *channelState) remember(key string) {
	if len(o.order) >= memory {
		half := o.order[:memory/2]
		for _, old := range half {
			delete(o.sent, old)
		}
		o.order = slices.Clone(o.order[memory/2:])
	}
	o.sent[key] = true
	o.order = append(o.order, key)
}
