package run

import (
	"fmt"
	"strings"

	"forcemfa/internal/prose"
)

// shortHash is how many digits of a hash are shown.
const shortHash = 8

// Title is the line above every output: the organization, the accounts that were read,
// the time and the config. Names in it are data that others wrote.
func Title(h *Head, e *End) string {
	var parts []string
	for _, name := range []string{e.Name, h.Organization, h.Management} {
		if name != "" {
			parts = append(parts, name)
			break
		}
	}
	parts = append(parts, accounts(e))
	if !h.Time.IsZero() {
		parts = append(parts, h.Time.UTC().Format("2006-01-02 15:04 MST"))
	}
	if h.Config != "" {
		parts = append(parts, "config "+h.ShortConfig())
	}
	return strings.Join(parts, ", ")
}

// ShortConfig is the beginning of the hash of the config, as people compare it.
func (h *Head) ShortConfig() string { return h.Config[:min(len(h.Config), shortHash)] }

func accounts(e *End) string {
	all := e.AccountsRead + e.AccountsUnread + e.AccountsSkipped
	if all == e.AccountsRead {
		return prose.Count(all, "account")
	}
	return fmt.Sprintf("%s of %s accounts", prose.Number(e.AccountsRead), prose.Number(all))
}
