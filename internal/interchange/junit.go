package interchange

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// junit writes a test report: an account is a suite, a user is a test that fails if the
// user can act without MFA, and each other finding is a test that fails. Exempt users are
// skipped tests. What could not be read is an error.
// Source: the schema of Apache Ant's JUnit task, as Jenkins and GitLab read it.
type junit struct {
	w     io.Writer
	now   string
	err   error
	cases []testCase
	unit  []testCase // what was not read of the organization
}

type (
	testSuite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     string     `xml:"time,attr"`
		When     string     `xml:"timestamp,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	testCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Time    string       `xml:"time,attr"`
		Failure *testProblem `xml:"failure,omitempty"`
		Error   *testProblem `xml:"error,omitempty"`
		Skipped *testProblem `xml:"skipped,omitempty"`
	}
	testProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

func newJUnit(w io.Writer, h *run.Head) *junit {
	j := &junit{w: w, now: h.Time.UTC().Format("2006-01-02T15:04:05")}
	j.print(xml.Header + "<testsuites name=\"forcemfa\">\n")
	return j
}

func (j *junit) print(text string) {
	if j.err == nil {
		_, j.err = io.WriteString(j.w, text)
	}
}

func (j *junit) User(u audit.User) {
	c := testCase{Class: u.Account, Name: "user/" + u.Name, Time: "0"}
	switch u.State {
	case audit.Exempt:
		c.Skipped = &testProblem{Message: view.Clean(u.Exemption)}
	case audit.Unknown:
		c.Error = &testProblem{Message: view.Clean(u.Why), Type: "user-unknown"}
	case audit.Open:
		c.Failure = &testProblem{Type: "user-open"} // its finding has the words
	}
	j.cases = append(j.cases, c)
}

func (j *junit) Finding(f audit.Finding) {
	problem := testProblem{Message: view.Clean(f.What), Type: f.Rule, Text: f.ID + "\n" + view.Clean("remedy: "+f.Remedy) + "\n"}
	if f.Rule == "user-open" || f.Rule == "user-unknown" {
		for i := range j.cases {
			if c := &j.cases[i]; c.Name == f.Subject {
				if c.Failure != nil {
					c.Failure = &problem
				} else if c.Error != nil {
					c.Error = &problem
				}
			}
		}
		return
	}
	c := testCase{Class: f.Account + "." + f.Rule, Name: f.ID, Time: "0", Failure: &problem}
	if f.Severity == audit.Info {
		c.Failure, c.Skipped = nil, &testProblem{Message: problem.Message}
	}
	j.cases = append(j.cases, c)
}

func (j *junit) Gap(g org.Gap) {
	c := testCase{Class: g.Account, Name: "read " + view.Clean(g.What), Time: "0", Error: &testProblem{Message: view.Clean(g.Why), Type: "unread"}}
	if g.Account == "" {
		c.Class = "organization"
		j.unit = append(j.unit, c)
		return
	}
	j.cases = append(j.cases, c)
}

func (j *junit) Account(a audit.Account) {
	if a.Skipped != "" {
		j.cases = append(j.cases, testCase{Class: a.ID, Name: "account", Time: "0", Skipped: &testProblem{Message: a.Skipped}})
	}
	j.suite(view.AccountName(a.ID, a.Name), j.cases)
	j.cases = j.cases[:0]
}

func (j *junit) suite(name string, cases []testCase) {
	s := testSuite{Name: name, Tests: len(cases), When: j.now, Time: "0", Cases: cases}
	for i := range cases {
		switch c := &cases[i]; {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	text, err := xml.MarshalIndent(s, "  ", "  ")
	if err != nil && j.err == nil {
		j.err = err
	}
	j.print(referenced(string(text)) + "\n")
}

// referenced is XML in which unseen characters are references, so that they do nothing on
// a terminal.
func referenced(text string) string {
	unseen := func(r rune) bool { return r != '\n' && r != '\t' && prose.Unseen(r) }
	if !strings.ContainsFunc(text, unseen) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if unseen(r) {
			fmt.Fprintf(&out, "&#x%X;", r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func (*junit) Verified(view.Verification) {}

func (j *junit) Close(view.Conclusion) error {
	if len(j.unit) > 0 {
		j.suite("organization", j.unit)
	}
	j.print("</testsuites>\n")
	return j.err
}
