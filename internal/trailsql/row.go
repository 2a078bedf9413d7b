package trailsql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Columns are the names of the columns of the answer.
func Columns() []string {
	out := make([]string, 0, len(columns)+5)
	for _, c := range columns {
		out = append(out, "r_"+c)
	}
	return append(out, "r_level", "r_calls", "r_delivered", "r_first", "r_last")
}

// The bits of [Row.State], which are those of a call in impact.
const (
	WithMFA = 1 << iota
	Session
	Forwarded
	Refused
	Federated
	Old
)

// A Set is what a row counts.
type Set int

// The sets, in the order of the query.
const (
	Totals Set = iota
	Coverage
	Distinct
	Programs
	Networks
	Hours
	Days
	Starts
	RoleCalls
	RoleStarts
)

// A Row is one row of the answer. Columns that are not in its set are empty.
type Row struct {
	Set  Set
	Kind string // user, role, sign-in or other

	Account, Region, Day string
	Data                 bool
	Owner, Key           string
	Source, Name         string
	User, Device         string // that an IAM call names
	Address, Agent, VPCE string
	State                int
	Network, MFAUsed     string
	Hour                 int
	StartKey, StartRole  string
	RoleKey, ChildKey    string
	Calls, Delivered     int
	First, Last          int64 // seconds since 1970
}

// levels are the values of grouping() by set: a bit for each column, the first the most
// significant, that is set when the column is not in the set.
// Source: Trino documentation, "GROUPING operation".
var levels = func() map[int64]Set {
	out := map[int64]Set{}
	for i, s := range sets {
		names := strings.Split(s.columns, ", ")
		level := int64(0)
		for _, c := range columns {
			level <<= 1
			if !slices.Contains(names, c) {
				level |= 1
			}
		}
		out[level] = Set(i)
	}
	return out
}()

// Parse reads a row of the answer.
func Parse(cells []string) (r Row, err error) {
	if len(cells) != len(columns)+5 {
		return r, fmt.Errorf("read the answer of the query: %d columns, want %d: the query is not that of this version", len(cells), len(columns)+5)
	}
	numbers := cells[len(columns):]
	level, err := strconv.ParseInt(numbers[0], 10, 64)
	set, known := levels[level]
	if err != nil || !known {
		return r, fmt.Errorf("read the answer of the query: unknown level %q", numbers[0])
	}
	at := func(name string) string { return cells[slices.Index(columns, name)] }
	r = Row{
		Set: set, Kind: at("k"), Account: at("acct"), Region: at("region"), Day: at("day"), Data: at("data") == "true", Owner: at("owner") + at("e_owner"), Key: at("key") + at("e_key"),
		Source: at("source"), Name: at("name"), User: at("param_user"), Device: at("param_device"), Address: at("address"), Agent: at("agent") + at("agent_seen"), VPCE: at("vpce"),
		Network: at("network"), MFAUsed: at("mfa_used"), StartKey: at("start_key"), StartRole: at("start_role"), RoleKey: at("role_key"), ChildKey: at("child_key"),
	}
	for _, number := range []struct {
		text string
		to   *int
	}{{at("state"), &r.State}, {at("hour"), &r.Hour}, {numbers[1], &r.Calls}, {numbers[2], &r.Delivered}} {
		if number.text == "" {
			continue
		}
		if *number.to, err = strconv.Atoi(number.text); err != nil || *number.to < 0 {
			return r, fmt.Errorf("read the answer of the query: %q is no count", number.text)
		}
	}
	if r.Hour > 23 {
		return r, fmt.Errorf("read the answer of the query: hour %d", r.Hour)
	}
	r.First, r.Last = seconds(numbers[3]), seconds(numbers[4])
	return r, nil
}

// seconds reads a time of a record; 0 for another text, as package trail does.
func seconds(stamp string) int64 {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return 0
	}
	return t.Unix()
}
