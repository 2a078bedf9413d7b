package notify

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"forcemfa/internal/view"

	"github.com/slack-go/slack"
)

// The limits of a Slack message.
// Source: Slack, Block Kit reference (blocks of a message; text of section and
// header; fields), and chat.postMessage (truncated beyond 40,000 characters).
const (
	mostBlocks    = 50
	mostText      = 3000
	mostField     = 2000
	mostHeader    = 150
	mostCharacter = 40000
)

// slackCards is the maximum number of messages shown in full, so that people
// read them.
const slackCards = 15

// slackMessage formats a summary for Slack: blocks, and a text for desktop
// notifications. Any summary stays within Slack's limits; messages without room
// are counted.
func slackMessage(d *Summary) (text string, blocks []slack.Block) {
	p := &page{summary: d, left: mostCharacter}
	foot := styled(clip(d.origin(), 200, "…"))
	p.text = styled(clip(d.headline(), 300, "…"))
	if len(d.Messages) == 1 {
		p.text += " in account " + styled(clip(d.Messages[0].place(), 150, "…"))
	}
	p.left -= size(foot) + size(p.text)
	p.header(circle(d.color()) + " " + clip(d.headline(), 100, "…"))
	cards := d.condensed(slackCards).cards
	told := 0
	for told < len(cards) && (told == 0 || p.left > mostCard+roomForGroups) {
		p.card(&cards[told], len(d.Messages) == 1)
		told++
	}
	p.groups(d.condensed(told).groups)
	p.add(slack.NewContextBlock("", mrkdwn(foot)), 0)
	return p.text, p.blocks
}

// mostCard is the maximum number of characters of a card, even if all of them
// are escaped.
const mostCard = 6000

// roomForGroups is the space that the cards leave for the groups.
const roomForGroups = 8000

// A page is a message under construction.
type page struct {
	summary *Summary
	text    string
	blocks  []slack.Block
	left    int // characters that still fit
}

// add adds a block with this many characters of text.
func (p *page) add(b slack.Block, characters int) {
	p.blocks = append(p.blocks, b)
	p.left -= characters
}

func (p *page) header(text string) {
	text = escapeWithin(text, mostHeader)
	p.add(slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, text, true, false)), size(text))
}

// card shows one message in two blocks: the user, and what happened.
func (p *page) card(m *Message, alone bool) {
	alias := "none"
	if m.Alias != "" {
		alias = code(m.Alias)
	} else if m.AccountName != "" {
		alias = "none, the account's name is " + code(m.AccountName)
	}
	fields := []string{
		"*Account:* " + code(m.Account), "*Alias:* " + alias,
		"*" + noun(m) + ":* " + code(m.name()), "*Severity:* " + string(m.severity()),
	}
	var title *slack.TextBlockObject
	if !alone { // its title is the header
		title = mrkdwn(circle(m.color()) + " *" + styled(clip(m.title(), 200, "…")) + "*")
		p.left -= size(title.Text)
	}
	var objects []*slack.TextBlockObject
	for _, f := range fields {
		objects = append(objects, mrkdwn(f))
		p.left -= size(f)
	}
	p.blocks = append(p.blocks, slack.NewSectionBlock(title, objects, nil))
	most := 1100
	if alone {
		most = mostText
	}
	text := happened(m, most)
	p.add(slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, text, false, false), nil, nil), size(text))
}

// noun returns the type of the subject.
func noun(m *Message) string {
	kind, _, found := strings.Cut(m.Subject, "/")
	switch {
	case found && kind == "user":
		return "User"
	case found && kind == "role":
		return "Role"
	case found && kind == "policy":
		return "Policy"
	case found && kind == "group":
		return "Group"
	}
	return "Subject"
}

// happened returns what happened and what to do, escaped, as plain text.
func happened(m *Message, most int) string {
	remedy := "nothing"
	if m.Remedy != "" {
		remedy = m.Remedy
	}
	what := escapeWithin("What happened: "+m.What, most*6/10)
	return what + "\n" + escapeWithin("What to do: "+remedy, most-size(what)-1)
}

// groupsOfSection is the maximum number of lines in a block.
const groupsOfSection = 12

// groups counts the messages that are not shown in full, one line for each group
// while there is room, and then counts the rest.
func (p *page) groups(all []group) {
	const forRest = 1500 // characters, if all of them are escaped
	for len(all) > 0 && len(p.blocks) < mostBlocks-2 {
		var lines []string
		characters := 0
		for len(lines) < min(groupsOfSection, len(all)) {
			line := groupLine(&all[len(lines)])
			if n := size(line) + 1; characters+n > min(mostText, p.left-forRest) {
				break
			} else {
				characters += n
			}
			lines = append(lines, line)
		}
		if len(lines) == 0 {
			break
		}
		p.add(slack.NewSectionBlock(mrkdwn(strings.Join(lines, "\n")), nil, nil), characters)
		all = all[len(lines):]
	}
	if len(all) == 0 {
		return
	}
	messages, in := counted(all)
	rest := "and " + view.Count(messages, "more message") + " from " + view.Count(in, "account") + ": " + styled(clip(p.summary.more(), 200, "…"))
	p.add(slack.NewSectionBlock(mrkdwn(rest), nil, nil), size(rest))
}

func groupLine(g *group) string {
	m := &g.message
	short := func(s string) string { return code(clip(s, 64, "…")) }
	return fmt.Sprintf("%s %d × *%s* (%s) in %s: %s", circle(m.color()), g.count,
		styled(clip(m.Rule(), 64, "…")), styled(clip(string(m.Kind), 20, "…")), short(m.place()), g.subjects(short))
}

// circle returns the color as a Slack emoji.
func circle(color string) string {
	switch color {
	case "red":
		return ":red_circle:"
	case "green":
		return ":large_green_circle:"
	case "orange":
		return ":large_orange_circle:"
	case "yellow":
		return ":large_yellow_circle:"
	}
	return ":white_circle:"
}

// mrkdwn returns formatted text in which Slack creates no links and mentions.
func mrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}

// code returns external text as code. A backtick would end the code and cannot
// be escaped.
func code(text string) string {
	text = strings.ReplaceAll(clip(text, 150, "…"), "`", "'")
	if text == "" {
		return "none"
	}
	return "`" + escape(text) + "`"
}

// styled returns external text for formatted text: characters that would format
// it are replaced by similar ones.
func styled(text string) string {
	return escape(strings.NewReplacer("*", "∗", "_", "ˍ", "~", "∼", "`", "'").Replace(text))
}

// escape replaces the three control characters of Slack's text by entities.
// Source: Slack, "Formatting text for app surfaces", escaping text.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// escapeWithin escapes text up to a number of characters and adds how many it
// left out. It never cuts an entity.
func escapeWithin(text string, most int) string {
	text = view.Clean(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "))
	if whole := escape(text); size(whole) <= most {
		return whole
	}
	const note = 32 // characters, for the number
	runes := []rune(text)
	var out strings.Builder
	used, kept := 0, 0
	for _, r := range runes {
		piece := escape(string(r))
		if used+size(piece) > most-note {
			break
		}
		used += size(piece)
		kept++
		out.WriteString(piece)
	}
	return fmt.Sprintf("%s … and %d more characters", out.String(), len(runes)-kept)
}

// size counts characters as JavaScript does, which is never less than Slack
// counts.
func size(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
