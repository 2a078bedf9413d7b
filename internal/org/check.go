package org

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/policy/arn"
)

// An order checks that accounts come by ascending ID.
type order struct {
	last  string
	count int
}

func (o *order) next(a *Account) error {
	if a == nil || !arn.IsAccountID(a.id()) {
		return fmt.Errorf("account %q: an account ID has 12 digits", a.id())
	}
	switch {
	case a.ID == o.last:
		return fmt.Errorf("account %s is there twice", a.ID)
	case a.ID < o.last:
		return fmt.Errorf("account %s comes after %s; accounts are ordered by ID", a.ID, o.last)
	}
	o.last = a.ID
	o.count++
	if err := a.check(); err != nil {
		return fmt.Errorf("account %s: %w", a.ID, err)
	}
	return nil
}

// end checks the number of accounts against what the header told, 0 when it
// told nothing.
func (o *order) end(told int) error {
	if told != 0 && told != o.count {
		return fmt.Errorf("the header says %d accounts, the file has %d; take the snapshot again", told, o.count)
	}
	return nil
}

func (a *Account) id() string {
	if a == nil {
		return ""
	}
	return a.ID
}

func (h *Header) check() error {
	units := map[string]bool{}
	for _, u := range h.Units {
		switch {
		case units[u.ID]:
			return fmt.Errorf("unit %s is there twice", u.ID)
		case u.Parent != "" && !units[u.Parent]:
			return fmt.Errorf("unit %s comes before its parent %q", u.ID, u.Parent)
		}
		units[u.ID] = true
	}
	if err := first(once("SCP", h.SCPs), once("RCP", h.RCPs), partition(h.Partition)); err != nil {
		return err
	}
	if o := h.Organization; o != nil && o.ManagementAccount != "" && !arn.IsAccountID(o.ManagementAccount) {
		return fmt.Errorf("the management account is %q, which is not an account ID of 12 digits", o.ManagementAccount)
	}
	if h.Accounts < 0 {
		return fmt.Errorf("%d accounts", h.Accounts)
	}
	return nil
}

// once refuses two policies with the same ID.
func once(what string, policies []SCP) error {
	ids := map[string]bool{}
	for _, p := range policies {
		if ids[p.ID] {
			return fmt.Errorf("%s %s is there twice", what, p.ID)
		}
		ids[p.ID] = true
	}
	return nil
}

// check refuses what would make a look-up miss something that is there, and
// values that no version of this program writes.
func (a *Account) check() error {
	return first(
		partition(a.Partition),
		a.knowsState(),
		each(a.Users, func(u User) error { return a.owns("user", u.Name, u.ARN) }),
		each(a.Groups, func(g Group) error { return a.owns("group", g.Name, g.ARN) }),
		each(a.Roles, func(r Role) error { return a.owns("role", r.Name, r.ARN) }),
		each(a.Policies, func(p Policy) error {
			if ByAWS(p.ARN) {
				return nil
			}
			return a.owns("policy", p.Name, p.ARN)
		}),
		ascending("user", a.Users, func(u User) string { return u.Name }),
		ascending("group", a.Groups, func(g Group) string { return g.Name }),
		ascending("role", a.Roles, func(r Role) string { return r.Name }),
		ascending("policy", a.Policies, func(p Policy) string { return p.ARN }),
		known("account", a.HardExpiry),
		known("root", a.Root.MFA, a.Root.HardwareMFA, a.Root.AccessKeys, a.Root.Password),
		each(a.Users, func(u User) error {
			return first(
				known("user "+u.Name, u.Password, u.PasswordReset, u.MFA),
				each(u.Devices, func(d Device) error { return d.check(a, "user "+u.Name) }),
			)
		}),
		each(a.Unassigned, func(d Device) error { return d.check(a, "unassigned device") }),
		a.Providers.check(a),
	)
}

// knowsState refuses what cannot be a state. States that this version does not know are
// accepted.
func (a *Account) knowsState() error {
	if strings.Trim(strings.ToUpper(a.State), "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return fmt.Errorf("%q is no state of an account", a.State)
	}
	return nil
}

// partition refuses partitions that AWS does not have; empty: not told.
func partition(id string) error {
	if _, known := arn.LookupPartition(id); !known && id != "" {
		return fmt.Errorf("%q is no partition of AWS", id)
	}
	return nil
}

// owns refuses an ARN of another account, or of another thing than the one of that
// name: decisions are about the ARN, and people read the name. Empty: not told.
func (a *Account) owns(kind, name, id string) error {
	if id == "" {
		return nil
	}
	got, err := arn.Parse(id)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", kind, name, err)
	case got.Service != "iam" || got.Kind() != kind || got.Name() != name:
		return fmt.Errorf("%s %s: %s is the ARN of something else", kind, name, id)
	case got.Account != a.ID || a.Partition != "" && got.Partition != a.Partition:
		return fmt.Errorf("%s %s: %s is the ARN of another account", kind, name, id)
	}
	return nil
}

// holds refuses an ARN of another account or kind, for things whose name has slashes.
func (a *Account) holds(kind, id string) error {
	got, err := arn.Parse(id)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", kind, err)
	case got.Service != "iam" || got.Kind() != kind:
		return fmt.Errorf("%s: %s is the ARN of something else", kind, id)
	case got.Account != a.ID || a.Partition != "" && got.Partition != a.Partition:
		return fmt.Errorf("%s: %s is the ARN of another account", kind, id)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func each[T any](items []T, check func(T) error) error {
	for _, item := range items {
		if err := check(item); err != nil {
			return err
		}
	}
	return nil
}

func ascending[T any](what string, items []T, keyOf func(T) string) error {
	for i, item := range items {
		key := keyOf(item)
		if key == "" {
			return fmt.Errorf("a %s has no name", what)
		}
		if i == 0 {
			continue
		}
		switch before := keyOf(items[i-1]); strings.Compare(before, key) {
		case 0:
			return fmt.Errorf("%s %s is there twice", what, key)
		case 1:
			return fmt.Errorf("%s %s comes after %s; want them in order", what, key, before)
		}
	}
	return nil
}

func known(what string, values ...Tri) error {
	for _, v := range values {
		if v != Unknown && v != Yes && v != No {
			return fmt.Errorf("%s: %q is neither \"yes\", \"no\" nor \"\"", what, v)
		}
	}
	return nil
}

var kinds = []DeviceKind{"", VirtualMFA, HardwareMFA, FIDO, SMS}

func (d Device) check(a *Account, what string) error {
	if !slices.Contains(kinds, d.Kind) {
		return fmt.Errorf("%s: %q is no kind of MFA device", what, d.Kind)
	}
	// The serial number of a hardware device is no ARN.
	if got, err := arn.Parse(d.Serial); err == nil && (got.Account != a.ID || a.Partition != "" && got.Partition != a.Partition) {
		return fmt.Errorf("%s: %s is the ARN of another account", what, d.Serial)
	}
	return nil
}
