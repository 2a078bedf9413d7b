// Package signin is AWS Sign-In of the embedded AWS: a page on which an IAM user signs in
// with account, user name, password and MFA code, and the OAuth 2.0 endpoints through
// which `aws login` gets a session from that page: PKCE, authorization code, refresh token
// and DPoP. The state of a sign-in is here; users, policies and sessions are in the cloud.
package signin

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/webpage"
	"forcemfa/internal/emulator/world"
)

//go:embed form.html
var formText string

var formPage = webpage.New(formText)

// mostAttempts bounds the sign-ins that wait for a code.
const mostAttempts = 1000

// attemptLasts is how long a sign-in waits for a code.
const attemptLasts = 10 * time.Minute

// A Form signs users in, in steps: password, then code, then a new password if it must be
// changed. It is safe for concurrent use.
type Form struct {
	cloud *emulator.Cloud

	mu       sync.Mutex
	attempts map[string]attempt // by a random ID
}

// An attempt has a correct password and waits for the MFA device, or for a new password.
// The password stays here: the page of the next step does not contain it.
type attempt struct {
	account, user, password string
	reset                   bool   // the new password is next
	code                    string // that was accepted before it
	begun                   time.Time
}

// NewForm returns a form for the users of a cloud.
func NewForm(c *emulator.Cloud) *Form { return &Form{cloud: c, attempts: map[string]attempt{}} }

// A Use is where and why the form is shown.
type Use struct {
	Action  string            // URL to which both steps are sent
	Hidden  map[string]string // fields that are sent with both steps
	Targets []string          // see [webpage.View]
	Purpose string            // for what the user signs in; empty: for this page

	Account, User, Password string        // filled in
	Aside                   template.HTML // next to the form
	ShowCodes               bool          // the codes of the user's devices, for people without an authenticator app
}

// A SignedIn is a user with a console session.
type SignedIn struct {
	Account, User string
	AccessKeyID   string // of the session
	MFA           bool
}

// A formData is what the template shows.
type formData struct {
	Use
	Error string
	// Of the second step.
	Attempt     string
	Codes, Keys bool // kinds of devices
	Shown       []ShownCode
	// Of the third step.
	Reset    bool
	Decision *emulator.Decision // that refused the change
}

// Show writes the first step.
func (f *Form) Show(w http.ResponseWriter, u Use) { f.write(w, http.StatusOK, formData{Use: u}) }

func (f *Form) write(w http.ResponseWriter, status int, d formData) {
	formPage.Write(w, status, webpage.View{Title: "Sign in", Targets: d.Targets, Data: d})
}

// Submit reads a step. When the user has not signed in yet, it writes the next page and
// returns nil.
func (f *Form) Submit(w http.ResponseWriter, r *http.Request, u Use) *SignedIn {
	a, id := f.attempt(r)
	if a == nil {
		f.write(w, http.StatusBadRequest, formData{Use: u, Error: "This sign-in has ended. Begin again."})
		return nil
	}
	u.Account, u.User = a.account, a.user
	if a.reset {
		return f.change(w, r, u, a, id)
	}
	code := strings.Join(strings.Fields(r.PostFormValue("code")), "")
	if r.PostFormValue("key") != "" {
		code = emulator.SecurityKey
	}
	account := f.accountID(a.account)
	session, err := f.cloud.SignIn(account, a.user, a.password, code)
	if err == nil {
		f.forget(id)
		return &SignedIn{account, f.userName(account, a.user), session.AccessKeyID, code != ""}
	}
	d := formData{Use: u, Error: message(err)}
	if errors.Is(err, emulator.ErrResetRequired) {
		f.forget(id)
		next := *a
		next.reset, next.code = true, code
		f.write(w, http.StatusOK, formData{Use: u, Attempt: f.remember(next), Reset: true})
		return nil
	}
	if id == "" && !errors.Is(err, emulator.ErrCodeMissing) {
		f.write(w, http.StatusForbidden, d)
		return nil
	}
	if id == "" {
		id, d.Error = f.remember(*a), ""
	}
	d.Attempt = id
	f.devices(account, &d)
	f.write(w, status(d.Error), d)
	return nil
}

func status(problem string) int {
	if problem == "" {
		return http.StatusOK
	}
	return http.StatusForbidden
}

// attempt returns the attempt of a request with its ID, which is empty for the first
// step; nil: it is unknown.
func (f *Form) attempt(r *http.Request) (*attempt, string) {
	id := r.PostFormValue("attempt")
	if id == "" {
		return &attempt{account: strings.TrimSpace(r.PostFormValue("account")), user: strings.TrimSpace(r.PostFormValue("user")), password: r.PostFormValue("password")}, ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.attempts[id]
	if !ok || f.cloud.Now().Sub(a.begun) > attemptLasts {
		return nil, id
	}
	return &a, id
}

// remember keeps an attempt for its second step.
func (f *Form) remember(a attempt) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.begun = f.cloud.Now()
	for id, old := range f.attempts {
		if a.begun.Sub(old.begun) > attemptLasts || len(f.attempts) >= mostAttempts {
			delete(f.attempts, id)
		}
	}
	id := rand.Text()
	f.attempts[id] = a
	return id
}

func (f *Form) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.attempts, id)
}

// accountID returns the ID of an account that was entered as ID or alias.
func (f *Form) accountID(entered string) (id string) {
	id = entered
	f.cloud.View(func(w *world.World) {
		for _, a := range w.Accounts() {
			if entered != "" && strings.EqualFold(w.Account(a).Alias, entered) {
				id = a
			}
		}
	})
	return id
}

// userName returns the name as it is written in IAM.
func (f *Form) userName(account, name string) string {
	f.cloud.View(func(w *world.World) { name = w.Account(account).Users[world.Fold(name)].Name })
	return name
}

// devices adds what the user can use as second factor.
func (f *Form) devices(account string, d *formData) {
	f.cloud.View(func(w *world.World) {
		for _, device := range w.Account(account).DevicesOf(d.User) {
			d.Codes, d.Keys = d.Codes || device.Kind.GivesCodes(), d.Keys || !device.Kind.GivesCodes()
			if device.Kind.GivesCodes() && d.ShowCodes {
				d.Shown = append(d.Shown, CodesOf(device, f.cloud.Now()))
			}
		}
	})
}

// message explains a refusal to the person.
func message(err error) string {
	switch {
	case errors.Is(err, emulator.ErrCodeMissing):
		return "Enter the code of the MFA device."
	case errors.Is(err, world.ErrUsedCode):
		return "This code was used before. Wait for the next one: at most 30 seconds."
	case errors.Is(err, world.ErrWrongCode):
		return "The code is wrong."
	case errors.Is(err, emulator.ErrNoSuchDevice):
		return "The user has no MFA device of this kind."
	case errors.Is(err, emulator.ErrResetRequired):
		return "The password must be changed before the user can sign in."
	case errors.Is(err, emulator.ErrExpired):
		return "The password has expired. Only an administrator can replace it."
	}
	return "The account, the user name or the password is wrong."
}
