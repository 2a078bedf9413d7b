package engineer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// foundKeys are keys and where they were found.
type foundKeys struct {
	keys secret.Keys
	// path and section are where they can be taken out; empty when they do not
	// come from a file of AWS settings.
	path, section string
	rest          string           // what else still holds them, for the person
	comments      []awsfile.Origin // comments that look like a secret
}

// find takes the keys from where the flags say, else from the profile, else from
// the person.
func (o *importOptions) find(ctx context.Context, files *awsfile.Files) (*foundKeys, error) {
	var found *foundKeys
	var err error
	switch {
	case o.csv != "":
		found, err = fromCSV(o.csv, o.user)
	case o.fromEnv:
		found, err = o.fromEnvironment()
	case o.prompt:
		found, err = o.fromPerson(ctx)
	default:
		found, err = o.fromFiles(ctx, files)
	}
	if err != nil {
		return nil, err
	}
	return found, checkKeys(found.keys)
}

// isKeyID wants from 16 to 128 word characters, none of them a small letter: all
// identifiers that AWS makes are such, and a secret key is not.
// Source: IAM API Reference, AccessKey; IAM User Guide, "Unique identifiers".
func isKeyID(s string) bool {
	return len(s) >= 16 && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
}

func checkKeys(k secret.Keys) error {
	text := k.SecretAccessKey.Reveal()
	switch {
	case !isKeyID(k.AccessKeyID):
		// It may be a secret that was typed in the wrong place.
		return errors.New("the access key ID is not one: want 16 or more capital letters and digits, such as AKIAIOSFODNN7EXAMPLE")
	case strings.HasPrefix(k.AccessKeyID, "ASIA"):
		return command.WithHint(errors.New("the key is of a session, which ends by itself: only long-lived keys go into the store"), "name a key that begins with AKIA")
	case text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("the secret access key of %s is empty or holds a space or another character that no key has", k.AccessKeyID)
	}
	return nil
}

func (o *importOptions) fromFiles(ctx context.Context, files *awsfile.Files) (*foundKeys, error) {
	p, err := files.Profile(o.profile)
	if errors.Is(err, awsfile.ErrNoProfile) || err == nil && p.Get(awsfile.KeyIDSetting) == "" && p.Get(awsfile.SecretSetting) == "" {
		if p.Get(session.StoreSetting) != "" {
			return nil, command.WithHint(fmt.Errorf("profile %s: its key is in the %s store already", o.profile, p.Get(session.StoreSetting)), "to replace it give --prompt, --csv or --env")
		}
		if !o.env.CanAsk() {
			return nil, command.WithHint(fmt.Errorf("profile %s has no access key in %s", o.profile, files.Credentials.Path), "name another profile, or give --csv or --env")
		}
		return o.fromPerson(ctx)
	}
	if err != nil {
		return nil, err
	}
	if s, ok := p.Setting(awsfile.TokenSetting); ok && s.Value != "" {
		return nil, command.WithHint(fmt.Errorf("%s: profile %s holds a session, which ends by itself: only long-lived keys go into the store", s.Origin, o.profile), "name the profile with the long-lived key")
	}
	return onePlace(files, o.profile)
}

// onePlace is an error when the key stands in several places: what is taken out
// must be what was stored.
func onePlace(files *awsfile.Files, profile string) (*foundKeys, error) {
	var found []foundKeys
	for _, at := range []struct {
		file    *awsfile.File
		section string
	}{{files.Credentials, profile}, {files.Config, awsfile.ConfigSection(profile)}} {
		ids, texts := at.file.All(at.section, awsfile.KeyIDSetting), at.file.All(at.section, awsfile.SecretSetting)
		if len(ids) == 0 && len(texts) == 0 {
			continue
		}
		if len(ids) != 1 || len(texts) != 1 {
			return nil, severalPlaces(profile, append(ids, texts...))
		}
		found = append(found, foundKeys{
			keys: secret.Keys{AccessKeyID: ids[0].Value, SecretAccessKey: secret.NewText(texts[0].Value)},
			path: at.file.Path, section: at.section, comments: at.file.SecretComments(),
		})
	}
	if len(found) != 1 {
		return nil, command.WithHint(fmt.Errorf("profile %s has an access key in %s and in %s", profile, files.Credentials.Path, files.Config.Path), "delete the one that is not in use, then run import again")
	}
	return &found[0], nil
}

func severalPlaces(profile string, settings []awsfile.Setting) error {
	var at []string
	for _, s := range settings {
		at = append(at, s.Key+" at "+s.Origin.String())
	}
	return command.WithHint(fmt.Errorf("profile %s: want one access key with its secret, there is %s", profile, strings.Join(at, ", ")), "leave the one that is in use, then run import again")
}

// unchanged is an error when the file holds another key by now.
func (k *foundKeys) unchanged(f *awsfile.File) error {
	ids, texts := f.All(k.section, awsfile.KeyIDSetting), f.All(k.section, awsfile.SecretSetting)
	if len(ids) != 1 || len(texts) != 1 || ids[0].Value != k.keys.AccessKeyID || texts[0].Value != k.keys.SecretAccessKey.Reveal() {
		return fmt.Errorf("%s: another program changed the key meanwhile", k.path)
	}
	return nil
}

func (o *importOptions) fromEnvironment() (*foundKeys, error) {
	e := o.env
	if e.Getenv(awsfile.TokenVariable) != "" {
		return nil, command.WithHint(fmt.Errorf("%s is set, so the environment holds a session: only long-lived keys go into the store", awsfile.TokenVariable), "unset it if the key is a long-lived one")
	}
	if e.Getenv(awsfile.KeyIDVariable) == "" || e.Getenv(awsfile.SecretVariable) == "" {
		return nil, fmt.Errorf("%s and %s: both must be set", awsfile.KeyIDVariable, awsfile.SecretVariable)
	}
	return &foundKeys{
		keys: secret.Keys{AccessKeyID: e.Getenv(awsfile.KeyIDVariable), SecretAccessKey: secret.NewText(e.Getenv(awsfile.SecretVariable))},
		rest: "the environment of this shell, and what sets it",
	}, nil
}

func (o *importOptions) fromPerson(ctx context.Context) (*foundKeys, error) {
	const otherwise = "run it on a terminal, or give --csv or --env"
	if !o.env.CanAsk() {
		return nil, command.WithHint(errors.New("there is no terminal to ask on"), otherwise)
	}
	id, err := o.env.Ask(ctx, fmt.Sprintf("Access key ID of %s: ", o.profile))
	if err != nil {
		return nil, command.WithHint(err, otherwise)
	}
	found := &foundKeys{keys: secret.Keys{AccessKeyID: strings.TrimSpace(id)}}
	if !isKeyID(found.keys.AccessKeyID) {
		return found, checkKeys(found.keys)
	}
	text, err := o.env.AskSecret(ctx, "Secret access key (it is not shown): ")
	if err != nil {
		return nil, command.WithHint(err, otherwise)
	}
	found.keys.SecretAccessKey = secret.NewText(strings.TrimSpace(text))
	return found, nil
}

// maxCSV is more than the console ever wrote.
const maxCSV = 1 << 20

func fromCSV(path, user string) (*foundKeys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, command.FileError("read", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCSV))
	if err != nil {
		return nil, command.FileError("read", err)
	}
	keys, err := parseCSV(text, user)
	if err != nil {
		return nil, command.WithHint(fmt.Errorf("%s: %w", path, err), "give the file as the console made it: a line of column names, then the key")
	}
	return &foundKeys{keys: keys, rest: path}, nil
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
	if len(found) != 1 {
		return secret.Keys{}, fmt.Errorf("it holds %d keys that fit; want one: name the user with --user", len(found))
	}
	return found[0], nil
}
