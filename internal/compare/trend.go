package compare

import (
	"slices"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/run"
)

// A Point is the numbers of one run.
type Point struct {
	Time     time.Time `json:"time"`
	Verb     string    `json:"verb"`
	File     string    `json:"file"`
	Config   string    `json:"config"`
	Filtered bool      `json:"filtered"` // flags left accounts out, so the numbers are smaller
	Complete bool      `json:"complete"`
	audit.Counts
	AccountsRead   int                    `json:"accounts_read"`
	AccountsUnread int                    `json:"accounts_unread"`
	Findings       map[audit.Severity]int `json:"findings"`
}

// Trend is the numbers of runs of one organization, by time.
func Trend(runs []*run.Run) ([]Point, error) {
	points := []Point{}
	for _, r := range runs {
		if err := Same(runs[0], r); err != nil {
			return nil, err
		}
		points = append(points, Point{
			Time: r.Head.Time, Verb: r.Head.Verb, File: r.Name, Config: r.Head.Config, Filtered: r.Head.Filtered, Complete: r.End.Complete,
			Counts: r.End.Counts, AccountsRead: r.End.AccountsRead, AccountsUnread: r.End.AccountsUnread, Findings: r.End.Totals.Findings,
		})
	}
	slices.SortStableFunc(points, func(a, b Point) int { return a.Time.Compare(b.Time) })
	return points, nil
}
