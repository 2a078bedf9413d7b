package attack

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/org"
)

// A tryFunc is the try of a scenario.
type tryFunc = func(context.Context, *attempt) error

// byKey makes the request with the long-term access key.
func byKey(do request) tryFunc {
	return func(ctx context.Context, a *attempt) error {
		if a.Key == nil {
			return &setUpError{"use the access key of " + a.User.Name, errNone}
		}
		return do(ctx, a, a.Key)
	}
}

// byPassword makes the request in a console session that was opened with the password
// alone.
func byPassword(do request) tryFunc {
	return func(ctx context.Context, a *attempt) error {
		with, err := a.SignIn(ctx, "")
		if err != nil {
			return noCredential("console session", err)
		}
		return do(ctx, a, with)
	}
}

// bySession makes the request with a GetSessionToken session without MFA, started now
// with the access key. GetSessionToken itself needs no permission.
func bySession(do request) tryFunc {
	return byKey(func(ctx context.Context, a *attempt, key aws.CredentialsProvider) error {
		with, err := a.session(ctx, key, nil)
		if err != nil {
			return noCredential("session", err)
		}
		return barred(do(ctx, a, with))
	})
}

// byEarlierSession makes the request with such a session from before MFA was enforced.
func byEarlierSession(do request) tryFunc {
	return func(ctx context.Context, a *attempt) error {
		if a.EarlierSession == nil {
			return &setUpError{"keep a session of " + a.User.Name, errNone}
		}
		return barred(do(ctx, a, a.EarlierSession))
	}
}

// byFederation makes the request with a federation token, requested with the access key.
func byFederation(do request) tryFunc {
	return byKey(func(ctx context.Context, a *attempt, key aws.CredentialsProvider) error {
		with, err := a.federated(ctx, key)
		if err != nil {
			return noCredential("federation token", err)
		}
		return do(ctx, a, with)
	})
}

// byCode makes the request with a session that the owner starts with the access key and
// an MFA code.
func byCode(do request) tryFunc {
	return byKey(func(ctx context.Context, a *attempt, key aws.CredentialsProvider) error {
		if a.Device == nil {
			return &setUpError{"find the device of " + a.User.Name, errNone}
		}
		with, err := a.session(ctx, key, a.Device)
		if err != nil {
			return err
		}
		return do(ctx, a, with)
	})
}

// bySignIn makes the request in a console session that the owner opens with password
// and device.
func bySignIn(do request) tryFunc {
	return func(ctx context.Context, a *attempt) error {
		with, err := a.signIn(ctx)
		if err != nil {
			return err
		}
		return do(ctx, a, with)
	}
}

// signIn signs the owner in, with the device if there is one.
func (a *attempt) signIn(ctx context.Context) (aws.CredentialsProvider, error) {
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

// A condition reports whether a user has the credential that a scenario starts from.
type condition func(*Subject) bool

func and(conditions ...condition) condition {
	return func(s *Subject) bool {
		for _, c := range conditions {
			if !c(s) {
				return false
			}
		}
		return true
	}
}

func not(c condition) condition { return func(s *Subject) bool { return !c(s) } }

// enforceable reports whether the user has to be protected: it is not exempt.
func enforceable(s *Subject) bool { return !s.Exempt() }

func showsCodes(s *Subject) bool { return s.device(org.VirtualMFA, org.HardwareMFA) != "" }

// once is for scenarios that have no target to choose.
func once(has condition) func(*Subject) []string {
	return on(has, func(*Subject) []string { return []string{""} })
}

// on is for scenarios that need a credential and a target.
func on(has condition, list func(*Subject) []string) func(*Subject) []string {
	return func(s *Subject) []string {
		if !has(s) {
			return nil
		}
		return list(s)
	}
}

// one is a single target, if there is one.
func one(target func(*Subject) string) func(*Subject) []string {
	return func(s *Subject) []string {
		if t := target(s); t != "" {
			return []string{t}
		}
		return nil
	}
}

func objects(s *Subject) []string   { return s.targets.objects }
func instances(s *Subject) []string { return s.targets.instances }
func tables(s *Subject) []string    { return s.targets.tables }

var (
	other           = one(func(s *Subject) string { return s.targets.other })
	otherNoPassword = one(func(s *Subject) string { return s.targets.otherNoPassword })
	otherPassword   = one(func(s *Subject) string { return s.targets.otherPassword })
	otherNoDevice   = one(func(s *Subject) string { return s.targets.otherNoDevice })
	otherWithDevice = one(func(s *Subject) string { return s.targets.otherWithDevice })
	adminGroup      = one(func(s *Subject) string { return s.targets.adminGroup })
	editableRole    = one(func(s *Subject) string { return s.targets.editableRole })
	ownDevice       = one(func(s *Subject) string { return s.device(org.VirtualMFA, org.HardwareMFA, org.FIDO) })
	ownVirtual      = one(func(s *Subject) string { return s.device(org.VirtualMFA) })
)

// rolesHere are the roles of the user's account with one of these MFA requirements,
// rolesElsewhere those of other accounts.
func rolesHere(rules ...mfaRule) func(*Subject) []string { return rolesWhere(true, rules) }

func rolesElsewhere(rules ...mfaRule) func(*Subject) []string { return rolesWhere(false, rules) }

func rolesWhere(here bool, rules []mfaRule) func(*Subject) []string {
	return func(s *Subject) []string {
		return s.targets.roleARNs(func(r role) bool {
			if (r.account == s.User.Account) != here {
				return false
			}
			return slices.Contains(rules, r.mfa)
		})
	}
}

// rolesWithResources are the roles that require MFA in accounts with an instance and a
// table.
func rolesWithResources(s *Subject) []string {
	return s.targets.roleARNs(func(r role) bool { return r.mfa == requiresMFA && r.instance != "" && r.table != "" })
}

// memberAccounts are accounts whose root user the user's account can act as.
func memberAccounts(s *Subject) []string { return s.targets.members }

// guardedRoles are roles that only administrators of forcemfa may create.
func guardedRoles(s *Subject) []string { return s.Enforcement.GuardedRoles }

// guardedRolesThatExist are those of them that are in the account.
func guardedRolesThatExist(s *Subject) []string {
	return slices.DeleteFunc(slices.Clone(s.Enforcement.GuardedRoles), func(arn string) bool {
		return !slices.Contains(s.targets.ownRoles, arn)
	})
}

func rolesRequiringMFA(s *Subject) []string {
	return s.targets.roleARNs(func(r role) bool { return r.mfa == requiresMFA })
}

func rolesWithoutMFA(s *Subject) []string {
	return s.targets.roleARNs(func(r role) bool { return r.mfa < requiresMFA })
}
