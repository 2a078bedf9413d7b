package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/engine"
)

// A Story is what happened, in virtual time.
type Story struct {
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended"`
	Chapters []Chapter `json:"chapters"`
}

// A Chapter is one part of the story.
type Chapter struct {
	Name   string    `json:"name"`
	Title  string    `json:"title"`
	At     time.Time `json:"at"`
	Lines  []Line    `json:"lines"`
	Passed bool      `json:"passed"`
	// Why says which permission, rule or other cause made the chapter fail.
	Why []string `json:"why"`
}

// A Line is one thing that happened.
type Line struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// Passed reports whether every chapter passed.
func (s *Story) Passed() bool {
	for i := range s.Chapters {
		if !s.Chapters[i].Passed {
			return false
		}
	}
	return len(s.Chapters) > 0
}

// A chapter plays one part. The error says what was expected and did not happen.
type chapter struct {
	name, title string
	play        func(context.Context, *stage, *Chapter) error
}

// play plays a chapter and reports whether the next one can follow.
func (s *stage) play(ctx context.Context, c *chapter) bool {
	if s.Progress != nil {
		s.Progress(c.title)
	}
	s.engine.Problems()
	s.story.Chapters = append(s.story.Chapters, Chapter{Name: c.name, Title: c.title, At: s.box.Cloud.Now(), Lines: []Line{}, Why: []string{}})
	now := &s.story.Chapters[len(s.story.Chapters)-1]
	err := c.play(ctx, s, now)
	problems := s.engine.Problems()
	if err == nil && c.name != "limits" && slices.ContainsFunc(problems, ofFunction) {
		err = errors.New("a function was not allowed what it tried")
	}
	now.Passed = err == nil
	if err != nil {
		now.Why = append(now.Why, err.Error())
		seen := map[string]bool{}
		for _, p := range problems {
			if text := "account " + p.Account + ": " + p.What; !seen[text] && len(now.Why) < 12 {
				seen[text] = true
				now.Why = append(now.Why, text)
			}
		}
	}
	return err == nil && ctx.Err() == nil
}

// ofFunction reports whether a call of a function of forcemfa was refused.
func ofFunction(p engine.Problem) bool {
	return strings.Contains(p.What, "assumed-role/"+deploy.FunctionRole+"/") || strings.Contains(p.What, "assumed-role/"+deploy.NotifierRole+"/")
}

// say adds a line to a chapter.
func (s *stage) say(c *Chapter, format string, a ...any) {
	c.Lines = append(c.Lines, Line{s.box.Cloud.Now(), fmt.Sprintf(format, a...)})
}

// Text prints the story.
func (s *Story) Text(w io.Writer) error {
	var failure error
	print := func(format string, a ...any) {
		if _, err := fmt.Fprintf(w, format, a...); err != nil && failure == nil {
			failure = err
		}
	}
	for i := range s.Chapters {
		c := &s.Chapters[i]
		print("%d. %s\n", i+1, c.Title)
		for _, line := range c.Lines {
			print("   %s  %s\n", s.clock(line.At), line.What)
		}
		for _, why := range c.Why {
			print("   FAILED: %s\n", why)
		}
		print("\n")
	}
	if s.Passed() {
		print("The deployment works: %d of %d parts passed, in %s of virtual time.\n", len(s.Chapters), len(chapters), span(s.Ended.Sub(s.Began)))
	} else {
		print("The deployment does not work: part %d of %d failed.\n", len(s.Chapters), len(chapters))
	}
	return failure
}

// clock returns a time as the day of the story and the time of day.
func (s *Story) clock(at time.Time) string {
	day := int(at.Truncate(24*time.Hour).Sub(s.Began.Truncate(24*time.Hour))/(24*time.Hour)) + 1
	return fmt.Sprintf("day %d %s", day, at.Format("15:04:05"))
}

func span(d time.Duration) string {
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}
