package trailsql

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/testclients"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }

func example() (*Table, *Query) {
	day := time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC)
	t := &Table{Database: "logs", Name: "cloudtrail", Location: "s3://trail/AWSLogs/o-abc", Accounts: []string{"111122223333", "444455556666"}, Regions: []string{"us-east-1", "eu-west-1"}, First: day}
	return t, &Query{Database: "logs", Table: "cloudtrail", Accounts: []string{"111122223333"}, Regions: []string{"us-east-1"}, First: day, Last: day.AddDate(0, 0, 29), Address: true, VPCE: true, MaxAge: 3600}
}

// A SQL parser that others wrote accepts the SELECT as Trino's and the DDL as Hive's.
func TestParsersAcceptTheStatements(t *testing.T) {
	testclients.Need(t, "dt-sql-parser", "esbuild")
	dir := t.TempDir()
	bundle := filepath.Join(dir, "parse.cjs")
	build := testclients.Node(t, "-e", `const [entry, outfile] = process.argv.slice(1)
require('esbuild').buildSync({ entryPoints: [entry], bundle: true, platform: 'node', outfile, nodePaths: [process.env.NODE_PATH] })`, "testdata/parse.mjs", bundle)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("bundle the parser: %v\n%s", err, out)
	}
	table, query := example()
	for _, row := range []struct {
		dialect, sql string
		wrong        bool
	}{
		{"trino", query.Select(), false},
		{"hive", table.Create(), false},
		{"hive", strings.Replace(table.Create(), "PARTITIONED", "PARTITIONNED", 1), true},
	} {
		file := filepath.Join(dir, "statement.sql")
		if err := os.WriteFile(file, []byte(row.sql), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := testclients.Node(t, bundle, row.dialect, file).CombinedOutput()
		if err != nil || (len(out) > 0) != row.wrong {
			t.Errorf("%s: %v\n%s\n%s", row.dialect, err, out, row.sql)
		}
	}
}

func TestTheTableProjectsAccountRegionAndDay(t *testing.T) {
	table, _ := example()
	ddl := table.Create()
	for _, want := range []string{
		"'projection.account.values' = '111122223333,444455556666'", "'projection.region.values' = 'us-east-1,eu-west-1'", "'projection.day.range' = '2026/10/30,NOW'",
		"'storage.location.template' = 's3://trail/AWSLogs/o-abc/${account}/CloudTrail/${region}/${day}'", "LOCATION 's3://trail/AWSLogs/o-abc/'",
	} {
		if !strings.Contains(ddl, want) {
			t.Errorf("no %s in\n%s", want, ddl)
		}
	}
}

// A forecast is compared with the calls after it, and not with those of its whole day.
func TestTheQueryBeginsAtATime(t *testing.T) {
	q := Query{Table: "cloudtrail", First: time.Date(2026, 10, 30, 14, 30, 0, 0, time.FixedZone("", 7200))}
	for _, want := range []string{`"day" >= '2026/10/30'`, "eventtime >= '2026-10-30T12:30:00Z'"} {
		if sql := q.Select(); !strings.Contains(sql, want) {
			t.Errorf("no %s in\n%s", want, sql)
		}
	}
}

func TestNamesAndValuesAreQuoted(t *testing.T) {
	q := Query{Database: `lo"gs`, Table: "cloud-trail", Accounts: []string{"1'; DROP TABLE x"}}
	sql := q.Select()
	for _, want := range []string{`FROM "lo""gs"."cloud-trail"`, `"account" IN ('1''; DROP TABLE x')`} {
		if !strings.Contains(sql, want) {
			t.Errorf("no %s in\n%s", want, sql)
		}
	}
	if strings.Contains(sql, `"region" IN`) || strings.Contains(sql, `"day" >=`) {
		t.Errorf("limits that nobody asked for:\n%s", sql)
	}
}

func TestRowsThatAreNotOfTheQueryAreRefused(t *testing.T) {
	row := make([]string, len(columns)+5)
	for level, set := range levels {
		row[len(columns)], row[len(columns)+1], row[len(columns)+2] = strconv.FormatInt(level, 10), "3", "4"
		r, err := Parse(row)
		if err != nil || r.Set != set || r.Calls != 3 || r.Delivered != 4 {
			t.Errorf("level %d: %+v, %v", level, r, err)
		}
	}
	bad := func(change func([]string)) {
		t.Helper()
		cells := append([]string(nil), row...)
		change(cells)
		if r, err := Parse(cells); err == nil {
			t.Errorf("%v is read as %+v", cells, r)
		}
	}
	bad(func(c []string) { c[len(columns)] = "1" })
	bad(func(c []string) { c[len(columns)] = "x" })
	bad(func(c []string) { c[len(columns)+1] = "-1" })
	bad(func(c []string) { c[len(columns)+1] = "1e9" })
	if _, err := Parse(row[1:]); err == nil {
		t.Error("a row with a column less is read")
	}
}
