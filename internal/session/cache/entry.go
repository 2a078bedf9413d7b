package cache

import (
	"errors"
	"strings"
	"time"

	"forcemfa/internal/session/environ"
)

// Kinds of sessions.
const (
	// MFASession is GetSessionToken with a code: making another needs a person.
	MFASession = "mfa"
	// RoleSession is AssumeRole from another session: making another needs
	// nobody while that one lasts.
	RoleSession = "role"
	// DirectRole is AssumeRole with a code: making another needs a person.
	DirectRole = "direct"
	// SignInSession is from a sign-in with a browser: making another needs nobody until AWS
	// ends the sign-in.
	SignInSession = "sign-in"
)

// An Entry is one session.
type Entry struct {
	Kind            string
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Issued, Expires time.Time
	// RefreshToken and ProofKey renew a SignInSession.
	RefreshToken, ProofKey string

	// What follows is for people who look at the list.
	Profile string // the profile for which it was made
	Account string // account ID, where it is known
	ARN     string // of the role; of the user where it is known
	KeyID   string // the long-lived key at the root of it
	Serial  string // the MFA device at the root of it
	// Region is where the profile works, if it says so. It is kept with the
	// link, because profiles share sessions.
	Region string
	// Exec is the profile's forcemfa_exec. It is kept with the link, too.
	Exec string
	// Backend is the backend of the secret store that holds the secret access key
	// and the token; empty: the entry's file does.
	Backend string
}

// ExecProfile is the value of forcemfa_exec with which AWS tools get the name of the
// profile, and renew the session.
const ExecProfile = "profile"

const (
	// personMargin is when a session that needs a person is over for us.
	personMargin = time.Minute
	// silentMargin is when a session that needs nobody is renewed: botocore
	// begins to ask for new credentials 15 minutes before the end.
	silentMargin = 15 * time.Minute
)

// Fresh says that a session can be handed out without trying to renew it.
func (e *Entry) Fresh(now time.Time) bool {
	margin := personMargin
	if e.Silent() {
		margin = max(personMargin, min(silentMargin, e.Expires.Sub(e.Issued)/3))
	}
	return now.Add(margin).Before(e.Expires)
}

// Silent reports whether making another session needs nobody.
func (e *Entry) Silent() bool { return e.Kind == RoleSession || e.Kind == SignInSession }

// futureMargin is more than two clocks differ that are kept right.
const futureMargin = 15 * time.Minute

// FromTheFuture reports whether a session was created after now, so that this
// machine's clock is wrong.
func (e *Entry) FromTheFuture(now time.Time) bool { return e.Issued.After(now.Add(futureMargin)) }

// UsualMinLeft is how long a session must last that is handed to a command: AWS tools
// begin to renew credentials 15 minutes before their end, and a command cannot.
const UsualMinLeft = 15 * time.Minute

// Quarter is a quarter of the life of a session.
func (e *Entry) Quarter() time.Duration { return e.Expires.Sub(e.Issued) / 4 }

// Lasts reports whether a session lasts this long from now on, or a quarter of its life
// where that is shorter.
func (e *Entry) Lasts(now time.Time, need time.Duration) bool {
	return e.Expires.Sub(now) >= min(need, e.Quarter())
}

// Usable says that a session has not ended and does not end at once.
func (e *Entry) Usable(now time.Time) bool { return now.Add(personMargin).Before(e.Expires) }

func (e *Entry) record() record {
	var r record
	r.put("kind", e.Kind)
	r.put("access_key_id", e.AccessKeyID)
	if e.Backend == "" {
		r.put("secret_access_key", e.SecretAccessKey)
		r.put("session_token", e.SessionToken)
		r.put("refresh_token", e.RefreshToken)
		r.put("proof_key", e.ProofKey)
	}
	r.put("backend", e.Backend)
	r.putTime("issued", e.Issued)
	r.putTime("expires", e.Expires)
	r.put("profile", e.Profile)
	r.put("account", e.Account)
	r.put("arn", e.ARN)
	r.put("key_id", e.KeyID)
	r.put("serial", e.Serial)
	return r
}

func entryOf(r record) (*Entry, error) {
	e := &Entry{
		Kind: r.get("kind"), AccessKeyID: r.get("access_key_id"), SecretAccessKey: r.get("secret_access_key"),
		SessionToken: r.get("session_token"), Issued: r.getTime("issued"), Expires: r.getTime("expires"),
		Profile: r.get("profile"), Account: r.get("account"), ARN: r.get("arn"),
		KeyID: r.get("key_id"), Serial: r.get("serial"), Backend: r.get("backend"),
		RefreshToken: r.get("refresh_token"), ProofKey: r.get("proof_key"),
	}
	if e.AccessKeyID == "" || e.Expires.IsZero() || e.Backend == "" && !e.whole() {
		return nil, ErrCold
	}
	return e, nil
}

// whole says that an entry has its secrets.
func (e *Entry) whole() bool { return e.SecretAccessKey != "" && e.SessionToken != "" }

// look reads the entry of this name without opening a vault: one that rests
// there comes without its secrets.
func (d Dir) look(name string) (*Entry, error) {
	r, err := d.read(name + entrySuffix)
	if err != nil {
		return nil, err
	}
	return entryOf(r)
}

// Has reports whether there is an entry of a kind, also one that has expired. It opens no
// vault.
func (d Dir) Has(name, kind string) bool {
	e, err := d.look(name)
	return err == nil && e.Kind == kind
}

// Load reads the entry of this name. An error that is not ErrCold is the
// vault's.
func (d Dir) Load(name string) (*Entry, error) {
	e, err := d.look(name)
	if err != nil {
		return nil, err
	}
	return d.unseal(name, e)
}

// Store writes an entry, into the vault first where it rests there: a process
// that is killed between leaves the entry before it, or none.
func (d Dir) Store(name string, e *Entry) error {
	old, unread := d.look(name)
	if err := d.seal(name, e); err != nil {
		return err
	}
	if err := d.write(name+entrySuffix, e.record()); err != nil {
		return err
	}
	if unread == nil && old.Backend != e.Backend {
		return d.discard(name, old.Backend)
	}
	return nil
}

// Remove forgets an entry. Its file goes whatever the vault says.
func (d Dir) Remove(name string) error {
	e, unread := d.look(name)
	err := d.remove(name + entrySuffix)
	if unread == nil {
		err = errors.Join(d.discard(name, e.Backend), err)
	}
	return err
}

// A Named is an entry and its name.
type Named struct {
	Name string
	*Entry
}

// List is every entry that can be read, those that are over included. It opens
// no vault: entries that rest in one come without their secrets.
func (d Dir) List() ([]Named, error) {
	names, err := d.names(entrySuffix)
	var out []Named
	for _, name := range names {
		if e, err := d.look(name); err == nil {
			out = append(out, Named{name, e})
		}
	}
	return out, err
}

// Clear forgets the entries that match, and every file that leads to them. It
// tells how many there were. Entries that cannot be read go with the rest.
func (d Dir) Clear(match func(*Entry) bool) (int, error) {
	names, err := d.names(entrySuffix)
	n := 0
	for _, name := range names {
		if e, unread := d.look(name); unread == nil && !match(e) {
			continue
		}
		n++
		err = errors.Join(err, d.Remove(name))
	}
	links, unlisted := d.names(linkSuffix)
	err = errors.Join(err, unlisted)
	for _, name := range links {
		r, unread := d.read(name + linkSuffix)
		if unread == nil {
			if _, unread = d.look(r.get("entry")); unread == nil {
				continue
			}
		}
		err = errors.Join(err, d.remove(name+linkSuffix))
	}
	return n, errors.Join(err, d.clearKeyIDs(), d.sweepPages(time.Time{}))
}

// Sweep forgets what has been over for a day, so that the directory does not
// grow.
func (d Dir) Sweep(now time.Time) error {
	names, err := d.names(entrySuffix)
	if err != nil {
		return err
	}
	for _, name := range names {
		if e, unread := d.look(name); unread == nil && now.After(e.Expires.Add(24*time.Hour)) {
			err = errors.Join(err, d.Remove(name))
		}
	}
	return errors.Join(err, d.sweepPages(now))
}

// Variables returns a session as environment variables.
func (e *Entry) Variables(region string) []environ.Assignment {
	return environ.Session(e.AccessKeyID, e.SecretAccessKey, e.SessionToken, e.Expires, region)
}

// ProcessJSON is a session as a credential_process prints it, with a newline.
// Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
func (e *Entry) ProcessJSON() string {
	var b strings.Builder
	b.WriteString(`{"Version":1,"AccessKeyId":`)
	writeJSON(&b, e.AccessKeyID)
	b.WriteString(`,"SecretAccessKey":`)
	writeJSON(&b, e.SecretAccessKey)
	b.WriteString(`,"SessionToken":`)
	writeJSON(&b, e.SessionToken)
	b.WriteString(`,"Expiration":`)
	writeJSON(&b, e.Expires.UTC().Format(time.RFC3339))
	if e.Account != "" {
		b.WriteString(`,"AccountId":`)
		writeJSON(&b, e.Account)
	}
	b.WriteString("}\n")
	return b.String()
}

// writeJSON writes a string as JSON. Source: RFC 8259, section 7.
func writeJSON(b *strings.Builder, s string) {
	const digits = "0123456789abcdef"
	b.WriteByte('"')
	for _, c := range s { // a byte that is no UTF-8 becomes U+FFFD
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ':
			b.WriteString(`\u00`)
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
}
