package notify

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"forcemfa/internal/view"
)

// The limits of an SNS message: a subject of fewer than 100 ASCII characters
// that begins with a letter, a digit or punctuation, and 256 KB of text.
// Source: Amazon SNS API Reference, Publish.
const (
	mostSubject = 99
	mostSNS     = 256 << 10
)

// snsCards is the maximum number of messages shown in full.
const snsCards = 100

// An snsTopic publishes summaries as text.
type snsTopic struct {
	client *sns.Client
	arn    string
}

func newSNSTopic(cfg aws.Config, arn string) *snsTopic {
	return &snsTopic{client: sns.NewFromConfig(regional(cfg, arn)), arn: arn}
}

func (t *snsTopic) Name() string { return "sns" }

// Send publishes the summary as one message. The attribute severity is that of
// the worst message, for subscription filters.
func (t *snsTopic) Send(ctx context.Context, d *Summary) error {
	text := snsText(d)
	in := &sns.PublishInput{
		TopicArn: &t.arn,
		Subject:  aws.String(subject(d.headline())),
		Message:  &text,
		MessageAttributes: map[string]types.MessageAttributeValue{
			"severity": {DataType: aws.String("String"), StringValue: aws.String(string(d.sorted()[0].severity()))},
		},
	}
	if strings.HasSuffix(t.arn, ".fifo") {
		in.MessageGroupId = aws.String("forcemfa")
		in.MessageDeduplicationId = aws.String(delivery(d.sorted()))
	}
	if _, err := t.client.Publish(ctx, in); err != nil {
		return fmt.Errorf("publish to %s: %w", t.arn, err)
	}
	return nil
}

// subject converts a line to a valid SNS subject.
func subject(line string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, clip(line, mostSubject, "..."))
	if ascii == "" || ascii[0] == ' ' {
		return "forcemfa"
	}
	return ascii
}

// snsText formats a summary as plain text within SNS's limit: messages in full
// while there is room, the others counted by account and rule.
func snsText(d *Summary) string {
	head := clip(d.headline(), 300, "…") + "\n"
	foot := "\n" + clip(d.origin(), 200, "…") + "\n"
	var cards strings.Builder
	n := 0
	for _, m := range d.condensed(snsCards).cards {
		card := plainCard(&m)
		if cards.Len()+len(card) > mostSNS/2 {
			break
		}
		cards.WriteString(card)
		n++
	}
	rest := d.condensed(n).groups
	return head + cards.String() + plainGroups(rest, mostSNS/2-len(head)-len(foot), d.more()) + foot
}

func plainCard(m *Message) string {
	remedy := "nothing"
	if m.Remedy != "" {
		remedy = m.Remedy
	}
	return fmt.Sprintf("\n[%s] %s\n  account: %s\n  %s: %s\n  what happened: %s\n  what to do: %s\n",
		m.severity(), clip(m.title(), 200, "…"), clip(m.place(), 150, "…"), strings.ToLower(noun(m)), clip(m.name(), 150, "…"),
		clip(m.What, 4000, ""), clip(remedy, 2000, ""))
}

// plainGroups counts groups in at most this many bytes.
func plainGroups(all []group, most int, more string) string {
	if len(all) == 0 {
		return ""
	}
	const forRest = 2000
	var b strings.Builder
	b.WriteString("\nby account and rule:\n")
	for i := range all {
		line := plainGroup(&all[i])
		if b.Len()+len(line)+forRest > most {
			messages, in := counted(all[i:])
			fmt.Fprintf(&b, "and %s from %s: %s\n", view.Count(messages, "more message"), view.Count(in, "account"), clip(more, 300, "…"))
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

func plainGroup(g *group) string {
	m := &g.message
	return fmt.Sprintf("%d x %s (%s, %s) in %s: %s\n", g.count, clip(m.Rule(), 64, "…"), clip(string(m.Kind), 20, "…"), m.severity(),
		clip(m.place(), 100, "…"), g.subjects(func(s string) string { return clip(s, 64, "…") }))
}
