package view

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/keys"
)

// Keys prints a ranking of keys, at most the first few of them.
func Keys(w io.Writer, style Style, r *keys.Ranking, now time.Time, most int) {
	most = min(most, len(r.Keys))
	style.Lines(w, keysHead(r))
	for i := range r.Keys[:most] {
		keyLines(w, style, &r.Keys[i], now)
	}
	if more := len(r.Keys) - most; more > 0 {
		fmt.Fprintf(w, "\nand %s (--all lists every one)\n", Count(more, "more key"))
	}
}

// keysHead is the first line of a ranking.
func keysHead(r *keys.Ranking) string {
	if len(r.Keys) == 0 {
		return "No keys."
	}
	head := Count(len(r.Keys), "key") + ", the first to retire first."
	if administer := r.Administer(); administer > 0 {
		head += " " + Count(administer, "active key") + " can administer an account without MFA."
	}
	if n := r.Unused(); n > 0 {
		head += " " + Were(n, "active key") + " not used for 90 days, or never."
	}
	return head
}

// keyLines prints one key with its worst and the next step.
func keyLines(w io.Writer, style Style, k *keys.Key, now time.Time) {
	state := ""
	if !k.Active {
		state = ", inactive"
	}
	fmt.Fprintln(w)
	style.hang(w, "", Clean(fmt.Sprintf("%s  %s  %s", k.User, cmp.Or(k.ID, "(ID not read)"), k.Account)), 4)
	style.hang(w, "  ", fmt.Sprintf("%s, %s%s, %s", Clean(k.Kind), age(k), state, lastUse(k, now)), 4)
	style.hang(w, "  can  ", Clean(k.Worst), 7)
	if len(k.UsedBy) > 0 {
		style.hang(w, "  by   ", Clean(strings.Join(k.UsedBy, ", "))+", "+Count(k.Calls, "recorded call"), 7)
	}
	style.hang(w, "  next ", Clean(k.Next)+" ("+Clean(k.Why)+")", 7)
}

func age(k *keys.Key) string {
	if k.Created == nil {
		return "age unknown"
	}
	return Count(k.AgeDays, "day") + " old"
}

func lastUse(k *keys.Key, now time.Time) string {
	switch {
	case k.LastUsed != nil:
		return "last used " + ago(k.LastUsed.UTC().Format(time.RFC3339), now)
	case k.Use == keys.Never:
		return "never used"
	}
	return "last use not recorded by IAM"
}

// KeysCSV prints a ranking, one key a row.
func KeysCSV(w io.Writer, r *keys.Ranking) error {
	c := NewCSV(w, "user", "account", "id", "kind", "active", "age_days", "last_used", "use", "worst", "example", "used_by", "calls", "next", "why")
	for i := range r.Keys {
		k := &r.Keys[i]
		used, days := "", ""
		if k.LastUsed != nil {
			used = k.LastUsed.UTC().Format(time.RFC3339)
		}
		if k.Created != nil {
			days = strconv.Itoa(k.AgeDays)
		}
		c.Row(k.ARN, k.Account, k.ID, k.Kind, strconv.FormatBool(k.Active), days, used, k.Use, k.Worst, k.Example, strings.Join(k.UsedBy, "; "), strconv.Itoa(k.Calls), k.Next, k.Why)
	}
	return c.Flush()
}
