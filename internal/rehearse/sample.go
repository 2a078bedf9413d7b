package rehearse

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/audit"
)

// sampled are at most n of the users, the same ones in every run: first one of each shape,
// which is what attacks and expected access depend on, then others. Zero is all users.
func sampled(users []audit.User, n int) []audit.User {
	if n <= 0 || n >= len(users) {
		return users
	}
	type ranked struct {
		user  audit.User
		round int // how many users of its shape come before it
		order string
	}
	all := make([]ranked, 0, len(users))
	for _, u := range users {
		sum := sha256.Sum256([]byte(u.ARN))
		all = append(all, ranked{user: u, order: string(sum[:])})
	}
	slices.SortFunc(all, func(a, b ranked) int { return strings.Compare(a.order, b.order) })
	seen := map[string]int{}
	for i := range all {
		key := shape(&all[i].user)
		all[i].round = seen[key]
		seen[key]++
	}
	exemptLast := func(r ranked) int { // exempt users are not attacked
		if r.user.State == audit.Exempt {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Or(a.round-b.round, exemptLast(a)-exemptLast(b)) })
	chosen := make([]audit.User, 0, n)
	for _, r := range all[:n] {
		chosen = append(chosen, r.user)
	}
	return chosen
}

// shape is the same for users with the same kinds of credentials, device and state.
func shape(u *audit.User) string {
	kind := ""
	for _, d := range u.Devices {
		kind += string(d.Kind) + " "
	}
	return fmt.Sprint(u.State, u.NotExploitable, u.MFA, kind, u.Console, min(u.ActiveKeys, 1), u.Boundary != "", u.Window != "", u.ExemptBy != nil && u.ExemptBy.BreakGlass)
}
