package emulator

import (
	"forcemfa/internal/emulator/cloudtrailsvc"
	"forcemfa/internal/emulator/record"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// OnRecord calls f with CloudTrail's record of every future call of a known caller and of
// every sign-in: reads, data events and refused calls included. f runs on the goroutine of
// the call, so possibly concurrently; nil removes f. A REST call that the cloud does not
// implement has no record, because its protocol does not name the operation.
func (c *Cloud) OnRecord(f func(*trail.Record)) {
	if f == nil {
		c.logged.Store(nil)
		return
	}
	c.logged.Store(&f)
}

// Remember adds earlier records to the Event history of their accounts.
func (c *Cloud) Remember(records []*trail.Record) (err error) {
	c.Update(func(w *world.World) { err = cloudtrailsvc.Remember(w, records...) })
	return err
}

// logs reports whether records of all calls are needed.
func (c *Cloud) logs() bool { return c.history || c.logged.Load() != nil || c.recent.Load() != nil }

// log passes records on. The lock is not held.
func (c *Cloud) log(records []*trail.Record) {
	f, recent := c.logged.Load(), c.recent.Load()
	for _, r := range records {
		if f != nil {
			(*f)(r)
		}
		if recent != nil {
			recent.Add(r)
		}
	}
}

// keep adds records to the Event history. Their accounts are locked.
func (c *Cloud) keep(records []*trail.Record) {
	if !c.history {
		return
	}
	if err := cloudtrailsvc.Remember(c.world, records...); err != nil {
		panic(err) // recorded returns only events that marshal
	}
}

// records are the records of an event: that of the account of the caller, and when a role
// of another account was assumed also that of the other account, which does not name the
// caller.
// Source: CloudTrail User Guide, "CloudTrail userIdentity element", AWSAccount, and
// "sharedEventID".
func (c *Cloud) records(e *trail.Event) []*trail.Record {
	if e == nil || !c.logs() {
		return nil
	}
	r := &e.Detail
	role, err := arn.Parse(r.Parameters.Text("roleArn"))
	if r.EventSource != "sts.amazonaws.com" || err != nil || role.Account == r.RecipientAccountID || c.world.Account(role.Account) == nil {
		return []*trail.Record{r}
	}
	r.SharedEventID = record.EventID(r.EventID)
	other := *r
	other.EventID, other.RecipientAccountID = record.EventID(r.SharedEventID), role.Account
	other.UserIdentity = trail.Identity{Type: "AWSAccount", PrincipalID: r.UserIdentity.PrincipalID, AccountID: r.UserIdentity.AccountID}
	return []*trail.Record{r, &other}
}
