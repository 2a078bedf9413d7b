package fleet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/org"
)

// filter keeps the accounts that the options select. A filter that matches
// nothing is an error: a typing mistake must not look like a clean account.
// Tags come last because they take a request for each account.
func (d *Discovery) filter(o Options, tagged func(account string) (map[string]string, error)) error {
	for _, id := range append(append([]string{}, o.Accounts...), o.NotAccounts...) {
		if d.account(id) == nil {
			return fmt.Errorf("account %s is not %s", id, d.where())
		}
	}
	units, err := d.unitsBelow(o.OUs)
	if err != nil {
		return err
	}
	notUnits, err := d.unitsBelow(o.NotOUs)
	if err != nil {
		return err
	}
	if err := d.requireKnownUnits(o); err != nil {
		return err
	}
	d.Accounts = slices.DeleteFunc(d.Accounts, func(a *org.Account) bool {
		return len(o.Accounts) > 0 && !slices.Contains(o.Accounts, a.ID) ||
			slices.Contains(o.NotAccounts, a.ID) ||
			len(o.OUs) > 0 && !units[a.Unit] || notUnits[a.Unit]
	})
	if err := d.filterByTag(o, tagged); err != nil {
		return err
	}
	if len(d.Accounts) == 0 {
		return errors.New("no account matches all filters")
	}
	return nil
}

// requireKnownUnits returns an error when accounts are filtered by unit and the
// unit of one is unknown: the filter might include an account that it excludes.
func (d *Discovery) requireKnownUnits(o Options) error {
	if len(o.OUs)+len(o.NotOUs) == 0 {
		return nil
	}
	for _, a := range d.Accounts {
		if a.Unit == "" {
			return fmt.Errorf("account %s: its organizational unit could not be read, so accounts cannot be filtered by unit", a.ID)
		}
	}
	return nil
}

func (d *Discovery) filterByTag(o Options, tagged func(account string) (map[string]string, error)) error {
	if len(o.Tags)+len(o.NotTags) == 0 {
		return nil
	}
	var kept []*org.Account
	for _, a := range d.Accounts {
		tags, err := tagged(a.ID)
		if err != nil {
			return fmt.Errorf("read the tags of account %s to filter accounts by tag: %w", a.ID, err)
		}
		if (len(o.Tags) == 0 || anyTag(tags, o.Tags)) && !anyTag(tags, o.NotTags) {
			kept = append(kept, a)
		}
	}
	d.Accounts = kept
	return nil
}

// anyTag reports whether the tags match one of the filters, KEY=VALUE or KEY. Tag
// keys of Organizations are case-sensitive, unlike those of IAM. Source:
// Organizations User Guide, "Tagging AWS Organizations resources".
func anyTag(tags map[string]string, filters []string) bool {
	return slices.ContainsFunc(filters, func(filter string) bool {
		key, value, withValue := strings.Cut(filter, "=")
		have, there := tags[key]
		return there && (!withValue || have == value)
	})
}

func (d *Discovery) where() string {
	if o := d.Header.Organization; o != nil && len(d.Header.Units) > 0 {
		return "in organization " + o.ID
	}
	return "among the accounts that could be listed"
}

// unitsBelow returns the IDs of the named units and of all units below them.
func (d *Discovery) unitsBelow(names []string) (map[string]bool, error) {
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
