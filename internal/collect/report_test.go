package collect

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/org"

	"github.com/google/go-cmp/cmp"
)

const reportHeader = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active," +
	"access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service," +
	"access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service," +
	"cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"

func at(day int) *time.Time {
	t := time.Date(2026, 3, day, 10, 30, 0, 0, time.UTC)
	return &t
}

func TestReportRows(t *testing.T) {
	text := strings.Join([]string{
		reportHeader,
		"<root_account>,arn:aws:iam::1:root,2026-03-01T10:30:00+00:00,not_supported,2026-03-02T10:30:00+00:00,not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A",
		"ann,arn:aws:iam::1:user/ann,2026-03-01T10:30:00+00:00,true,no_information,2026-03-01T10:30:00+00:00,N/A,TRUE,true,2026-03-03T10:30:00+00:00,2026-03-04T10:30:00+00:00,eu-west-1,s3,false,2026-03-05T10:30:00+00:00,N/A,N/A,N/A,false,N/A,false,N/A",
		"bob,arn:aws:iam::1:user/bob,2026-03-01T10:30:00+00:00,FALSE,N/A,N/A,N/A,false,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A",
	}, "\n")
	got, err := parseReport(text)
	if err != nil {
		t.Fatal(err)
	}
	want := &credentialReport{
		root: &reportRow{created: *at(1), passwordUsed: at(2), mfa: org.Yes, keysKnown: true},
		users: map[string]*reportRow{
			"ann": {
				created: *at(1), password: org.Yes, mfa: org.Yes, keysKnown: true,
				keys: []org.AccessKey{
					{Slot: 1, Active: true, Created: at(3), Used: at(4), UsedRegion: "eu-west-1", UsedService: "s3"},
					{Slot: 2, Created: at(5)},
				},
			},
			"bob": {created: *at(1), password: org.No, mfa: org.No, keysKnown: true},
		},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(credentialReport{}, reportRow{})); d != "" {
		t.Error(d)
	}
}

func TestColumnsAreFoundByName(t *testing.T) {
	for _, c := range []struct {
		name, header, row string
		want              reportRow
	}{
		{
			"another order and a new column",
			"new,mfa_active,user,password_enabled,access_key_1_active,access_key_1_last_rotated,access_key_2_active,access_key_2_last_rotated",
			"x,true,ann,false,true,2026-03-03T10:30:00+00:00,false,N/A",
			reportRow{mfa: org.Yes, password: org.No, keysKnown: true, keys: []org.AccessKey{{Slot: 1, Active: true, Created: at(3)}}},
		},
		{
			"the 23rd column says nothing",
			"user,access_key_1_active,access_key_2_active,additional_credentials_info", "ann,false,false,N/A",
			reportRow{keysKnown: true},
		},
		{
			"the 23rd column tells of more keys",
			"user,access_key_1_active,access_key_2_active,additional_credentials_info", "ann,false,false,access_keys:1",
			reportRow{},
		},
		{"what is not told is unknown", "user", "ann", reportRow{}},
		{
			"what is not understood is unknown",
			"user,password_enabled,mfa_active,access_key_1_active,access_key_2_active,user_creation_time", "ann,perhaps,2,yes,false,yesterday",
			reportRow{},
		},
	} {
		got, err := parseReport(c.header + "\n" + c.row + "\n")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if d := cmp.Diff(&c.want, got.users["ann"], cmp.AllowUnexported(reportRow{})); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func TestInvalidReportIsAnError(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "credential report: the report is empty"},
		{"name,mfa_active\nann,true\n", "credential report: line 1: column user is missing"},
		{"user,mfa_active\nann\n", "credential report: record on line 2: wrong number of fields"},
		{"user\n\"ann\n", "credential report: "},
		{"user\nann\nann\n", `credential report: line 3: user "ann" appears twice`},
		{"user,mfa_active\n,true\n", `credential report: line 2: user "" appears twice or has no name`},
	} {
		if _, err := parseReport(c.text); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %s", c.text, err, c.want)
		}
	}
}

func TestARowOfAnEarlierUserOfThatNameDoesNotCount(t *testing.T) {
	r := &credentialReport{generated: *at(20), users: map[string]*reportRow{"ann": {created: *at(1), keysKnown: true}}}
	for _, c := range []struct {
		name         string
		user         org.User
		row, mayMiss bool
	}{
		{"the same", org.User{Name: "ann", Created: *at(1)}, true, true},
		{"made again", org.User{Name: "ann", Created: *at(5)}, false, true},
		{"newer than the report", org.User{Name: "bob", Created: *at(21)}, false, true},
		{"made while the report was", org.User{Name: "bob", Created: at(20).Add(-time.Minute)}, false, true},
		{"missing", org.User{Name: "bob", Created: *at(1)}, false, false},
	} {
		if got := r.row(&c.user) != nil; got != c.row {
			t.Errorf("%s: has a row: %v", c.name, got)
		}
		if got := r.mayMiss(&c.user); got != c.mayMiss {
			t.Errorf("%s: may be missing: %v", c.name, got)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add(reportHeader + "\nann,a,2026-03-01T10:30:00+00:00,true,no_information,N/A,N/A,true,true,2026-03-03T10:30:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n")
	f.Add("user\n<root_account>\n")
	f.Add("user,user,access_key_1_active\na,\"b\n\",true")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseReport(text)
		if err != nil {
			return
		}
		for name, row := range r.users {
			if name == "" || name == rootRow {
				t.Errorf("a user named %q", name)
			}
			for _, k := range row.keys {
				if !k.Active && k.Created == nil {
					t.Errorf("%s: a key that is neither active nor has a date", name)
				}
			}
		}
	})
}

// A row that says nothing certain about the keys of a user counts as no row: the user is
// read alone. A key that nobody knows of would still work without MFA.
func TestARowWithoutEveryKeyDoesNotCount(t *testing.T) {
	const columns = "user,password_enabled,mfa_active,access_key_1_active,access_key_2_active,additional_credentials_info\n"
	for row, usable := range map[string]bool{
		"bob,false,false,false,false,":               true,
		"bob,false,false,false,false,0":              true,
		"bob,false,false,false,false,N/A":            true,
		"bob,false,false,false,false,false":          true,
		"bob,false,false,false,false,1":              false,
		"bob,false,false,false,false,true":           false,
		"bob,false,false,false,not_supported,":       false,
		"bob,false,false,,false,":                    false,
		"bob,no_information,no_information,TRUE,no,": false,
	} {
		r, err := parseReport(columns + row + "\n")
		if err != nil {
			t.Fatal(err)
		}
		u := &org.User{Name: "bob"}
		if got := r.row(u) != nil; got != usable || !usable && !r.mayMiss(u) {
			t.Errorf("%s: the row counts: %v, want %v; mayMiss %v", row, got, usable, r.mayMiss(u))
		}
	}
}
