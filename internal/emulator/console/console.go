// Package console is a small web console of the embedded AWS. A person signs in as an
// IAM user, tries a few actions, sees which are refused and by which statement, enrolls an
// MFA device, and signs in again with it.
package console

import (
	"crypto/rand"
	_ "embed"
	"net/http"
	"net/url"
	"sync"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/signin"
	"forcemfa/internal/emulator/webpage"
	"forcemfa/internal/emulator/world"
)

//go:embed console.html
var consoleText string

var consolePage = webpage.New(consoleText)

// A Server serves the console.
type Server struct {
	*emulator.Server
	// URL is the address of the console. It contains a secret, because the console shows
	// the passwords of the organization.
	URL string
}

// Listen serves the console of a cloud at a loopback address.
func Listen(c *emulator.Cloud, address string) (*Server, error) {
	base := "/" + rand.Text() + "/"
	server, err := emulator.Listen(address, newHandler(c, base))
	if err != nil {
		return nil, err
	}
	return &Server{server, server.Endpoint + base}, nil
}

// mostVisits bounds the browsers that are signed in.
const mostVisits = 100

// A handler serves the console below the path base.
type handler struct {
	cloud *emulator.Cloud
	form  *signin.Form
	base  string

	mu     sync.Mutex
	visits map[string]*visit // by the value of the cookie
}

// A visit is a browser that is signed in.
type visit struct {
	signin.SignedIn

	mu      sync.Mutex
	tried   []attempt // newest first
	pending *device   // created and not enabled
	problem string    // with the codes of pending
	enabled bool      // a device was enabled in this visit
}

// newHandler returns the handler of the pages below a path.
func newHandler(c *emulator.Cloud, base string) http.Handler {
	h := &handler{cloud: c, form: signin.NewForm(c), base: base, visits: map[string]*visit{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"{$}", h.show)
	mux.HandleFunc("POST "+base+"sign-in", h.signIn)
	mux.HandleFunc("POST "+base+"sign-out", h.signOut)
	mux.HandleFunc("POST "+base+"try", h.signedIn(h.try, "#result"))
	mux.HandleFunc("POST "+base+"enroll", h.signedIn(h.enroll, "#device"))
	mux.HandleFunc("POST "+base+"enable", h.signedIn(h.enable, "#device"))
	return webpage.Protect(mux)
}

// cookie is the name of the cookie. Its path is that of this console, so two consoles on
// one machine do not disturb each other.
const cookie = "visit"

// visit returns the visit of a request; nil: the browser is not signed in.
func (h *handler) visit(r *http.Request) *visit {
	c, err := r.Cookie(cookie)
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.visits[c.Value]
}

// signedIn runs f for a browser that is signed in, and goes back to a part of the page.
func (h *handler) signedIn(f func(*visit, world.Caller, *http.Request), part string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if v := h.visit(r); v != nil {
			if caller, err := h.cloud.Caller(v.AccessKeyID); err == nil {
				v.mu.Lock()
				f(v, caller, r)
				v.mu.Unlock()
			}
		}
		http.Redirect(w, r, h.base+part, http.StatusSeeOther)
	}
}

func (h *handler) signIn(w http.ResponseWriter, r *http.Request) {
	who := h.form.Submit(w, r, h.use(r))
	if who == nil {
		return
	}
	id := rand.Text()
	h.mu.Lock()
	for old := range h.visits {
		if len(h.visits) >= mostVisits {
			delete(h.visits, old)
		}
	}
	h.visits[id] = &visit{SignedIn: *who}
	h.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: id, Path: h.base, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, h.base, http.StatusSeeOther)
}

// signOut ends the visit, and fills in the same user for the next one.
func (h *handler) signOut(w http.ResponseWriter, r *http.Request) {
	to := h.base
	if v := h.visit(r); v != nil {
		to += "?" + url.Values{"account": {v.Account}, "user": {v.User}}.Encode()
	}
	if c, err := r.Cookie(cookie); err == nil {
		h.mu.Lock()
		delete(h.visits, c.Value)
		h.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: h.base, MaxAge: -1})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// use returns the sign-in form, filled in for the user that the query names.
func (h *handler) use(r *http.Request) signin.Use {
	q := r.URL.Query()
	u := signin.Use{Action: h.base + "sign-in", Account: q.Get("account"), User: q.Get("user"), ShowCodes: true}
	u.Password = passwordOf(h.cloud, u.Account, u.User)
	u.Aside = consolePage.Fragment("people", h.people())
	return u
}

// A consoleData is what the page of a visit shows.
type consoleData struct {
	signin.SignedIn
	AccountName string
	Actions     []action
	Tried       []attempt
	Devices     []string // serial numbers
	Pending     *device
	Shown       signin.ShownCode // of the pending device
	Problem     string
	Enabled     bool
}

func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	v := h.visit(r)
	if v != nil {
		if _, err := h.cloud.Caller(v.AccessKeyID); err != nil { // expired, or the user is gone
			v = nil
		}
	}
	if v == nil {
		h.form.Show(w, h.use(r))
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	d := consoleData{SignedIn: v.SignedIn, Actions: actions, Tried: v.tried, Pending: v.pending, Problem: v.problem, Enabled: v.enabled}
	h.cloud.View(func(w *world.World) {
		a := w.Account(v.Account)
		d.AccountName = a.Name
		for _, device := range a.DevicesOf(v.User) {
			d.Devices = append(d.Devices, device.Serial)
		}
		if v.pending != nil && a.Devices[v.pending.Serial] != nil {
			d.Shown = signin.CodesOf(a.Devices[v.pending.Serial], h.cloud.Now())
		}
	})
	consolePage.Write(w, http.StatusOK, webpage.View{Title: v.User, Data: d})
}
