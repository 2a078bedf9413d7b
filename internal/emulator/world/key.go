package world

import (
	"iter"
	"slices"
	"time"
)

// A Use records the last use of an access key or a role.
type Use struct {
	At      time.Time // zero: never
	Region  string
	Service string // as in the scope of a signature: iam, s3…
}

// AddKey creates an access key of a user in the lowest free slot.
func (w *World) AddKey(account, user string, key *Key) {
	user = Fold(user)
	u := w.Edit(account).Users[user]
	if key.Slot == 0 {
		key.Slot = u.freeSlot()
	}
	u.Keys = append(u.Keys, key)
	w.keys.set(key.ID, KeyOwner{account, user})
}

func (u *User) freeSlot() int {
	for slot := 1; ; slot++ {
		if !slices.ContainsFunc(u.Keys, func(k *Key) bool { return k.Slot == slot }) {
			return slot
		}
	}
}

// RemoveKey deletes an access key of a user.
func (w *World) RemoveKey(account, user, id string) {
	u := w.Edit(account).Users[Fold(user)]
	u.Keys = slices.DeleteFunc(u.Keys, func(k *Key) bool { return k.ID == id })
	w.keys.remove(id)
	w.uses.remove(id)
}

// RenameUser renames a user and updates everything that refers to it: keys, MFA
// devices, sessions.
func (w *World) RenameUser(account, from, to string) {
	a := w.Edit(account)
	u := a.Users[Fold(from)]
	delete(a.Users, Fold(from))
	u.Name = to
	a.Users[Fold(to)] = u
	for _, k := range u.Keys {
		w.keys.set(k.ID, KeyOwner{account, Fold(to)})
	}
	for _, d := range a.Devices {
		if d.User == Fold(from) {
			d.User = Fold(to)
		}
	}
	for id, s := range w.sessions.all {
		if s.Account == account && s.User == Fold(from) {
			renamed := *s
			renamed.User = Fold(to)
			w.sessions.set(id, &renamed)
		}
	}
}

// FindKey returns the owner of a long-lived access key.
func (w *World) FindKey(id string) (KeyOwner, bool) { return w.keys.get(id) }

// Key returns a long-lived access key with its owner, read-only; nil if there is
// none with this ID.
func (w *World) Key(id string) (KeyOwner, *Key) {
	owner, ok := w.keys.get(id)
	if !ok {
		return KeyOwner{}, nil
	}
	a := w.Account(owner.Account)
	if a == nil { // see RemoveAccount
		return KeyOwner{}, nil
	}
	u := a.Users[owner.User]
	i := slices.IndexFunc(u.Keys, func(k *Key) bool { return k.ID == id })
	return owner, u.Keys[i]
}

// UseKey records that a long-lived access key signed a request. It does not
// count as writing to the account.
func (w *World) UseKey(id string, use Use) { w.uses.set(id, use) }

// KeyUse returns the last use of an access key.
func (w *World) KeyUse(k *Key) Use {
	if use, ok := w.uses.get(k.ID); ok {
		return use
	}
	return Use{k.Used, k.UsedRegion, k.UsedService}
}

// UseRole records that a session of a role signed a request. It does not count
// as writing to the account.
func (w *World) UseRole(account string, r *Role, use Use) {
	w.uses.set(w.RoleARN(account, r), use)
}

// RoleUse returns the last use of a role.
func (w *World) RoleUse(account string, r *Role) Use {
	if use, ok := w.uses.get(w.RoleARN(account, r)); ok {
		return use
	}
	return Use{At: r.Used, Region: r.UsedRegion}
}

// AddSession registers temporary credentials. The session must not be changed
// afterwards.
func (w *World) AddSession(s *Session) {
	if a := w.Account(s.Account); a != nil {
		if r := a.Roles[s.Role]; r != nil {
			s.OwnerID = r.ID
		} else if u := a.Users[s.User]; u != nil {
			s.OwnerID = u.ID
		}
	}
	w.sessions.set(s.AccessKeyID, s)
}

// Sessions returns all sessions by their access key ID, including those that have expired
// or lost their user or role.
func (w *World) Sessions() iter.Seq2[string, *Session] { return w.sessions.all }

// Session returns the session with this access key ID, read-only; nil if there
// is none.
func (w *World) Session(accessKeyID string) *Session {
	s, _ := w.sessions.get(accessKeyID)
	return s
}
