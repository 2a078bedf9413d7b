package view

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"forcemfa/internal/impact"
	"forcemfa/internal/prose"
)

// ImpactCSV prints the users of a report, one a row.
func ImpactCSV(w io.Writer, r *impact.Report) error {
	c := NewCSV(w, "arn", "account", "name", "known", "kind", "confidence", "calls", "denied", "role_calls", "first", "last", "tools", "networks", "services", "exempt", "next", "why")
	for i := range r.Users {
		u := &r.Users[i]
		list := func(names []string) string { return strings.Join(names, " ") }
		c.Row(
			u.ARN, u.Account, u.Name, strconv.FormatBool(u.Known), string(u.Kind), u.Confidence, strconv.Itoa(u.Calls), strconv.Itoa(u.Denied), strconv.Itoa(u.RoleCalls),
			u.First, u.Last, list(u.Tools), list(u.Networks), list(u.Services), u.Exempt, u.Next, u.NextWhy,
		)
	}
	return c.Flush()
}

// ImpactLines prints the users of a report as JSON Lines.
func ImpactLines(w io.Writer, r *impact.Report) error {
	e := json.NewEncoder(prose.JSON(w))
	e.SetEscapeHTML(false)
	for i := range r.Users {
		if err := e.Encode(&r.Users[i]); err != nil {
			return err
		}
	}
	return nil
}

// ImpactGroups prints groups of users who stop.
func ImpactGroups(w io.Writer, style Style, by string, groups []impact.Group) {
	var rows [][]string
	for _, g := range groups {
		rows = append(rows, []string{strconv.Itoa(g.Users), strconv.Itoa(g.Denied), Clean(g.By)})
	}
	style.Table(w, []string{"users", "denied", by}, rows, nil)
}
