package notices

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/view"
)

// clean is one line of text without control characters.
func clean(s string) string { return view.Clean(strings.Join(strings.Fields(s), " ")) }

func fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// stops is what a user can no longer do without MFA, with the evidence at hand.
func (c *Collection) stops(u *audit.User) []string {
	all := []string{}
	for _, k := range u.Keys {
		if k.Active {
			all = append(all, "requests signed with "+keyName(&k)+", "+lastUse(&k))
		}
	}
	if u.Console != org.No && u.MFA != org.Yes {
		all = append(all, "the console, except enrolling an MFA device"+passwordUse(u))
	}
	if u.Read.Services != nil {
		if n := u.Read.Services.SSHKeys; n > 0 {
			all = append(all, view.Count(n, "SSH key")+" for CodeCommit")
		}
		if names := u.Read.Services.ServiceSpecific; len(names) > 0 {
			all = append(all, "service-specific credentials for "+clean(prose.Few(names)))
		}
	}
	return append(all, c.recorded(u.ARN)...)
}

// recorded is what CloudTrail says about a user.
func (c *Collection) recorded(userARN string) []string {
	if c.options.Impact == nil {
		return nil
	}
	r := c.options.Impact.User(userARN)
	if r == nil || r.Denied == 0 {
		return nil
	}
	text := prose.Number(r.Denied) + " recorded calls would have been denied"
	if len(r.Tools) > 0 {
		text += ", by " + prose.Few(r.Tools)
	}
	if len(r.Services) > 0 {
		text += ", of " + prose.Few(r.Services)
	}
	if len(r.Last) >= len(time.DateOnly) {
		text += ", the last on " + r.Last[:len(time.DateOnly)]
	}
	return []string{clean(text)}
}

// keyName names a key without its whole ID, which a message should not spread.
func keyName(k *org.AccessKey) string {
	if n := len(k.ID); n > 8 {
		return "access key " + clean(k.ID[:4]+"…"+k.ID[n-4:])
	}
	return fmt.Sprintf("access key %d", max(k.Slot, 1))
}

func lastUse(k *org.AccessKey) string {
	if k.Used == nil {
		return "which was never used"
	}
	text := "last used on " + k.Used.UTC().Format(time.DateOnly)
	if k.UsedService != "" && k.UsedService != "N/A" {
		text += " for " + clean(k.UsedService)
	}
	if k.UsedRegion != "" && k.UsedRegion != "N/A" {
		text += " in " + clean(k.UsedRegion)
	}
	return text
}

func passwordUse(u *audit.User) string {
	if u.PasswordUsed == nil {
		return ""
	}
	return "; last sign-in on " + u.PasswordUsed.UTC().Format(time.DateOnly)
}

// steps are three things to do before the first day, for a person or for the owner of a
// service account.
func steps(a *org.Account, u *audit.User, service bool) []string {
	if service {
		return []string{
			"Find the program that uses " + keysOf(u) + ".",
			"Give it a role instead of the key: an instance profile, a task role, or OIDC for CI.",
			"If it cannot use a role, ask for an exemption with an owner and an end date.",
		}
	}
	var all []string
	switch {
	case u.MFA == org.Yes:
		all = append(all, "Check that you can generate a code with your MFA device.")
	case u.Console == org.No:
		all = append(all, "Run `forcemfa enroll` with your access key while your enrollment window is open.")
	default:
		all = append(all, "Sign in to the console of "+clean(nameOf(a))+" and choose Security credentials.",
			"Choose Assign MFA device, and name it "+clean(u.Name)+".")
	}
	if u.ActiveKeys == 0 {
		return append(all, "Sign out, and sign in again with a code.")
	}
	return append(all, "Run `forcemfa import` and `forcemfa configure` once, so that your tools ask for sessions with MFA.",
		"Run `forcemfa login` each morning, and enter a code.")
}

func nameOf(a *org.Account) string {
	if a.Alias != "" {
		return a.Alias
	}
	return a.ID
}

func keysOf(u *audit.User) string {
	var names []string
	for _, k := range u.Keys {
		if k.Active {
			names = append(names, keyName(&k)+", "+lastUse(&k))
		}
	}
	if len(names) == 0 {
		return "its credentials"
	}
	return strings.Join(names, "; ")
}
