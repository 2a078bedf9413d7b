// Package picker lets a person pick one item of a list on a terminal, by typing a part of
// its name.
package picker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/jedib0t/go-pretty/v6/text"
)

// An Item is a line of the list: its name, and what is shown and found next to it. Neither
// may contain control characters.
type Item struct {
	Name    string
	Columns []string
}

// The errors of a person who leaves the list: with Escape or Ctrl-D, and with Ctrl-C,
// which the terminal of a list does not turn into a signal.
var (
	ErrCanceled    = errors.New("no profile was picked")
	ErrInterrupted = errors.New("interrupted")
)

// mostLines is how many items are shown at once.
const mostLines = 12

// Pick shows the items on the terminal and returns the index of the one that is picked. The
// list is gone from the screen afterwards.
func Pick(ctx context.Context, in, out *os.File, title string, items []Item) (int, error) {
	program := tea.NewProgram(newList(title, items), tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	last, err := program.Run()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil {
		return 0, fmt.Errorf("show the list: %w", err)
	}
	switch l := last.(list); {
	case l.interrupted:
		return 0, ErrInterrupted
	case l.picked < 0:
		return 0, ErrCanceled
	default:
		return l.picked, nil
	}
}

// Ranked returns the indexes of the items that match a query: those whose name begins with
// it, contains it, has its letters in this order, and those that contain it elsewhere. Equal
// ones keep their order.
func Ranked(items []Item, query string) []int {
	query = strings.ToLower(query)
	var classes [4][]int
	for i, item := range items {
		name := strings.ToLower(item.Name)
		switch {
		case strings.HasPrefix(name, query):
			classes[0] = append(classes[0], i)
		case strings.Contains(name, query):
			classes[1] = append(classes[1], i)
		case inOrder(name, query):
			classes[2] = append(classes[2], i)
		case strings.Contains(strings.ToLower(strings.Join(item.Columns, " ")), query):
			classes[3] = append(classes[3], i)
		}
	}
	return slices.Concat(classes[:]...)
}

// inOrder reports whether the letters of a query occur in a name in this order.
func inOrder(name, query string) bool {
	for _, r := range query {
		_, after, found := strings.Cut(name, string(r))
		if !found {
			return false
		}
		name = after
	}
	return true
}

// A list is the state of the screen.
type list struct {
	title  string
	items  []Item
	lines  []string // of the items, in columns
	query  []rune
	shown  []int // indexes of the items that match
	cursor int   // in shown
	first  int   // the first line on the screen, in shown
	width  int
	height int // lines for items
	picked int // -1: none yet
	done   bool

	interrupted bool
}

func newList(title string, items []Item) list {
	return list{title: title, items: items, lines: columns(items), shown: Ranked(items, ""), width: 80, height: mostLines, picked: -1}
}

// columns aligns the items.
func columns(items []Item) []string {
	var widths []int
	cells := make([][]string, len(items))
	for i, item := range items {
		cells[i] = append([]string{item.Name}, item.Columns...)
		for c, cell := range cells[i] {
			if c == len(widths) {
				widths = append(widths, 0)
			}
			widths[c] = max(widths[c], text.StringWidthWithoutEscSequences(cell))
		}
	}
	lines := make([]string, len(items))
	for i, row := range cells {
		for c := range row {
			row[c] = text.Pad(row[c], widths[c], ' ')
		}
		lines[i] = strings.TrimRight(strings.Join(row, "  "), " ")
	}
	return lines
}

func (l list) Init() tea.Cmd { return nil }

func (l list) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch m := message.(type) {
	case tea.WindowSizeMsg:
		l.width, l.height = m.Width, max(1, min(mostLines, m.Height-2))
	case tea.PasteMsg:
		l = l.typed(m.Content)
	case tea.KeyPressMsg:
		return l.key(m)
	}
	return l.scrolled(), nil
}

func (l list) key(m tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	switch m.Keystroke() {
	case "enter":
		if len(l.shown) == 0 {
			return l, nil
		}
		l.picked, l.done = l.shown[l.cursor], true
		return l, tea.Quit
	case "esc", "ctrl+c", "ctrl+d":
		l.done, l.interrupted = true, m.Keystroke() == "ctrl+c"
		return l, tea.Quit
	case "up", "ctrl+p":
		l.cursor = max(0, l.cursor-1)
	case "down", "ctrl+n", "tab":
		l.cursor = max(0, min(l.cursor+1, len(l.shown)-1))
	case "pgup":
		l.cursor = max(0, l.cursor-l.height)
	case "pgdown":
		l.cursor = max(0, min(l.cursor+l.height, len(l.shown)-1))
	case "backspace":
		l = l.filtered(l.query[:max(0, len(l.query)-1)])
	case "ctrl+u":
		l = l.filtered(nil)
	default:
		l = l.typed(m.Text)
	}
	return l.scrolled(), nil
}

// typed adds text to the query.
func (l list) typed(more string) list {
	if more == "" {
		return l
	}
	query := append([]rune{}, l.query...)
	for _, r := range more {
		if r >= ' ' && r != 0x7f {
			query = append(query, r)
		}
	}
	return l.filtered(query)
}

func (l list) filtered(query []rune) list {
	l.query, l.shown = query, Ranked(l.items, string(query))
	l.cursor, l.first = 0, 0
	return l
}

// scrolled moves the window to the cursor.
func (l list) scrolled() list {
	l.first = max(l.cursor-l.height+1, min(l.first, l.cursor))
	return l
}

func (l list) View() tea.View {
	if l.done {
		return tea.NewView("")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", l.title, string(l.query))
	for i := l.first; i < min(l.first+l.height, len(l.shown)); i++ {
		mark := "  "
		if i == l.cursor {
			mark = "> "
		}
		b.WriteString("\n" + text.Trim(mark+l.lines[l.shown[i]], max(1, l.width-1)))
	}
	fmt.Fprintf(&b, "\n%d of %d", len(l.shown), len(l.items))
	return tea.NewView(b.String())
}
