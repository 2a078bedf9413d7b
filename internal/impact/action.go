package impact

import (
	"strings"

	"forcemfa/policy/catalog"
)

// An action is the IAM action that decides a call.
type action struct {
	name  string // service:Name
	known bool   // the catalog has it
}

// actionOf returns the IAM action of a recorded call.
func actionOf(source, name string) action {
	service, _, _ := strings.Cut(source, ".amazonaws.com")
	var a action
	a.name, a.known = catalog.Load().Operation(service, name)
	return a
}
