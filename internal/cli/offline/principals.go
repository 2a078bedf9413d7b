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

// all are the users with an active key, the administrator first. Requests go on meanwhile:
// a reader of the list may send some.
func (p *principals) all(yield func(servedPrincipal) bool) {
	home, administrator := p.box.Home, world.Fold(p.box.Administrator)
	of := func(id string, chosen func(name string) bool) bool {
		var users []servedPrincipal
		p.box.Cloud.View(func(w *world.World) {
			if a := w.Account(id); a != nil {
				users = servedUsers(a, chosen)
			}
		})
		return !slices.ContainsFunc(users, func(user servedPrincipal) bool { return !yield(user) })
	}
	if !of(home, func(name string) bool { return name == administrator }) {
		return
	}
	var ids []string
	p.box.Cloud.View(func(w *world.World) { ids = w.Accounts() })
	for _, id := range ids {
		if !of(id, func(name string) bool { return id != home || name != administrator }) {
			return
		}
	}
}

// servedUsers returns the chosen users of an account that have an active key.
func servedUsers(a *world.Account, chosen func(name string) bool) (out []servedPrincipal) {
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		if !chosen(name) {
			continue
		}
		if user, ok := servedUser(a, a.Users[name]); ok {
			out = append(out, user)
		}
	}
	return out
}

// first returns the user whose keys are printed, and how many users have keys.
func (p *principals) first() (first servedPrincipal, count int) {
	for first = range p.all {
		break
	}
	p.box.Cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			for _, u := range w.Account(id).Users {
				if activeKey(u) != nil {
					count++
				}
			}
		}
	})
	return first, count
}

// activeKey returns the first active key of a user; nil if there is none.
func activeKey(u *world.User) *world.Key {
	if i := slices.IndexFunc(u.Keys, func(k *world.Key) bool { return k.Active }); i >= 0 {
		return u.Keys[i]
	}
	return nil
}

func servedUser(a *world.Account, u *world.User) (servedPrincipal, bool) {
	key := activeKey(u)
	if key == nil {
		return servedPrincipal{}, false
	}
	p := servedPrincipal{Name: u.Name, Account: a.ID, AccessKeyID: key.ID, SecretAccessKey: key.Secret, MFA: []servedDevice{}}
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
	for user := range s.Principals.all {
		text, err := json.MarshalIndent(user, "    ", "  ")
		if err != nil {
			return err
		}
		w.WriteString(separator + "\n    ")
		separator = ","
		if _, err := prose.JSON(w).Write(text); err != nil {
			return err
		}
	}
	if separator != "" {
		w.WriteString("\n  ")
	}
	w.Write(after)
	return w.Flush()
}
