package doors

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/org"
)

// An attemptFunc is the Try of a door.
type attemptFunc = func(context.Context, *Attempt) error

// byKey does it with the long-term access key.
func byKey(do deed) attemptFunc {
	return func(ctx context.Context, a *Attempt) error {
		if a.Key == nil {
			return &setUpError{"steal the access key of " + a.User.Name, errNotThere}
		}
		return do(ctx, a, a.Key)
	}
}

// byPassword does it in a console session that was opened with the password
// alone.
func byPassword(do deed) attemptFunc {
	return func(ctx context.Context, a *Attempt) error {
		with, err := a.SignIn(ctx, "")
		if err != nil {
			return noCredential("console session", err)
		}
		return do(ctx, a, with)
	}
}

// byPlainSession does it with a GetSessionToken session without MFA, made now
// with the access key. GetSessionToken itself needs no permission.
func byPlainSession(do deed) attemptFunc {
	return byKey(func(ctx context.Context, a *Attempt, key aws.CredentialsProvider) error {
		with, err := a.session(ctx, key, nil)
		if err != nil {
			return noCredential("session", err)
		}
		return barred(do(ctx, a, with))
	})
}

// byFormerSession does it with such a session from before the enforcement.
func byFormerSession(do deed) attemptFunc {
	return func(ctx context.Context, a *Attempt) error {
		if a.Former == nil {
			return &setUpError{"keep a session of " + a.User.Name, errNotThere}
		}
		return barred(do(ctx, a, a.Former))
	}
}

// byFederation does it with a federation token that the key gets.
func byFederation(do deed) attemptFunc {
	return byKey(func(ctx context.Context, a *Attempt, key aws.CredentialsProvider) error {
		with, err := a.federated(ctx, key)
		if err != nil {
			return noCredential("federation token", err)
		}
		return do(ctx, a, with)
	})
}

// byCode does it with a session that the owner gets from the key and a code.
func byCode(do deed) attemptFunc {
	return byKey(func(ctx context.Context, a *Attempt, key aws.CredentialsProvider) error {
		if a.Device == nil {
			return &setUpError{"find the device of " + a.User.Name, errNotThere}
		}
		with, err := a.session(ctx, key, a.Device)
		if err != nil {
			return err
		}
		return do(ctx, a, with)
	})
}

// bySignIn does it in a console session that the owner opens with password
// and device.
func bySignIn(do deed) attemptFunc {
	return func(ctx context.Context, a *Attempt) error {
		with, err := a.signIn(ctx)
		if err != nil {
			return err
		}
		return do(ctx, a, with)
	}
}

// signIn is how the owner signs in: with the device, where there is one.
func (a *Attempt) signIn(ctx context.Context) (aws.CredentialsProvider, error) {
	code := ""
	switch {
	case a.Device != nil:
		var err error
		if code, err = a.Device.Code(); err != nil {
			return nil, err
		}
	case a.device(org.FIDO) != "":
		code = SecurityKey
	}
	return a.SignIn(ctx, code)
}

// A holder tells whether a subject has the credential that a door starts from.
type holder func(*Subject) bool

func and(holders ...holder) holder {
	return func(s *Subject) bool {
		for _, h := range holders {
			if !h(s) {
				return false
			}
		}
		return true
	}
}

func not(h holder) holder { return func(s *Subject) bool { return !h(s) } }

// target is a subject that an attacker would have to get past.
func target(s *Subject) bool { return !s.Exempt() }

func givesCodes(s *Subject) bool { return s.device(org.VirtualMFA, org.HardwareMFA) != "" }

// once is the aims of a door where there is nothing to choose.
func once(has holder) func(*Subject) []string {
	return on(has, func(*Subject) []string { return []string{""} })
}

// on is the aims of a door that needs a credential and something to aim at.
func on(has holder, aims func(*Subject) []string) func(*Subject) []string {
	return func(s *Subject) []string {
		if !has(s) {
			return nil
		}
		return aims(s)
	}
}

// one aims at a single thing, where there is one.
func one(aim func(*Subject) string) func(*Subject) []string {
	return func(s *Subject) []string {
		if a := aim(s); a != "" {
			return []string{a}
		}
		return nil
	}
}

func objects(s *Subject) []string   { return s.Aims.Objects }
func instances(s *Subject) []string { return s.Aims.Instances }
func tables(s *Subject) []string    { return s.Aims.Tables }

var (
	peer        = one(func(s *Subject) string { return s.Aims.Peer })
	newcomer    = one(func(s *Subject) string { return s.Aims.Newcomer })
	colleague   = one(func(s *Subject) string { return s.Aims.Colleague })
	unprotected = one(func(s *Subject) string { return s.Aims.Unprotected })
	protected   = one(func(s *Subject) string { return s.Aims.Protected })
	adminGroup  = one(func(s *Subject) string { return s.Aims.AdminGroup })
	roleOwned   = one(func(s *Subject) string { return s.Aims.RoleOwned })
	ownDevice   = one(func(s *Subject) string { return s.device(org.VirtualMFA, org.HardwareMFA, org.FIDO) })
	ownVirtual  = one(func(s *Subject) string { return s.device(org.VirtualMFA) })
)

// rolesHere are the roles of the user's account with this guard; rolesElsewhere
// those of other accounts.
func rolesHere(guards ...Guard) func(*Subject) []string { return rolesWhere(true, guards) }

func rolesElsewhere(guards ...Guard) func(*Subject) []string { return rolesWhere(false, guards) }

func rolesWhere(here bool, guards []Guard) func(*Subject) []string {
	return func(s *Subject) []string {
		return s.Aims.roles(func(r Role) bool {
			if (r.Account == s.User.Account) != here {
				return false
			}
			for _, g := range guards {
				if r.Guard == g {
					return true
				}
			}
			return false
		})
	}
}

// rolesToRuin are the roles with MFA in accounts that hold an instance and a
// table.
func rolesToRuin(s *Subject) []string {
	return s.Aims.roles(func(r Role) bool { return r.Guard == Guarded && r.Instance != "" && r.Table != "" })
}

func rolesBehindMFA(s *Subject) []string {
	return s.Aims.roles(func(r Role) bool { return r.Guard == Guarded })
}

func rolesOpen(s *Subject) []string {
	return s.Aims.roles(func(r Role) bool { return r.Guard < Guarded })
}
