package notices

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/audit"
	"forcemfa/internal/bounded"
	"forcemfa/internal/org"
)

// Contacts are names and addresses from a file, by account and user. A row without a user
// is the owner of the account, a row without an account holds for the user in every
// account.
type Contacts map[[2]string]Recipient

// columns are the columns of a file of contacts, in any order.
var columns = []string{"account", "user", "name", "address"}

// mostContacts is the maximum number of rows in a file.
const mostContacts = 1_000_000

// mostText is the maximum size of a file: those rows with 100 bytes each fit.
const mostText = 128 << 20

// ReadContacts reads a CSV file with a header: account, user, name and address. Errors
// name the line.
func ReadContacts(name string, from io.Reader) (Contacts, error) {
	text, err := bounded.ReadAll(from, mostText)
	switch {
	case errors.Is(err, bounded.ErrTooLarge):
		return nil, fmt.Errorf("%s: larger than %d MiB", name, mostText>>20)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: read the header: %w", name, plainEOF(err))
	}
	at := map[string]int{}
	for i, key := range header {
		key = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(key, "\ufeff")))
		if !slices.Contains(columns, key) {
			return nil, fmt.Errorf("%s:1: unknown column %q; the columns are %s", name, key, strings.Join(columns, ", "))
		}
		at[key] = i
	}
	if _, there := at["address"]; !there {
		return nil, fmt.Errorf("%s:1: the column address is missing", name)
	}
	all := Contacts{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err) // with the line
		}
		line, _ := r.FieldPos(0)
		if err := all.add(at, row); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if len(all) > mostContacts {
			return nil, fmt.Errorf("%s:%d: more than %d contacts", name, line, mostContacts)
		}
	}
}

func plainEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	return err
}

func (c Contacts) add(at map[string]int, row []string) error {
	cell := func(column string) string {
		i, there := at[column]
		if !there || i >= len(row) {
			return ""
		}
		return clean(row[i])
	}
	account, user, address := cell("account"), cell("user"), cell("address")
	switch {
	case account == "" && user == "":
		return errors.New("the row has neither an account nor a user")
	case !IsAddress(address):
		return fmt.Errorf("%q is not an e-mail address", address)
	}
	key := [2]string{account, strings.ToLower(user)}
	if _, twice := c[key]; twice {
		return fmt.Errorf("a second row for account %q, user %q", account, user)
	}
	c[key] = Recipient{Name: cell("name"), Address: address}
	return nil
}

func (c Contacts) owner(account string) Recipient { return c[[2]string{account, ""}] }

var addressShape = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[^@\s,;<>"]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$`)
})

// IsAddress reports whether a text is one e-mail address.
func IsAddress(s string) bool { return len(s) <= 254 && addressShape().MatchString(s) }

// recipient is whom the notice about a user is for: the row of the contacts, the tags of
// the user, or a name that is an address. For a service account the tag of its owner comes
// first.
func (c *Collection) recipient(a *org.Account, u *audit.User, service bool) Recipient {
	name := clean(cmp.Or(tag(u.Read.Tags, c.options.NameTags), u.Name))
	for _, account := range []string{a.ID, ""} {
		if r, there := c.options.Contacts[[2]string{account, strings.ToLower(u.Name)}]; there {
			return Recipient{cmp.Or(r.Name, name), r.Address}
		}
	}
	keys := c.options.AddressTags
	if service {
		keys = c.options.OwnerTags
		name = clean(tag(u.Read.Tags, keys))
	}
	address := tag(u.Read.Tags, keys)
	if !IsAddress(address) {
		address = ""
	}
	if address == "" && !service && IsAddress(u.Name) {
		address = u.Name
	}
	return Recipient{name, address}
}

// tag is the value of the first key that a user has as a tag, in any case.
func tag(tags []org.Tag, keys []string) string {
	for _, key := range keys {
		for _, t := range tags {
			if strings.EqualFold(t.Key, key) && strings.TrimSpace(t.Value) != "" {
				return strings.TrimSpace(t.Value)
			}
		}
	}
	return ""
}
