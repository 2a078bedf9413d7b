package accesskey

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"forcemfa/internal/filefault"
	"forcemfa/internal/secret"
)

// maxCSV is more than the console ever wrote.
const maxCSV = 1 << 20

// FromCSV reads a key from a file that the console wrote; user chooses one of
// several rows.
func FromCSV(path, user string) (*Found, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, filefault.Error("read", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCSV))
	if err != nil {
		return nil, filefault.Error("read", err)
	}
	keys, err := parseCSV(text, user)
	if err != nil {
		return nil, withNext(fmt.Errorf("%s: %w", path, err), "give the file as the console made it: a line of column names, then the key")
	}
	return &Found{Keys: keys, Rest: path}, nil
}

// The columns of the console's files: accessKeys.csv has the two keys,
// credentials.csv of a new user the name and more.
const (
	csvUser   = "user name"
	csvKeyID  = "access key id"
	csvSecret = "secret access key"
)

// parseCSV never quotes the text in an error: it holds a secret.
func parseCSV(text []byte, user string) (secret.Keys, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.LazyQuotes = -1, true, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return secret.Keys{}, errors.New("not a CSV file")
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range []string{csvKeyID, csvSecret} {
		if _, ok := column[name]; !ok {
			return secret.Keys{}, fmt.Errorf("no column %q", name)
		}
	}
	field := func(row []string, name string) string {
		if i, ok := column[name]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	var found []secret.Keys
	for _, row := range rows[1:] {
		if id := field(row, csvKeyID); id != "" && (user == "" || field(row, csvUser) == user) {
			found = append(found, secret.Keys{AccessKeyID: id, SecretAccessKey: secret.NewText(field(row, csvSecret)), User: field(row, csvUser)})
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return secret.Keys{}, fmt.Errorf("it holds %d keys: name the user with --user", len(found))
	case user != "":
		return secret.Keys{}, fmt.Errorf("no access key of user %s is in it", user)
	}
	return secret.Keys{}, errors.New("no access key is in it")
}
