package notify_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
)

// A block contains the fields that Slack limits.
type block struct {
	Type     string `json:"type"`
	Text     *text  `json:"text"`
	Fields   []text `json:"fields"`
	Elements []text `json:"elements"`
}

type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

type payload struct {
	Text   string  `json:"text"`
	Blocks []block `json:"blocks"`
}

// A fataler is a test or a property.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// posted returns the one message that Slack received.
func posted(t fataler, n int, taken []taken) payload {
	t.Helper()
	if len(taken) != n {
		t.Fatalf("%d requests, want %d", len(taken), n)
	}
	var p payload
	if err := json.Unmarshal([]byte(taken[n-1].body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// texts are all texts of a message with their limits in Slack.
func (p *payload) texts() (all []text, limits []int) {
	add := func(limit int, more ...text) {
		for _, x := range more {
			all, limits = append(all, x), append(limits, limit)
		}
	}
	add(40000, text{Type: "mrkdwn", Text: p.Text, Verbatim: true})
	for _, b := range p.Blocks {
		if b.Text != nil {
			add(map[string]int{"header": 150}[b.Type]+map[string]int{"section": 3000}[b.Type], *b.Text)
		}
		add(2000, b.Fields...)
		add(2000, b.Elements...)
	}
	return all, limits
}

func (p *payload) whole() string {
	all, _ := p.texts()
	var b strings.Builder
	for _, x := range all[1:] {
		b.WriteString(x.Text + "\n")
	}
	return b.String()
}

// entity is what an ampersand may begin.
var entity = regexp.MustCompile(`&(amp|lt|gt);`)

// refuse returns why Slack would reject a message, or interpret text that is
// only quoted.
func (p *payload) refuse() error {
	if len(p.Blocks) > 50 || len(p.Blocks) == 0 || p.Text == "" {
		return fmt.Errorf("%d blocks, fallback %q", len(p.Blocks), p.Text)
	}
	total := 0
	all, limits := p.texts()
	for i, x := range all {
		units := len(utf16.Encode([]rune(x.Text)))
		total += units
		switch {
		case units > limits[i] || units == 0:
			return fmt.Errorf("a text of %d characters, of %d: %.100q", units, limits[i], x.Text)
		case strings.ContainsAny(entity.ReplaceAllString(x.Text, ""), "&<>"):
			return fmt.Errorf("not escaped: %q", x.Text)
		case x.Type == "mrkdwn" && !x.Verbatim:
			return fmt.Errorf("Slack makes links and mentions of %q", x.Text)
		case x.Type == "mrkdwn" && strings.Count(x.Text, "`")%2 != 0:
			return fmt.Errorf("an odd backtick in %q", x.Text)
		}
	}
	if total > 40000 {
		return fmt.Errorf("%d characters in all", total)
	}
	return nil
}

var (
	counts = regexp.MustCompile(`(?m)^:[a-z_]+: (\d+) × `)
	rest   = regexp.MustCompile(`and (\d+) more messages? from \d+ accounts?: `)
)

// told counts the messages in a Slack message: those in full, those in groups,
// and those without room.
func (p *payload) told() int {
	n := 0
	for _, b := range p.Blocks {
		if len(b.Fields) > 0 {
			n++
		}
		if b.Type != "section" || b.Text == nil || b.Text.Type != "mrkdwn" || len(b.Fields) > 0 {
			continue
		}
		for _, found := range append(counts.FindAllStringSubmatch(b.Text.Text, -1), rest.FindAllStringSubmatch(b.Text.Text, -1)...) {
			k, _ := strconv.Atoi(found[1])
			n += k
		}
	}
	return n
}

func TestAnySummaryStaysWithinSlacksLimitsAndCutsAreCounted(t *testing.T) {
	p, c := newPeer(t, slackOK), newClock()
	nasty := rapid.OneOf(rapid.String(), rapid.StringMatching("[&<>`*_~]{0,50}"), rapid.Just("<!channel> <https://example.com|here> &amp;"),
		rapid.Map(rapid.IntRange(1, 9000), func(n int) string { return strings.Repeat("&", n) }),
		rapid.Map(rapid.IntRange(1, 3000), func(n int) string { return strings.Repeat("𝔐", n) }))
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		n := open(outer, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
		p.answer(slackOK)
		d := &notify.Summary{Run: nasty.Draw(t, "run"), ConfigHash: nasty.Draw(t, "hash")}
		many := rapid.SampledFrom([]int{1, 1, 2, 16, 17, 200, 700}).Draw(t, "messages")
		pattern := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) notify.Message {
			return notify.Message{
				Kind: rapid.SampledFrom(append(notify.Kinds(), "new & shiny")).Draw(t, "kind"), Severity: audit.Severity(rapid.SampledFrom([]string{"critical", "high", "medium", "low", "info", "odd"}).Draw(t, "severity")),
				Account: rapid.StringMatching("[0-9]{12}").Draw(t, "account"), Alias: nasty.Draw(t, "alias"), AccountName: nasty.Draw(t, "name"),
				Subject: nasty.Draw(t, "subject"), What: nasty.Draw(t, "what"), Remedy: nasty.Draw(t, "remedy"), ID: nasty.Draw(t, "id"), At: noon,
			}
		}), 1, 6).Draw(t, "pattern")
		for i := range many {
			m := pattern[i%len(pattern)]
			m.ID += "/" + strconv.Itoa(i)
			if i >= len(pattern) && i%3 == 0 {
				m.Account = fmt.Sprintf("%012d", i)
			}
			d.Messages = append(d.Messages, m)
		}
		if err := n.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		got := posted(t, 1, p.requests())
		if err := got.refuse(); err != nil {
			t.Error(err)
		}
		if told := got.told(); told != many {
			t.Errorf("reports %d messages of %d:\n%s", told, many, got.whole())
		}
	})
}

func TestManyMessagesAreCountedByAccountAndRule(t *testing.T) {
	p, c := newPeer(t, slackOK), newClock()
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
	d := &notify.Summary{Run: "r-7", Messages: users(400, "222222222222")}
	d.Messages = append(d.Messages, users(20, "333333333333")...)
	d.Messages = append(d.Messages, notify.Message{
		ID: "tampering/444444444444/policy/ForceMFA", Kind: notify.KindTampering, Severity: audit.Critical, Account: "444444444444",
		Subject: "policy/ForceMFA", What: "detached by role/Admin", At: noon,
	})
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got := posted(t, 1, p.requests())
	whole := got.whole()
	for _, want := range []string{
		":red_circle: forcemfa: 421 messages from 3 accounts, 1 of high severity",
		":red_circle: *Tampering with MFA enforcement: policy/ForceMFA*",
		":large_orange_circle: 386 × *open-user* (finding) in `222222222222 (acme-dev)`: `user014`, `user015`, `user016` and 383 more",
		":large_orange_circle: 20 × *open-user* (finding) in `333333333333 (acme-dev)`: `user000`, `user001`, `user002` and 17 more",
		"forcemfa, run r-7",
	} {
		if !strings.Contains(whole, want) {
			t.Errorf("the message lacks %q:\n%s", want, whole)
		}
	}
	if first := strings.Index(whole, "Tampering with"); first > strings.Index(whole, "user000") {
		t.Error("the worst does not come first")
	}
}

func TestMessagesWithoutRoomAreCountedWithAPointer(t *testing.T) {
	p, c := newPeer(t, slackOK), newClock()
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
	d := &notify.Summary{Run: "r-8"}
	for i := range 2000 {
		d.Messages = append(d.Messages, users(1, fmt.Sprintf("%012d", i))...)
	}
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got := posted(t, 1, p.requests())
	if want := regexp.MustCompile(`and [\d,]+ more messages from [\d,]+ accounts: the log of run r-8 has each of them; "forcemfa audit" lists what is open now`); !want.MatchString(got.whole()) {
		t.Errorf("nothing says how many are left out:\n%s", got.whole())
	}
}

func TestFailuresAreNeverGreen(t *testing.T) {
	for _, kind := range notify.Kinds() {
		for _, severity := range []audit.Severity{audit.Critical, audit.High, audit.Medium, audit.Low, audit.Info} {
			p, c := newPeer(t, slackOK), newClock()
			n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
			m := users(1, "222222222222")[0]
			m.Kind, m.Severity = kind, severity
			good := users(1, "333333333333")[0]
			good.Kind, good.Severity = notify.KindEnforced, audit.Info
			if err := n.Send(t.Context(), &notify.Summary{Messages: []notify.Message{good, m}}); err != nil {
				t.Fatal(err)
			}
			got := posted(t, 1, p.requests())
			head := got.Blocks[0].Text.Text
			red := kind == notify.KindBlocked || kind == notify.KindWorkaround || kind == notify.KindTampering
			mayBeGreen := kind == notify.KindEnforced || kind == notify.KindFixed || kind == notify.KindTest
			if red != strings.HasPrefix(head, ":red_circle:") && (red || kind != notify.KindFinding && kind != notify.KindUnread) ||
				mayBeGreen != strings.HasPrefix(head, ":large_green_circle:") {
				t.Errorf("%s of severity %s: %s", kind, severity, head)
			}
		}
	}
}

func TestEmptySummaryIsNotSent(t *testing.T) {
	p, c := newPeer(t, slackOK), newClock()
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath, WebhookURL: p.URL, WebhookSecret: "key"})
	if err := n.Send(t.Context(), &notify.Summary{Run: "r-9"}); err != nil {
		t.Fatal(err)
	}
	if got := p.requests(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
}
