package impact

import (
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/trail"
)

// evidenceKey is a user's access key; empty for sign-ins.
type evidenceKey struct{ user, key string }

// Bounds of the sets that are kept for each access key.
const (
	maxTools    = 16
	maxNetworks = 16
	maxServices = 32
)

// evidence is how an access key is used. It counts calls that the user made, not
// those that a service forwarded.
type evidence struct {
	counted
	tools    map[*tool]int
	networks map[string]int
	services map[string]int
	hours    [24]int // UTC
	weekend  int
	days     map[int32]struct{}
	signIns  int
	withCode int // sign-ins and calls with MFA
}

func (t *Tally) evidenceOf(user, key string) *evidence {
	k := evidenceKey{user, key}
	e := t.evidence[k]
	if e == nil {
		e = newEvidence()
		t.evidence[k] = e
	}
	return e
}

func newEvidence() *evidence {
	return &evidence{tools: map[*tool]int{}, networks: map[string]int{}, services: map[string]int{}, days: map[int32]struct{}{}}
}

// activeHours is how many hours of the day have calls.
func (e *evidence) activeHours() (active int) {
	for _, n := range e.hours {
		if n > 0 {
			active++
		}
	}
	return active
}

// bounded adds to a set unless it is full.
func bounded[K comparable](set map[K]int, most int, key K, n int) {
	if _, ok := set[key]; ok || len(set) < most {
		set[key] += n
	}
}

const daySeconds = 86400

func (e *evidence) call(t *Tally, c *trail.Call) {
	e.add(counted{1, c.Time, c.Time})
	used := t.agents[c.Agent]
	if used == nil {
		used = toolOf(c.Agent)
		if len(t.agents) < 1<<16 {
			t.agents[c.Agent] = used
		}
	}
	bounded(e.tools, maxTools, used, 1)
	if len(e.networks) < maxNetworks || e.count < 1<<12 {
		bounded(e.networks, maxNetworks, networkOf(c.Address), 1)
	}
	service, _, _ := strings.Cut(c.Source, ".")
	bounded(e.services, maxServices, service, 1)
	day := c.Time / daySeconds
	e.hours[c.Time%daySeconds/3600]++
	if weekday := time.Weekday((day + 4) % 7); weekday == time.Saturday || weekday == time.Sunday {
		e.weekend++
	}
	if len(e.days) < 400 {
		e.days[int32(day)] = struct{}{}
	}
	if c.Caller.MFA == "true" {
		e.withCode++
	}
}

func (e *evidence) signIn(c *trail.Call) {
	e.signIns++
	if c.MFAUsed == "Yes" {
		e.withCode++
	}
	bounded(e.networks, maxNetworks, networkOf(c.Address), 1)
}

func (e *evidence) merge(o *evidence) {
	if o.count > 0 {
		e.add(o.counted)
	}
	for k, n := range o.tools {
		bounded(e.tools, maxTools, k, n)
	}
	for k, n := range o.networks {
		bounded(e.networks, maxNetworks, k, n)
	}
	for k, n := range o.services {
		bounded(e.services, maxServices, k, n)
	}
	for i, n := range o.hours {
		e.hours[i] += n
	}
	maps.Copy(e.days, o.days)
	e.weekend += o.weekend
	e.signIns += o.signIns
	e.withCode += o.withCode
}

// toolNames and networkNames are sorted, the most used first.
func (e *evidence) toolNames() []string { return most(e.tools, func(t *tool) string { return t.name }) }

func (e *evidence) networkNames() []string {
	return most(e.networks, func(s string) string { return s })
}

// most returns the keys of a set, those with the highest counts first.
func most[K comparable](set map[K]int, name func(K) string) []string {
	keys := slices.SortedFunc(maps.Keys(set), func(a, b K) int {
		if d := set[b] - set[a]; d != 0 {
			return d
		}
		return strings.Compare(name(a), name(b))
	})
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = name(k)
	}
	return slices.Compact(names)
}
