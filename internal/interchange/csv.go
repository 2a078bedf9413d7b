package interchange

import (
	"io"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// table is a table of a run.
type table struct{ view.CSV }

func (table) Verified(view.Verification) {}

// Close implements [view.AuditSink].
func (t table) Close(view.Conclusion) error { return t.Flush() }

// users is a table of users.
type users struct {
	table
	now  time.Time
	held []audit.User // of the account that is read
}

func newUsers(w io.Writer, h *run.Head) *users {
	return &users{table: table{view.NewCSV(w, "account", "account_name", "unit", "user", "arn", "state", "example", "allowed_by", "denied_by", "why", "exemption", "exemption_owner",
		"exemption_expires", "mfa", "devices", "console", "password_used", "active_keys", "oldest_active_key_days", "key_used", "created")}, now: h.Time}
}

func (t *users) User(u audit.User) {
	u.Read = nil
	t.held = append(t.held, u)
}
func (t *users) Finding(audit.Finding) {}
func (t *users) Gap(org.Gap)           {}

// Account writes the users of the account, which are known with their unit now.
func (t *users) Account(a audit.Account) {
	unit := strings.Join(a.Units, "/")
	for i := range t.held {
		t.user(&t.held[i], unit)
	}
	t.held = t.held[:0]
}

func (t *users) user(u *audit.User, unit string) {
	example, allowed, owner, expires := "", "", "", ""
	if u.Example != nil {
		example, allowed = u.Example.String(), u.Example.AllowedBy
	}
	if u.ExemptBy != nil {
		owner = u.ExemptBy.Owner
		if !u.ExemptBy.Expires.IsZero() {
			expires = u.ExemptBy.Expires.Format(time.DateOnly)
		}
	}
	why := u.Why
	if u.NotExploitable {
		why = "not exploitable today: " + u.Hindrance()
	}
	oldest, used := keyDates(u.Keys, t.now)
	t.Row(
		u.Account, u.AccountName, unit, u.Name, u.ARN, string(u.State), example, allowed, strings.Join(u.DeniedBy, "; "), why, u.Exemption, owner, expires,
		known(u.MFA), kinds(u.Devices), known(u.Console), stamp(u.PasswordUsed), activeKeys(u), oldest, used, stamp(&u.Created),
	)
}

func activeKeys(u *audit.User) string {
	if !u.KeysKnown() {
		return known(org.Unknown)
	}
	return strconv.Itoa(u.ActiveKeys)
}

// keyDates are the age of the oldest active key in days, and the last use of any key.
func keyDates(keys []org.AccessKey, now time.Time) (oldest, used string) {
	var first, last *time.Time
	for i := range keys {
		k := &keys[i]
		if k.Active && k.Created != nil && (first == nil || k.Created.Before(*first)) {
			first = k.Created
		}
		if k.Used != nil && (last == nil || k.Used.After(*last)) {
			last = k.Used
		}
	}
	if first != nil {
		oldest = strconv.Itoa(int(now.Sub(*first).Hours() / 24))
	}
	return oldest, stamp(last)
}

func known(t org.Tri) string {
	if t == org.Unknown {
		return "unknown"
	}
	return string(t)
}

func kinds(devices []org.Device) string {
	var list []string
	for _, d := range devices {
		list = append(list, string(d.Kind))
	}
	return strings.Join(list, " ")
}

// findings is a table of findings.
type findings struct{ table }

func newFindings(w io.Writer) findings {
	return findings{table{view.NewCSV(w, "id", "severity", "rule", "account", "account_name", "subject", "arn", "finding", "remedy", "example", "allowed_by", "references")}}
}

func (findings) User(audit.User)       {}
func (findings) Gap(org.Gap)           {}
func (findings) Account(audit.Account) {}

func (t findings) Finding(f audit.Finding) {
	example, allowed := "", ""
	if f.Example != nil {
		example, allowed = f.Example.String(), f.Example.AllowedBy
	}
	t.Row(
		f.ID, string(f.Severity), f.Rule, f.Account, f.AccountName, f.Subject, f.ARN, f.What, f.Remedy, example, allowed, strings.Join(f.Refs, " "),
	)
}
