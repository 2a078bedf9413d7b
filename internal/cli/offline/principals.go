package offline

import (
	"bufio"
	"bytes"
	"encoding/base32"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/view"
)

type servedPrincipal struct {
	Name            string         `json:"name"`
	Account         string         `json:"account"`
	AccessKeyID     string         `json:"access_key_id"`
	SecretAccessKey string         `json:"secret_access_key"`
	ConsolePassword string         `json:"console_password,omitempty"`
	MFA             []servedDevice `json:"mfa"`
}

type servedDevice struct {
	Serial string `json:"serial"`
	Seed   string `json:"seed_base32"`
}

// principals are the users of the embedded AWS that have an active key. A million of them
// would need more memory as one text than they do as users, so [served.write] writes one
// after the other.
type principals struct{ box *rehearse.Sandbox }

func servedBy(b *rehearse.Sandbox, endpoint string) served {
	out := served{Endpoint: endpoint, Region: b.Config.Region, Principals: &principals{b}}
	b.Cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			a := w.Account(id)
			out.Accounts = append(out.Accounts, servedAccount{ID: id, Alias: a.Alias, Name: a.Name})
		}
	})
	return out
}

// all calls yield for every user with an active key, the administrator first, until it
// returns an error. Requests go on meanwhile: a reader of the list may send some.
func (p *principals) all(yield func(servedPrincipal) error) error {
	var ids []string
	var first []servedPrincipal
	home, administrator := p.box.Home, world.Fold(p.box.Administrator)
	p.box.Cloud.View(func(w *world.World) {
		ids = w.Accounts()
		if a := w.Account(home); a != nil {
			first = servedUsers(a, func(name string) bool { return name == administrator })
		}
	})
	for _, user := range first {
		if err := yield(user); err != nil {
			return err
		}
	}
	for _, id := range ids {
		var users []servedPrincipal
		p.box.Cloud.View(func(w *world.World) {
			if a := w.Account(id); a != nil {
				users = servedUsers(a, func(name string) bool { return id != home || name != administrator })
			}
		})
		for _, user := range users {
			if err := yield(user); err != nil {
				return err
			}
		}
	}
	return nil
}

// servedUsers returns the chosen users of an account that have an active key.
func servedUsers(a *world.Account, chosen func(name string) bool) (out []servedPrincipal) {
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		if user, ok := servedUser(a, a.Users[name]); ok && chosen(name) {
			out = append(out, user)
		}
	}
	return out
}

// first returns the user whose keys are printed, and how many users have keys.
func (p *principals) first() (first servedPrincipal, count int) {
	_ = p.all(func(user servedPrincipal) error { // never an error
		if count++; count == 1 {
			first = user
		}
		return nil
	})
	return first, count
}

func servedUser(a *world.Account, u *world.User) (servedPrincipal, bool) {
	p := servedPrincipal{Name: u.Name, Account: a.ID, MFA: []servedDevice{}}
	for _, k := range u.Keys {
		if k.Active && p.AccessKeyID == "" {
			p.AccessKeyID, p.SecretAccessKey = k.ID, k.Secret
		}
	}
	if p.AccessKeyID == "" {
		return p, false
	}
	if u.Login != nil {
		p.ConsolePassword = u.Login.Password
	}
	for _, d := range a.DevicesOf(u.Name) {
		if d.Kind == org.VirtualMFA || d.Kind == org.HardwareMFA {
			seed := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(d.Seed)
			p.MFA = append(p.MFA, servedDevice{Serial: d.Serial, Seed: seed})
		}
	}
	return p, true
}

// MarshalJSON returns an empty list, which [served.write] fills.
func (p *principals) MarshalJSON() ([]byte, error) { return []byte("[]"), nil }

// write writes what emulate serves as JSON.
func (s served) write(out io.Writer) error {
	var frame bytes.Buffer
	if err := view.JSON(&frame, s); err != nil {
		return err
	}
	const list = `"principals": [`
	before, after, _ := bytes.Cut(frame.Bytes(), []byte(list)) // no string of JSON contains it: its quotes are escaped there
	w := bufio.NewWriter(out)
	w.Write(before)
	w.WriteString(list)
	separator := ""
	err := s.Principals.all(func(user servedPrincipal) error {
		text, err := json.MarshalIndent(user, "    ", "  ")
		if err == nil {
			w.WriteString(separator + "\n    ")
			separator = ","
			_, err = prose.JSON(w).Write(text)
		}
		return err
	})
	if err != nil {
		return err
	}
	if separator != "" {
		w.WriteString("\n  ")
	}
	w.Write(after)
	return w.Flush()
}
