package collect

import (
	"context"
	"errors"
	"time"

	"forcemfa/internal/org"

	"golang.org/x/sync/errgroup"
)

// settling is how long before a report a user may have been made and still be
// missing from it: IAM is eventually consistent.
const settling = 5 * time.Minute

var errNotInReport = errors.New("the credential report does not have this user")

// credentials fills in what users can sign in with: from the report, or by
// asking for users that it cannot know. What neither says stays unknown.
func (r *reader) credentials(ctx context.Context, report *credentialReport, virtual virtualDevices) {
	var withOther, unreported []*org.User
	for i := range r.to.Users {
		u := &r.to.Users[i]
		u.Devices = virtual.of[u.Name]
		if len(u.Devices) > 0 {
			u.MFA = org.Yes
		}
		if report == nil {
			continue
		}
		switch row := report.row(u); {
		case row != nil:
			take(u, row)
			if u.MFA == org.Yes && len(u.Devices) == 0 {
				withOther = append(withOther, u)
			}
		case report.mayMiss(u):
			unreported = append(unreported, u)
		default:
			r.fail("iam:GetCredentialReport", u.Name, errNotInReport)
		}
	}
	// A user without any device by now lost it after the report.
	forEach(ctx, withOther, r.readDevices)
	forEach(ctx, unreported, r.readPersonal)
}

// usersAtOnce is how many users of an account are asked about side by side.
const usersAtOnce = 4

func forEach(ctx context.Context, users []*org.User, read func(context.Context, *org.User)) {
	var g errgroup.Group
	g.SetLimit(usersAtOnce)
	for _, u := range users {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			read(ctx, u)
			return nil
		})
	}
	g.Wait()
}

// row is what the report says of the user; nil when it says nothing, not
// enough, or speaks of an earlier user of that name.
func (c *credentialReport) row(u *org.User) *reportRow {
	row := c.users[u.Name]
	if row == nil || !row.keysKnown || !row.created.IsZero() && !sameSecond(row.created, u.Created) {
		return nil
	}
	return row
}

// mayMiss tells whether the report cannot be expected to say enough of the
// user: it is older, or what it has of the user cannot be used.
func (c *credentialReport) mayMiss(u *org.User) bool {
	return u.Created.After(c.generated.Add(-settling)) || c.users[u.Name] != nil
}

func sameSecond(a, b time.Time) bool {
	return a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

// take copies a row. The report may be four hours old: a device that was
// listed just now counts although the report does not know it.
func take(u *org.User, row *reportRow) {
	u.Password, u.PasswordUsed, u.Keys = row.password, row.passwordUsed, row.keys
	if len(u.Devices) == 0 {
		u.MFA = row.mfa
	}
}
