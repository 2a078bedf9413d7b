package prove

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"forcemfa/policy"
)

// A Counterexample is a concrete request that is allowed without MFA, or, for a
// latent one, that nothing refuses. In JSON the credential is a word.
type Counterexample struct {
	Action     string            `json:"action"`
	Resource   string            `json:"resource"`
	Credential policy.Credential `json:"-"`
	AllowedBy  string            `json:"allowed_by,omitempty"` // the statement that allows it; empty when latent
	// Keys holds the condition keys that the sender must choose, with their
	// values: one value, except for keys that are lists.
	Keys map[string][]string `json:"keys,omitempty"`
}

// SetKeys adds the chosen keys to the context of a request.
func (w *Counterexample) SetKeys(c *policy.Context) {
	for key, values := range w.Keys {
		single, many := typeOf(strings.ToLower(key)).plurality()
		chosen := choice{key: key, values: values, many: many && !single || len(values) > 1}
		chosen.write(c)
	}
}

// String formats it as in "s3:GetObject without MFA by access key on arn:…".
func (w *Counterexample) String() string {
	s := w.Action + " without MFA by " + words[w.Credential] + " on " + w.Resource
	for _, k := range slices.Sorted(maps.Keys(w.Keys)) {
		s += ", " + k + " " + strings.Join(w.Keys[k], " and ")
	}
	return s
}

// words names the credentials that a request without MFA can have.
var words = map[policy.Credential]string{
	policy.LongTermKey:      "access key",
	policy.SessionToken:     "session",
	policy.ConsolePassword:  "console",
	policy.FederationToken:  "federation token",
	policy.ForwardedFromKey: "forwarded call",
	policy.RoleFromKey:      "role session",
	policy.ChainedRole:      "chained role session",
}

type plainCounterexample Counterexample

type counterexampleText struct {
	*plainCounterexample
	Credential string `json:"credential"`
}

// MarshalJSON writes the credential as a word.
func (w *Counterexample) MarshalJSON() ([]byte, error) {
	word, ok := words[w.Credential]
	if !ok {
		return nil, fmt.Errorf("counterexample %s: a request without MFA cannot have credential %d", w.Action, w.Credential)
	}
	return json.Marshal(counterexampleText{(*plainCounterexample)(w), word})
}

// UnmarshalJSON parses the output of MarshalJSON.
func (w *Counterexample) UnmarshalJSON(text []byte) error {
	t := counterexampleText{plainCounterexample: (*plainCounterexample)(w)}
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	for credential, word := range words {
		if word == t.Credential {
			w.Credential = credential
			return nil
		}
	}
	return fmt.Errorf("counterexample %s: unknown credential %q", w.Action, t.Credential)
}
