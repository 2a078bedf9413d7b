package emulator

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Control is a server that moves a cloud's clock for whoever has its token.
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

// Control serves the cloud's clock at a loopback address, with a new random token:
// GET /clock reads it, POST /clock with {"advance":"30s"} moves it forward. It
// never moves back, because AWS's does not.
func (c *Cloud) Control(address string) (*Control, error) {
	control := &Control{Token: rand.Text()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, _ *http.Request) { c.writeClock(w) })
	mux.HandleFunc("POST /clock", c.moveClock)
	server, err := listenLoopback(address, control.guard(mux))
	control.Server = server
	return control, err
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

func (c *Cloud) moveClock(w http.ResponseWriter, r *http.Request) {
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
	c.Advance(d)
	c.writeClock(w)
}

// maxAdvanced keeps the sum of all moves far from the end of time.Duration, which is
// 292 years.
const maxAdvanced = 100 * 365 * 24 * time.Hour

func (c *Cloud) writeClock(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ClockState{Now: c.Now(), Advanced: time.Duration(c.offset.Load()).String()}) // a client that went away has no use for an error
}
