package picker

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"
)

var profiles = []Item{
	{"prod", []string{"8h12m", "role Administrator in 111111111111"}},
	{"dev", []string{"", "role PowerUser in 222222222222"}},
	{"preprod", []string{"", "role Administrator in 333333333333"}},
	{"bob", []string{"11h59m", "access key"}},
}

func names(indexes []int) (out []string) {
	for _, i := range indexes {
		out = append(out, profiles[i].Name)
	}
	return out
}

func TestAQueryFindsLettersInTheirOrder(t *testing.T) {
	for query, want := range map[string][]string{
		"":       {"prod", "dev", "preprod", "bob"},
		"prd":    {"prod", "preprod"},
		"pro":    {"prod", "preprod"},
		"e":      {"dev", "preprod", "prod", "bob"}, // in "role" and "key"
		"PRE":    {"preprod"},
		"222222": {"dev"},
		"zzz":    nil,
	} {
		got := names(Ranked(profiles, query))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
}

// press sends keys to a list: a word is typed, other keys are named.
func press(l list, keys ...tea.Key) list {
	for _, k := range keys {
		next, _ := l.Update(tea.KeyPressMsg(k))
		l = next.(list)
	}
	return l
}

func typed(word string) (keys []tea.Key) {
	for _, r := range word {
		keys = append(keys, tea.Key{Code: r, Text: string(r)})
	}
	return keys
}

func TestKeysMoveFilterAndPick(t *testing.T) {
	down, enter, back, esc := tea.Key{Code: tea.KeyDown}, tea.Key{Code: tea.KeyEnter}, tea.Key{Code: tea.KeyBackspace}, tea.Key{Code: tea.KeyEscape}
	for name, row := range map[string]struct {
		keys []tea.Key
		want int
	}{
		"the first":               {[]tea.Key{enter}, 0},
		"down":                    {[]tea.Key{down, down, enter}, 2},
		"down past the end":       {[]tea.Key{down, down, down, down, down, down, enter}, 3},
		"typed":                   {append(typed("bo"), enter), 3},
		"typed and removed":       {append(typed("bo"), back, back, enter), 0},
		"removed of nothing":      {[]tea.Key{back, enter}, 0},
		"filter moves the cursor": {append(append([]tea.Key{down, down}, typed("de")...), enter), 1},
		"nothing matches":         {append(typed("zzz"), enter), -1},
		"left":                    {[]tea.Key{down, esc}, -1},
		"a control character":     {[]tea.Key{{Text: "\x1b"}, enter}, 0},
	} {
		if got := press(newList("Profile:", profiles), row.keys...).picked; got != row.want {
			t.Errorf("%s: picked %d, want %d", name, got, row.want)
		}
	}
}

func TestALongListScrollsWithTheCursor(t *testing.T) {
	var many []Item
	for i := range 100 {
		many = append(many, Item{Name: fmt.Sprintf("profile-%02d", i), Columns: []string{strings.Repeat("long", 50)}})
	}
	l := newList("Profile:", many)
	next, _ := l.Update(tea.WindowSizeMsg{Width: 40, Height: 7})
	l = next.(list)
	for range 30 {
		l = press(l, tea.Key{Code: tea.KeyDown})
	}
	view := l.View().Content
	if !strings.Contains(view, "> profile-30") || strings.Contains(view, "profile-31") || strings.Count(view, "\n") > 6 {
		t.Errorf("the cursor is not on the screen:\n%s", view)
	}
	for _, line := range strings.Split(view, "\n") {
		if len(line) >= 40 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
	l = press(l, tea.Key{Code: tea.KeyPgUp}, tea.Key{Code: tea.KeyPgUp}, tea.Key{Code: tea.KeyPgUp}, tea.Key{Code: tea.KeyPgUp}, tea.Key{Code: tea.KeyPgUp}, tea.Key{Code: tea.KeyPgUp}, tea.Key{Code: tea.KeyPgUp})
	if view := l.View().Content; !strings.Contains(view, "> profile-00") {
		t.Errorf("the list did not move back:\n%s", view)
	}
}
