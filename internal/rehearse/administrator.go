package rehearse

import (
	"maps"
	"slices"
	"time"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// administratorOf returns a user of an account with an active access key who may do
// everything with it, or with a session with MFA; empty: there is none.
func administratorOf(w *world.World, account string) string {
	a := w.Account(account)
	for _, credential := range []policy.Credential{policy.LongTermKey, policy.SessionTokenMFA} {
		for _, name := range slices.Sorted(maps.Keys(a.Users)) {
			if u := a.Users[name]; slices.ContainsFunc(u.Keys, func(k *world.Key) bool { return k.Active }) && mayDoAll(w, account, u, credential) {
				return u.Name
			}
		}
	}
	return ""
}

// mayDoAll reports whether a user may administer IAM, the organization and member
// accounts.
func mayDoAll(w *world.World, account string, u *world.User, credential policy.Credential) bool {
	set := w.UserSet(account, u)
	x := &policy.Context{}
	x.SetMFA(credential, credential.MFA().Present, time.Unix(0, 0), time.Unix(1, 0))
	for _, action := range []string{"iam:AttachUserPolicy", "organizations:CreatePolicy", "sts:AssumeRoot"} {
		d := set.Decide(&policy.Request{
			Principal: policy.Principal{Kind: policy.IAMUser, Account: account, ARN: w.UserARN(account, u)}, Action: action, Resource: "*", Context: x,
		})
		if d.Verdict != policy.Allowed {
			return false
		}
	}
	return true
}
