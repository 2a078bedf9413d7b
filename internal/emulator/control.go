package emulator

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/share"
	"forcemfa/internal/emulator/world"
)

// A Control is a server that controls a cloud for whoever has its token.
type Control struct {
	*Server
	// Token is sent as "Authorization: Bearer TOKEN".
	Token string
}

// A ClockState is the answer of the control endpoint.
type ClockState struct {
	// Now is the time in the cloud.
	Now time.Time `json:"now"`
	// Advanced is how far the clock has been moved, as a Go duration.
	Advanced string `json:"advanced"`
}

// Control serves what a test needs to control the cloud at a loopback address, with a new
// random token:
//
//	GET, POST /clock           read the clock; {"advance":"30s"} moves it forward, never back
//	GET, PUT, DELETE /faults   read, replace and end the faults, a [fault.Plan]
//	GET /code?serial=ARN       the code that an MFA device shows by the clock
//	GET /delegation-token?request=ID   the token of a delegation request that was sent
//	GET /trail                 CloudTrail's records of the calls since the start or the reset
//	POST /reset                go back to the state of now, without sessions; the clock stays
//
// advance moves the clock: [Cloud.Move] unless something happens in the meantime.
func (c *Cloud) Control(address string, advance func(context.Context, time.Duration) error) (*Control, error) {
	c.recent.Store(&share.Records{})
	first := c.Fork()
	mux := http.NewServeMux()
	c.handleClock(mux, advance)
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, c.Faults()) })
	mux.HandleFunc("PUT /faults", c.replaceFaults)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		_ = c.SetFaults(fault.Plan{}) // fails only for a fault
		answerJSON(w, c.Faults())
	})
	mux.HandleFunc("/", nothingThere)
	mux.HandleFunc("GET /code", c.writeCode)
	mux.HandleFunc("GET /delegation-token", c.writeDelegationToken)
	mux.HandleFunc("GET /trail", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, c.recent.Load().Log()) })
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		c.reset(first)
		w.WriteHeader(http.StatusNoContent)
	})
	return serveGuarded(address, mux)
}

// controls are what [Cloud.Control] serves, with the methods.
var controls = []struct{ path, methods string }{
	{"/clock", "GET, POST"}, {"/faults", "GET, PUT, DELETE"}, {"/code", "GET"}, {"/delegation-token", "GET"}, {"/trail", "GET"}, {"/reset", "POST"},
}

// nothingThere answers a request for another path or with another method, and names those
// that there are.
func nothingThere(w http.ResponseWriter, r *http.Request) {
	var all []string
	for _, p := range controls {
		if p.path == r.URL.Path {
			w.Header().Set("Allow", p.methods)
			http.Error(w, fmt.Sprintf("%s %s: want one of %s", r.Method, p.path, p.methods), http.StatusMethodNotAllowed)
			return
		}
		all = append(all, p.path)
	}
	http.Error(w, fmt.Sprintf("%s: want one of %s", r.URL.Path, strings.Join(all, ", ")), http.StatusNotFound)
}

// ServeClock serves /clock alone, as [Cloud.Control] does, for programs that follow the
// clock of the cloud.
func (c *Cloud) ServeClock(address string) (*Control, error) {
	mux := http.NewServeMux()
	c.handleClock(mux, c.Move)
	return serveGuarded(address, mux)
}

// serveGuarded serves a handler to callers with a token of its own.
func serveGuarded(address string, handler http.Handler) (*Control, error) {
	control := &Control{Token: rand.Text()}
	server, err := Listen(address, control.guard(handler))
	control.Server = server
	return control, err
}

func (c *Cloud) handleClock(mux *http.ServeMux, advance func(context.Context, time.Duration) error) {
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, _ *http.Request) { c.writeClock(w) })
	mux.HandleFunc("POST /clock", func(w http.ResponseWriter, r *http.Request) { c.moveClock(w, r, advance) })
}

// Move moves the clock forward, as [Cloud.Advance] does.
func (c *Cloud) Move(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// guard refuses requests without the token. A web page can make a browser send
// requests to loopback, but it cannot know the token.
func (s *Control) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(token), []byte(s.Token)) != 1 {
			http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *Cloud) moveClock(w http.ResponseWriter, r *http.Request, advance func(context.Context, time.Duration) error) {
	var in struct{ Advance string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in)
	if err != nil {
		http.Error(w, `want {"advance":"30s"}`, http.StatusBadRequest)
		return
	}
	d, err := time.ParseDuration(in.Advance)
	if left := maxAdvanced - time.Duration(c.offset.Load()); err != nil || d < 0 || d > left {
		http.Error(w, fmt.Sprintf("advance %q: want a duration of 0s to %s, such as 30s or 13h", in.Advance, left), http.StatusBadRequest)
		return
	}
	before := time.Duration(c.offset.Load())
	if err := advance(r.Context(), d); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if moved := time.Duration(c.offset.Load()) - before; moved < d { // time passed by itself
		c.Advance(d - moved)
	}
	c.writeClock(w)
}

// maxAdvanced keeps the sum of all moves far from the end of time.Duration, which is
// 292 years.
const maxAdvanced = 100 * 365 * 24 * time.Hour

func (c *Cloud) writeClock(w http.ResponseWriter) {
	answerJSON(w, ClockState{Now: c.Now(), Advanced: time.Duration(c.offset.Load()).String()})
}

func answerJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // a client that went away has no use for an error
}

// largestPlan limits the body of a plan of faults.
const largestPlan = 1 << 20

func (c *Cloud) replaceFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestPlan))
	if err != nil {
		http.Error(w, "the body is larger than 1 MiB, or was cut", http.StatusBadRequest)
		return
	}
	plan, err := fault.Parse(text)
	if err == nil {
		err = c.SetFaults(plan)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answerJSON(w, c.Faults())
}

// A DeviceCode is the code that an MFA device shows.
type DeviceCode struct {
	Serial string `json:"serial"`
	Code   string `json:"code"`
	// Expires is when the device shows the next code, by the clock of the cloud.
	Expires time.Time `json:"expires"`
}

func (c *Cloud) writeCode(w http.ResponseWriter, r *http.Request) {
	serial, now := r.URL.Query().Get("serial"), c.Now()
	var code string
	var err error
	c.View(func(w *world.World) { code, err = w.Code(serial, now) })
	if err != nil {
		http.Error(w, "no MFA device that shows codes has the serial number "+strconv.Quote(serial), http.StatusNotFound)
		return
	}
	answerJSON(w, DeviceCode{serial, code, now.Truncate(30 * time.Second).Add(30 * time.Second)})
}

// A DelegationToken is what a partner would get by SNS after SendDelegationToken.
type DelegationToken struct {
	Request string `json:"request"`
	Token   string `json:"token"`
}

func (c *Cloud) writeDelegationToken(w http.ResponseWriter, r *http.Request) {
	id, token := r.URL.Query().Get("request"), ""
	c.View(func(w *world.World) {
		if d := w.Delegation(id); d != nil {
			token = d.Token
		}
	})
	if token == "" {
		http.Error(w, "no token was sent for the delegation request "+strconv.Quote(id), http.StatusNotFound)
		return
	}
	answerJSON(w, DelegationToken{id, token})
}

// reset goes back to the world of another cloud. The clock is not moved, because it never
// moves back; the plan of faults begins anew.
func (c *Cloud) reset(first *Cloud) {
	w := first.Fork().world
	c.mu.Lock()
	defer c.mu.Unlock()
	c.world, c.faults = w, faults{}
	c.generation++
	c.counts.Reset()
	if c.engine != nil {
		c.engine = fault.New(c.engine.Plan(), c.Now())
		c.skewed.Store(c.engine)
	}
	c.recent.Store(&share.Records{})
}
