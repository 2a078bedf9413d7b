package operation

import (
	"reflect"
	"strings"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

// A Reach is what a call reads and changes.
type Reach uint8

const (
	// Everything: nothing else happens meanwhile.
	Everything Reach = iota
	// Account: that of the caller, as [world.World.Within] allows.
	Account
	// Members: the account of the caller, and of the others only what calls of reach
	// Account do not change: name, state and place in the organization. It is for
	// operations that only read.
	Members
)

// Own is the reach of an operation that concerns the account of the caller alone.
func Own(*world.World, string, any) Reach { return Account }

// Reaching sets the reach of operations that have none yet.
func Reaching(operations []Operation, reach func(w *world.World, account string, in any) Reach) []Operation {
	for i := range operations {
		if operations[i].Reach == nil {
			operations[i].Reach = reach
		}
	}
	return operations
}

// Within is an operation with the reach Account where own says that a call concerns the
// account of the caller alone.
func Within(op Operation, own func(account string, in any) bool) Operation {
	op.Reach = func(_ *world.World, account string, in any) Reach { return ReachOf(own(account, in)) }
	return op
}

// ReachOf is the reach of a call that concerns the account of the caller alone, or does not.
func ReachOf(own bool) Reach {
	if own {
		return Account
	}
	return Everything
}

// Naming is the reach of operations whose input can name a thing of another account in one
// of these members: by its ARN, because a name without the account is that of an own thing.
func Naming(members ...string) func(w *world.World, account string, in any) Reach {
	return func(_ *world.World, account string, in any) Reach {
		for _, name := range members {
			if !IsOwn(account, Member(in, name)) {
				return Everything
			}
		}
		return Account
	}
}

// IsOwn reports whether a name is that of a thing of the account: it is no ARN, or its ARN
// has this account.
func IsOwn(account, name string) bool {
	if !strings.HasPrefix(name, "arn:") {
		return true
	}
	a, ok := arn.Split(name)
	return ok && a.Account == account
}

// Member returns the text of a member of an input; empty: it has none.
func Member(in any, name string) string {
	v := reflect.Indirect(reflect.ValueOf(in))
	if v.Kind() != reflect.Struct {
		return ""
	}
	if v = reflect.Indirect(v.FieldByName(name)); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}
