package emulator

import (
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// Serve does work of AWS itself in an account and Region, which no call asks for: a rule
// delivers an event, a stack set follows an account. f gets a call without a caller. What
// it does is observed and recorded like other calls, after f has returned.
func (c *Cloud) Serve(account, region string, f func(*operation.Call)) {
	c.tell(c.serve(account, region, f))
}

func (c *Cloud) serve(account, region string, f func(*operation.Call)) []happening {
	c.mu.Lock()
	var all []happening
	h := hold{cloud: c}
	defer func() { h.end(all) }()
	h.changed()
	j := &job{service: services()["sts"], id: c.requestID(), from: origin{region: region}, hold: &h, happened: &all}
	f(c.call(j, world.Caller{Account: account}, c.Now()))
	h.changed()
	return all
}
