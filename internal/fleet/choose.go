package fleet

import (
	"errors"
	"fmt"
	"slices"

	"forcemfa/internal/org"
)

// choose keeps the accounts that the options select. A name that selects
// nothing is an error: a typing mistake must not look like a clean account.
func (d *Discovery) choose(o Options) error {
	for _, id := range append(append([]string{}, o.Accounts...), o.NotAccounts...) {
		if d.account(id) == nil {
			return fmt.Errorf("account %s is not %s", id, d.where())
		}
	}
	units, err := d.below(o.OUs)
	if err != nil {
		return err
	}
	d.Accounts = slices.DeleteFunc(d.Accounts, func(a *org.Account) bool {
		return len(o.Accounts) > 0 && !slices.Contains(o.Accounts, a.ID) ||
			slices.Contains(o.NotAccounts, a.ID) ||
			len(o.OUs) > 0 && !units[a.Unit]
	})
	if len(d.Accounts) == 0 {
		return errors.New("the filters leave no account")
	}
	return nil
}

func (d *Discovery) where() string {
	if o := d.Header.Organization; o != nil && len(d.Header.Units) > 0 {
		return "in organization " + o.ID
	}
	return "among the accounts that could be listed"
}

// below is the set of IDs of the named units and all units under them.
func (d *Discovery) below(names []string) (map[string]bool, error) {
	chosen := map[string]bool{}
	for _, name := range names {
		found := false
		for _, u := range d.Header.Units {
			if u.ID == name || u.Name == name {
				chosen[u.ID], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("organizational unit %q is not in the organization, or it could not be read", name)
		}
	}
	for _, u := range d.Header.Units { // parents come first
		if chosen[u.Parent] {
			chosen[u.ID] = true
		}
	}
	return chosen, nil
}
