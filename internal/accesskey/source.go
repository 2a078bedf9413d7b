package accesskey

import (
	"errors"
	"fmt"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// A Found is a long-lived key and the place where it was found.
type Found struct {
	Keys secret.Keys
	// Path and section are where the key can be removed; empty for a key that is
	// not in a file of AWS settings.
	Path, section string
	Rest          string           // other places that still hold the key, as text
	Comments      []awsfile.Origin // comments that look like a secret
	// session is a section with temporary credentials of another tool, which hide the
	// profile's credential_process and are removed with the key; empty: none.
	session string
}

// ErrNoKey is a profile without an access key in the AWS files.
var ErrNoKey = errors.New("no access key")

// IsID reports whether a text has the form of an access key ID: 16 to 128 word
// characters without lower-case letters. A secret key does not.
// Source: IAM API Reference, AccessKey; IAM User Guide, "Unique identifiers".
func IsID(s string) bool {
	return len(s) >= 16 && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
}

// Check returns an error for keys that cannot be a long-lived access key. The
// error never holds the secret.
func Check(k secret.Keys) error {
	text := k.SecretAccessKey.Reveal()
	switch {
	case !IsID(k.AccessKeyID):
		// It may be a secret that was typed in the wrong place.
		return errors.New("the access key ID is not valid: it consists of 16 or more capital letters and digits, such as AKIAIOSFODNN7EXAMPLE")
	case awsfile.TemporaryID(k.AccessKeyID):
		return withNext(errors.New("the key belongs to temporary credentials, which expire: only long-lived keys go into the store"), "name a key that begins with AKIA")
	case text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("the secret access key of %s is empty or contains a character that no key has, such as a space", k.AccessKeyID)
	}
	return nil
}

// FromFiles reads the key of a profile from the AWS files. The error is ErrNoKey
// if there is none and no secret store holds it.
func FromFiles(files *awsfile.Files, profile string) (*Found, error) {
	p, err := files.Profile(profile)
	if errors.Is(err, awsfile.ErrNoProfile) || err == nil && p.Get(awsfile.KeyIDSetting) == "" && p.Get(awsfile.SecretSetting) == "" {
		if p.Get(session.StoreSetting) != "" {
			return nil, withNext(fmt.Errorf("profile %s: its key is in the %s store already", profile, p.Get(session.StoreSetting)), "to replace it give --prompt, --csv or --env")
		}
		next := "name another profile, or give --csv or --env"
		if err != nil {
			next = files.DidYouMean(profile, next)
		}
		return nil, &session.Problem{
			Sentence: fmt.Sprintf("profile %s has no access key in %s", profile, files.Credentials.Path), Next: next, Err: ErrNoKey,
		}
	}
	if err != nil {
		return nil, err
	}
	if p.Temporary() {
		if _, ok := files.Credentials.Section(profile + longTerm); ok {
			return nil, withNext(fmt.Errorf("%s: profile %s holds temporary credentials of aws-mfa", p.Origin, profile), fmt.Sprintf("run \"forcemfa import %s --from aws-mfa\"", awsfile.Argument(profile)))
		}
		return nil, withNext(fmt.Errorf("%s: profile %s holds temporary credentials, which expire: only long-lived keys go into the store", p.Origin, profile), "name the profile with the long-lived key")
	}
	return onePlace(files, profile)
}

// onePlace returns an error if the key is in several places: the key that is
// removed must be the key that was stored.
func onePlace(files *awsfile.Files, profile string) (*Found, error) {
	var found []Found
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
		found = append(found, Found{
			Keys: secret.Keys{AccessKeyID: ids[0].Value, SecretAccessKey: secret.NewText(texts[0].Value)},
			Path: at.file.Path, section: at.section, Comments: at.file.SecretComments(),
		})
	}
	if len(found) != 1 {
		return nil, withNext(fmt.Errorf("profile %s has an access key in %s and in %s", profile, files.Credentials.Path, files.Config.Path), "delete the one that is not in use, then run import again")
	}
	return &found[0], nil
}

func severalPlaces(profile string, settings []awsfile.Setting) error {
	var at []string
	for _, s := range settings {
		at = append(at, s.Key+" at "+s.Origin.String())
	}
	return withNext(fmt.Errorf("profile %s must have one access key with its secret, but has %s", profile, strings.Join(at, ", ")), "keep the one that is in use, then run import again")
}

// unchanged returns an error if the file holds another key now.
func (k *Found) unchanged(f *awsfile.File) error {
	ids, texts := f.All(k.section, awsfile.KeyIDSetting), f.All(k.section, awsfile.SecretSetting)
	if len(ids) != 1 || len(texts) != 1 || ids[0].Value != k.Keys.AccessKeyID || texts[0].Value != k.Keys.SecretAccessKey.Reveal() {
		return fmt.Errorf("%s: another program changed the key meanwhile", k.Path)
	}
	return nil
}

func (k *Found) remove(f *awsfile.File) {
	f.Unset(k.section, awsfile.KeyIDSetting)
	f.Unset(k.section, awsfile.SecretSetting)
	if k.session != "" {
		f.UnsetAll(k.session, awsMFASettings...)
	}
}

// FromEnvironment reads the key from the variables of the AWS CLI.
func FromEnvironment(getenv func(string) string) (*Found, error) {
	for _, token := range []string{awsfile.TokenVariable, awsfile.OldTokenVariable} {
		if getenv(token) != "" {
			return nil, withNext(fmt.Errorf("%s is set, so the environment holds temporary credentials: only long-lived keys go into the store", token), "unset it if the key is a long-lived one")
		}
	}
	if getenv(awsfile.KeyIDVariable) == "" || getenv(awsfile.SecretVariable) == "" {
		return nil, fmt.Errorf("%s and %s: both must be set", awsfile.KeyIDVariable, awsfile.SecretVariable)
	}
	return &Found{
		Keys: secret.Keys{AccessKeyID: getenv(awsfile.KeyIDVariable), SecretAccessKey: secret.NewText(getenv(awsfile.SecretVariable))},
		Rest: "the environment of this shell, and what sets it",
	}, nil
}
