package view

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// reviewed is a plan with every part of a review, with markup in what others wrote.
func reviewed(users int) *Review {
	there := plan.State{Present: true}
	p := plan.New(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), "c0ffee")
	p.Acknowledged = []string{"lockout:222222222222/lena"}
	stops := plan.List{Kind: plan.KindStops, What: "credentials that stop working"}
	for i := range users {
		stops.Users = append(stops.Users, plan.Affected{Account: "111111111111", User: fmt.Sprintf("user%d", i), Why: "key used 2 days ago"})
	}
	p.Lists = []plan.List{
		{Kind: plan.KindWindow, What: "enrollment window", Users: []plan.Affected{{Account: "111111111111", User: "wanda"}}}, stops,
	}
	update := plan.NewStep(plan.UpdatePolicy, "111111111111", "arn:aws:iam::111111111111:policy/forcemfa/ForceMFA", "",
		plan.State{Present: true, Document: "{\"Statement\":{\"Sid\":\"```</pre>\",\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"},
		plan.State{Present: true, Document: `{"Statement":{"Sid":"Deny","Effect":"Deny","Action":"*","Resource":"*"}}`})
	blocked := plan.NewStep(plan.AddUserToGroup, "222222222222", "user/eve", "ForceMFA", plan.State{}, there)
	blocked.Block("eve would be locked out", "enroll a device, or --ack lockout:222222222222/eve")
	p.Steps = []plan.Step{update, blocked}
	return &Review{
		PlanReport: PlanReport{Plan: p, Names: map[string]string{"222222222222": `<script>a|b`}, Next: "forcemfa apply --profile audit",
			Unread: []org.Gap{{Account: "333333333333", What: "assume role", Why: "AccessDenied"}}},
		Acknowledged: []string{"caller:admin"},
		Rollback:     "forcemfa rollback --profile audit",
	}
}

func TestAReviewNamesEveryPart(t *testing.T) {
	r := reviewed(1200)
	for format, write := range map[string]func(*strings.Builder) error{
		"Markdown": func(b *strings.Builder) error { return r.Markdown(b) },
		"HTML":     func(b *strings.Builder) error { return r.HTML(b) },
	} {
		var out strings.Builder
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		last := -1
		for _, title := range []string{"Summary", "Who stops, and why", "credentials that stop working", "enrollment window", "Policy difference", "Guards", "Acknowledgements", "Changes", "Not read", "How to roll back"} {
			at := strings.LastIndex(out.String(), title+"\n")
			if format == "HTML" {
				at = strings.LastIndex(out.String(), title+"</h")
			}
			if at <= last {
				t.Errorf("%s: %q is missing or out of order", format, title)
			}
			last = at
		}
		for _, want := range []string{"user0", "user1199", "key used 2 days ago", "eve would be locked out", "lockout:222222222222/lena", "caller:admin",
			"- Allow", "+ Deny Deny", "forcemfa rollback --profile audit --list", "forcemfa apply --profile audit", "c0ffee", "AccessDenied"} {
			if !strings.Contains(html.UnescapeString(out.String()), want) {
				t.Errorf("%s: no %q", format, want)
			}
		}
		if strings.Contains(out.String(), "more user") || strings.Contains(out.String(), "…") {
			t.Errorf("%s: a list is shortened", format)
		}
	}
}

func TestAReviewEscapesWhatOthersWrote(t *testing.T) {
	r := reviewed(1)
	var md, page strings.Builder
	if err := r.Markdown(&md); err != nil {
		t.Fatal(err)
	}
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(md.String(), `222222222222 (\<script\>a\|b)`) || !strings.Contains(md.String(), "\n````diff\n") ||
		!strings.Contains(md.String(), "\n```sh\nforcemfa rollback --profile audit --list\n") {
		t.Errorf("markup in Markdown:\n%s", md.String())
	}
	if strings.Contains(page.String(), "<script>") || strings.Count(page.String(), "</pre>") != strings.Count(page.String(), "<pre>") {
		t.Errorf("markup in HTML:\n%s", page.String())
	}
	for _, loads := range []string{"src=", "href=", "url(", "@import"} {
		if strings.Contains(page.String(), loads) {
			t.Errorf("the page is not self-contained: %s", loads)
		}
	}
}
