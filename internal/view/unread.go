package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/org"
	"forcemfa/internal/prose"
)

// Unread prints the accounts and documents that could not be read, and why.
func Unread(w io.Writer, style Style, unread []org.Gap) {
	style.gaps(w, "Not read", amber, unread)
}

// Skipped prints the accounts that were skipped, and why.
func Skipped(w io.Writer, style Style, skipped []org.Gap) {
	style.gaps(w, "Skipped", text.Bold, skipped)
}

// A gapGroup is accounts of which the same could not be read for the same reason.
type gapGroup struct {
	what, why string
	accounts  []string
}

// gaps prints gaps, those with the same reason once.
func (s Style) gaps(w io.Writer, title string, color text.Color, list []org.Gap) {
	if len(list) == 0 {
		return
	}
	groups := gapGroups(list)
	fmt.Fprintf(w, "\n%s\n\n", s.Paint(color, title))
	var rows [][]string
	for i, g := range groups {
		if i == worst && len(groups) > worst+1 {
			rows = append(rows, []string{"  …", "", fmt.Sprintf("and %s more (-o json lists every one)", prose.Number(len(groups)-worst))})
			break
		}
		where, why := g.accounts[0], g.why
		if n := len(g.accounts); n > 1 {
			where, why = Count(n, "account"), why+" ("+prose.Few(g.accounts)+")"
		}
		rows = append(rows, []string{"  " + where, Clean(g.what), Clean(why)})
	}
	s.List(w, rows)
}

func gapGroups(list []org.Gap) []*gapGroup {
	var groups []*gapGroup
	at := map[[2]string]*gapGroup{}
	for _, g := range list {
		account, why := g.Account, g.Why
		if account == "" {
			account = "organization"
		}
		key := [2]string{g.What, strings.ReplaceAll(why, account, "ACCOUNT")}
		if at[key] == nil {
			at[key] = &gapGroup{what: g.What, why: why}
			groups = append(groups, at[key])
		}
		if !slices.Contains(at[key].accounts, account) {
			at[key].accounts = append(at[key].accounts, account)
		}
	}
	for _, g := range groups {
		if len(g.accounts) > 1 {
			g.why = strings.ReplaceAll(g.why, g.accounts[0], "ACCOUNT")
		}
	}
	return groups
}
