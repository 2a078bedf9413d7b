package collect

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"forcemfa/internal/org"
)

// rootRow is the user column of the root user's row.
const rootRow = "<root_account>"

// A credentialReport is a parsed credential report, by user name.
type credentialReport struct {
	generated time.Time
	users     map[string]*reportRow
	root      *reportRow // nil: the report has no such row
}

// A reportRow is the row of one user. A value that the report does not contain
// is unknown.
type reportRow struct {
	created      time.Time // zero: not in the report
	password     org.Tri
	passwordUsed *time.Time
	expires      *time.Time // the password; nil: never
	mfa          org.Tri
	keys         []org.AccessKey
	// keysKnown is false when a column of a key could not be parsed, or when the
	// user has more credentials than the columns can hold.
	keysKnown bool
}

// parseReport parses a credential report by its column names, so that AWS may
// add columns. An error names the line.
// Source: IAM User Guide, "Getting credential reports".
func parseReport(text string) (*credentialReport, error) {
	lines := csv.NewReader(strings.NewReader(text))
	lines.ReuseRecord = true
	header, err := lines.Read()
	if err == io.EOF {
		return nil, errors.New("credential report: the report is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("credential report: %w", err)
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.Clone(name)] = i
	}
	if _, ok := columns["user"]; !ok {
		return nil, errors.New("credential report: line 1: column user is missing")
	}
	return parseRows(lines, columns)
}

func parseRows(lines *csv.Reader, columns map[string]int) (*credentialReport, error) {
	r := &credentialReport{users: map[string]*reportRow{}}
	for {
		fields, err := lines.Read()
		if err == io.EOF {
			return r, nil
		}
		if err != nil {
			return nil, fmt.Errorf("credential report: %w", err)
		}
		get := func(column string) string {
			if i, ok := columns[column]; ok {
				return fields[i]
			}
			return ""
		}
		user, row := strings.Clone(get("user")), parseRow(get)
		if user == rootRow {
			r.root = row
			continue
		}
		if _, twice := r.users[user]; twice || user == "" {
			line, _ := lines.FieldPos(0)
			return nil, fmt.Errorf("credential report: line %d: user %q appears twice or has no name", line, user)
		}
		r.users[user] = row
	}
}

func parseRow(get func(column string) string) *reportRow {
	row := &reportRow{
		password:     parseBool(get("password_enabled")),
		passwordUsed: parseTime(get("password_last_used")),
		expires:      parseTime(get("password_next_rotation")),
		mfa:          parseBool(get("mfa_active")),
		keysKnown:    !more(get("additional_credentials_info")),
	}
	if t := parseTime(get("user_creation_time")); t != nil {
		row.created = *t
	}
	for slot := 1; slot <= 2; slot++ {
		column := func(name string) string { return get(fmt.Sprintf("access_key_%d_%s", slot, name)) }
		active := parseBool(column("active"))
		if active == org.Unknown {
			row.keysKnown = false
			continue
		}
		rotated := parseTime(column("last_rotated"))
		if active == org.No && rotated == nil {
			continue // the user has no such key
		}
		row.keys = append(row.keys, org.AccessKey{
			Slot:        slot,
			Active:      active == org.Yes,
			Created:     rotated,
			Used:        parseTime(column("last_used_date")),
			UsedRegion:  parseText(column("last_used_region")),
			UsedService: parseText(column("last_used_service")),
		})
	}
	return row
}

// parseBool parses true and false in any case: the documentation prints TRUE,
// reports contain true.
func parseBool(s string) org.Tri {
	switch strings.ToLower(s) {
	case "true":
		return org.Yes
	case "false":
		return org.No
	}
	return org.Unknown
}

// parseTime parses a time; nil for N/A, no_information, not_supported and for
// anything that is not a time.
func parseTime(s string) *time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil
	}
	t = t.UTC()
	return &t
}

func parseText(s string) string {
	switch s {
	case "N/A", "no_information", "not_supported":
		return ""
	}
	return strings.Clone(s)
}

// more reports whether the column for further credentials of a kind, beyond the
// first two, says that there are some.
func more(s string) bool {
	return parseText(s) != "" && s != "0" && !strings.EqualFold(s, "false")
}
