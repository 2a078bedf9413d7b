package view_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"forcemfa/internal/impact"
	"forcemfa/internal/view"
)

func TestCellsThatASpreadsheetWouldExecuteAreDefused(t *testing.T) {
	var out bytes.Buffer
	r := &impact.Report{Users: []impact.User{{ARN: "arn:aws:iam::1:user/x", Name: "=HYPERLINK(1)", Tools: []string{"@SUM", "boto3"}, Next: "a \"quoted\", step"}}}
	if err := view.ImpactCSV(&out, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	row := strings.Join(rows[1], "|")
	for _, want := range []string{"|'=HYPERLINK(1)|", "|'@SUM boto3|", `|a "quoted", step|`} {
		if !strings.Contains(row, want) {
			t.Errorf("%s lacks %s", row, want)
		}
	}
}

func TestNoCellOfATableIsAFormula(t *testing.T) {
	var out bytes.Buffer
	c := view.NewCSV(&out, "cell")
	formulas := []string{"=1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "\u00a0=1", "\u3000=1", "＝1", "＋1", "－1", "＠1"}
	for _, f := range formulas {
		c.Row(f)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(formulas)+1 {
		t.Fatalf("%q, %v", rows, err)
	}
	for _, row := range rows[1:] {
		if !strings.HasPrefix(row[0], "'") {
			t.Errorf("formula %q", row[0])
		}
	}
}
