package organization

import (
	"context"
	"errors"
	"testing"

	"forcemfa/internal/cli/command"
)

// Only the alias or the ID of the management account confirms a change, typed as it is. An empty answer confirms nothing,
// also in an account without an alias.
func TestOnlyTheNameOfTheAccountConfirms(t *testing.T) {
	const id = "111122223333"
	for _, row := range []struct {
		alias, answer string
		failure       error
		yes, want     bool
	}{
		{"acme", "acme", nil, false, true}, {"acme", id, nil, false, true}, {"", id, nil, false, true}, {"acme", "", nil, true, true},
		{"acme", "", nil, false, false}, {"", "", nil, false, false}, {"acme", "y", nil, false, false}, {"acme", "yes", nil, false, false},
		{"acme", "ACME", nil, false, false}, {"acme", " ", nil, false, false}, {"acme", "acme2", nil, false, false}, {"", "111122223334", nil, false, false},
		{"acme", "acme", errors.New("no terminal"), false, false},
	} {
		asked := 0
		var f Flags
		f.Env = &command.Env{Ask: func(context.Context, string) (string, error) { asked++; return row.answer, row.failure }}
		err := f.Confirm(t.Context(), row.yes, id, row.alias)
		if (err == nil) != row.want || asked > 0 == row.yes {
			t.Errorf("alias %q, answer %q, --yes %v: %v, asked %d times", row.alias, row.answer, row.yes, err, asked)
		}
		var refused *command.Error
		if err != nil && (!errors.As(err, &refused) || refused.Status != command.StatusGuarded) {
			t.Errorf("answer %q: %v", row.answer, err)
		}
	}
}
