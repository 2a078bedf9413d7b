package impact_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
)

// crowd is users of two accounts: quiet ones, one who calls without MFA, service accounts,
// and the owner of one.
func crowd(quiet int) (*impact.Report, []audit.User) {
	var users []audit.User
	add := func(account, name string, u audit.User) string {
		u.Account, u.Name, u.ARN, u.State = account, name, "arn:aws:iam::"+account+":user/"+name, audit.Open
		users = append(users, u)
		return u.ARN
	}
	r := &impact.Report{}
	r.Users = append(r.Users,
		impact.User{ARN: add("111122223333", "deploy", audit.User{Tags: []org.Tag{{Key: "Owner", Value: "Olga@example.com"}}}), Kind: impact.ServiceAccount, Denied: 900},
		impact.User{ARN: add("111122223333", "busy", audit.User{MFA: org.No, Console: org.Yes}), Kind: impact.Person, Denied: 20},
		impact.User{ARN: add("444455556666", "calm", audit.User{}), Kind: impact.Person, Denied: 1, RoleCalls: 4},
		impact.User{ARN: add("444455556666", "shared", audit.User{}), Kind: impact.Both, Denied: 5},
	)
	add("444455556666", "olga", audit.User{MFA: org.Yes})
	for i := range quiet {
		add("444455556666", fmt.Sprintf("q+u.%d", i), audit.User{MFA: org.Yes, Console: org.Yes})
	}
	add("111122223333", "new", audit.User{MFA: org.No, Console: org.Yes})
	return r, users
}

func propose(t *testing.T, n, quiet int) ([]impact.Wave, []audit.User) {
	t.Helper()
	r, users := crowd(quiet)
	w := impact.NewWaves(r)
	for _, u := range users {
		w.User(u)
	}
	w.User(audit.User{ARN: "arn:aws:iam::111122223333:user/done", State: audit.Enforced})
	w.User(audit.User{ARN: "arn:aws:iam::111122223333:user/robotic", State: audit.Exempt})
	return w.Propose(n, now), users
}

func TestQuietPeopleComeFirstAndOwnersOfServiceAccountsLast(t *testing.T) {
	waves, users := propose(t, 4, 7)
	var got []string
	total := 0
	for _, w := range waves {
		var names []string
		for _, u := range w.Users {
			names = append(names, u.Name)
		}
		total += len(w.Users)
		got = append(got, w.From.Format(time.DateOnly)+" "+strings.Join(names, " "))
	}
	first := now.UTC().Truncate(24 * time.Hour)
	day := func(n int) string { return first.AddDate(0, 0, 7*n).Format(time.DateOnly) }
	want := []string{day(1) + " q+u.0 q+u.1", day(2) + " q+u.2 q+u.3 q+u.4 q+u.5", day(3) + " q+u.6 new calm busy", day(4) + " olga shared deploy"}
	if !slices.Equal(got, want) || total != len(users) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The proposal is a config: each user starts on the day of its wave, whatever the number
// of waves and users.
func TestProposedWavesAreAConfig(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 52} {
		for _, quiet := range []int{0, 1, 400} {
			waves, _ := propose(t, n, quiet)
			b, err := baseline.Parse("waves.yaml", append([]byte("version: 1\n"), impact.WavesConfig(waves)...))
			if err != nil {
				t.Fatalf("%d waves: %v\n%s", n, err, impact.WavesConfig(waves))
			}
			if len(waves) > n || len(waves) == 0 {
				t.Errorf("%d waves, want at most %d", len(waves), n)
			}
			for _, w := range waves {
				for _, u := range w.Users {
					user := &org.User{Name: u.Name, ARN: u.ARN}
					at := baseline.Place{Account: u.Account}
					if b.Scheduled(at, user, w.From.Add(-time.Second)) == nil || b.Scheduled(at, user, w.From) != nil {
						t.Errorf("%s of %s does not start on %s", u.ARN, w.Name, w.From)
					}
				}
			}
		}
	}
}
