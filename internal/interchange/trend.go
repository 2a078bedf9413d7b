package interchange

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/compare"
	"forcemfa/internal/prose"
	"forcemfa/internal/view"
)

// TrendCSV writes the numbers of runs, one a row.
func TrendCSV(w io.Writer, points []compare.Point) error {
	t := view.NewCSV(w, "time", "verb", "users", "enforced", "exempt", "open", "unknown", "accounts_read", "accounts_unread", "critical", "high", "medium", "low", "info", "complete", "filtered", "config")
	for i := range points {
		p := &points[i]
		row := []string{p.Time.UTC().Format(time.RFC3339), p.Verb}
		for _, n := range []int{p.Users, p.Enforced, p.Exempt, p.Open, p.Unknown, p.AccountsRead, p.AccountsUnread, p.Findings[audit.Critical], p.Findings[audit.High],
			p.Findings[audit.Medium], p.Findings[audit.Low], p.Findings[audit.Info]} {
			row = append(row, strconv.Itoa(n))
		}
		t.Row(append(row, strconv.FormatBool(p.Complete), strconv.FormatBool(p.Filtered), p.Config)...)
	}
	return t.Flush()
}

// The picture of a trend, in pixels.
const (
	pictureWidth, pictureHeight = 720, 300
	plotLeft, plotTop           = 60, 20
	plotWidth, plotHeight       = 540, 230
)

// TrendSVG draws the users who can act without MFA, and those for whom MFA is enforced,
// over time. Lines differ in their dashes and labels and not only in their color. Runs
// that left accounts out are not drawn.
func TrendSVG(w io.Writer, points []compare.Point) error {
	var whole []compare.Point
	most := 1
	for _, p := range points {
		if !p.Filtered {
			whole = append(whole, p)
			most = max(most, p.Open, p.Enforced)
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="t d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, pictureHeight)
	fmt.Fprintf(&out, "<title id=\"t\">Users who can act without MFA, over time</title>\n<desc id=\"d\">%s</desc>\n", xmlText(described(whole)))
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="white"/>`+"\n", pictureWidth, pictureHeight)
	for _, share := range []int{0, 1, 2} {
		y := plotTop + plotHeight - plotHeight*share/2
		fmt.Fprintf(&out, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#ccc"/><text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft, y, plotLeft+plotWidth, y, plotLeft-8, y+4, prose.Number(most*share/2))
	}
	if len(whole) > 0 {
		line(&out, whole, most, "can act without MFA", "#a40e26", "", func(p *compare.Point) int { return p.Open })
		line(&out, whole, most, "enforced", "#116329", "6 4", func(p *compare.Point) int { return p.Enforced })
		days(&out, whole)
	}
	out.WriteString("</svg>\n")
	_, err := w.Write(out.Bytes())
	return err
}

// described is the picture in words.
func described(points []compare.Point) string {
	if len(points) == 0 {
		return "There is no run."
	}
	first, last := &points[0], &points[len(points)-1]
	return fmt.Sprintf("%s runs. On %s, %d of %d users could act without MFA; on %s, %d of %d.", prose.Number(len(points)),
		first.Time.UTC().Format(time.DateOnly), first.Open, first.Users, last.Time.UTC().Format(time.DateOnly), last.Open, last.Users)
}

// across is the place of a time on the horizontal axis.
func across(points []compare.Point, at time.Time) int {
	first, last := points[0].Time, points[len(points)-1].Time
	if !last.After(first) {
		return plotLeft + plotWidth/2
	}
	return plotLeft + int(float64(plotWidth)*at.Sub(first).Seconds()/last.Sub(first).Seconds())
}

func line(w io.Writer, points []compare.Point, most int, label, color, dashes string, value func(*compare.Point) int) {
	var places []string
	x, y := 0, 0
	for i := range points {
		x = across(points, points[i].Time)
		y = plotTop + plotHeight - plotHeight*value(&points[i])/most
		places = append(places, fmt.Sprintf("%d,%d", x, y))
	}
	fmt.Fprintf(w, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n", strings.Join(places, " "), color, dashes)
	for _, place := range places {
		px, py, _ := strings.Cut(place, ",")
		fmt.Fprintf(w, `<circle cx="%s" cy="%s" r="3" fill="%s"/>`, px, py, color)
	}
	fmt.Fprintf(w, "\n"+`<text x="%d" y="%d" fill="%s">%s</text>`+"\n", min(x, plotLeft+plotWidth)+8, y+4, color, label)
}

func days(w io.Writer, points []compare.Point) {
	y := plotTop + plotHeight + 20
	first, last := &points[0], &points[len(points)-1]
	fmt.Fprintf(w, `<text x="%d" y="%d">%s</text>`+"\n", plotLeft, y, first.Time.UTC().Format(time.DateOnly))
	if len(points) > 1 {
		fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft+plotWidth, y, last.Time.UTC().Format(time.DateOnly))
	}
}

func xmlText(s string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(s)) // a buffer takes everything
	return out.String()
}
