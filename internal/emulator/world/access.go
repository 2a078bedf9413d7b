package world

import (
	"strings"
	"time"
)

// UseService records that a principal called a service. It does not count as writing to
// the account.
func (w *World) UseService(principalARN, service string, use Use) {
	w.services.set(principalARN+" "+service, use)
}

// ServiceUse returns the last use of a service by a user or role.
func (w *World) ServiceUse(principalARN, service string) Use {
	use, _ := w.services.get(principalARN + " " + service)
	return use
}

// ServiceUses calls f for the last use of each service by each principal of an account,
// in no particular order.
func (w *World) ServiceUses(account string, f func(principalARN, service string, use Use)) {
	for key, use := range w.services.all {
		principalARN, service, _ := strings.Cut(key, " ")
		if strings.Contains(principalARN, "::"+account+":") {
			f(principalARN, service, use)
		}
	}
}

// An AccessJob is a report of Access Advisor.
type AccessJob struct {
	Kind     string // SERVICE_LEVEL or ACTION_LEVEL; empty: a report about the organization
	Created  time.Time
	Services []AccessedService
}

// An AccessedService is one service in a report, with the entities that used it.
type AccessedService struct {
	Namespace string
	Entities  []AccessedEntity // latest first
}

// An AccessedEntity is a user, role or account that used a service.
type AccessedEntity struct {
	Name string // its ARN, or its path in the organization
	Use  Use
}
