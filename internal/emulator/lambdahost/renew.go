package lambdahost

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// A renewal is the client context of an event for a program that can be renewed: the ID of
// the instance and its environment.
type renewal struct {
	Custom struct {
		Instance string `json:"instance"`
	} `json:"custom"`
	Env map[string]string `json:"env"`
}

func renew(id string, env []string) (string, error) {
	r := renewal{Env: map[string]string{}}
	r.Custom.Instance = id
	for _, line := range env {
		name, value, _ := strings.Cut(line, "=")
		r.Env[name] = value
	}
	text, err := json.Marshal(r)
	return string(text), err
}

// Renewed returns the ID of the instance that an event is for and the variables of its
// environment, in a program of a host that renews its processes. ok is false elsewhere.
func Renewed(ctx context.Context) (id string, getenv func(string) string, ok bool) {
	c, ok := lambdacontext.FromContext(ctx)
	if !ok || c.ClientContext.Custom["instance"] == "" {
		return "", nil, false
	}
	env := c.ClientContext.Env
	return c.ClientContext.Custom["instance"], func(name string) string { return env[name] }, true
}
