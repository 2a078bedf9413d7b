package collect

import (
	"context"
	"errors"
	"time"

	"forcemfa/internal/org"

	"golang.org/x/sync/errgroup"
)

var errNotInReport = errors.New("the credential report does not contain this user")

// credentials reads the credentials of the users from the report. A user that the
// report cannot cover costs at most one request, for the devices: the password and
// keys stay unknown until [Detail] reads them. With all it costs three, and nothing
// stays unknown.
func (r *reader) credentials(ctx context.Context, report *credentialReport, virtual virtualDevices, all bool) {
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
			copyRow(u, row)
			if u.MFA == org.Yes && len(u.Devices) == 0 {
				withOther = append(withOther, u)
			}
		case report.mayMiss(u) && all:
			unreported = append(unreported, u)
		case report.mayMiss(u):
			if u.MFA != org.Yes {
				withOther = append(withOther, u)
			}
		default:
			r.fail("iam:GetCredentialReport", u.Name, errNotInReport)
		}
	}
	// A user of the report without a device now lost it after the report.
	forEach(ctx, withOther, r.readDevices)
	forEach(ctx, unreported, r.readCredentials)
}

// usersAtOnce is how many users of an account are read at the same time.
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

// row returns the user's row of the report; nil when there is none, when it is
// incomplete, or when it belongs to an earlier user of the same name.
func (c *credentialReport) row(u *org.User) *reportRow {
	row := c.users[u.Name]
	if row == nil || !row.keysKnown || !row.created.IsZero() && !sameSecond(row.created, u.Created) {
		return nil
	}
	return row
}

// mayMiss reports whether the report cannot cover the user: it is older than the
// user, or the user's row is unusable.
func (c *credentialReport) mayMiss(u *org.User) bool {
	return org.NewerThan(c.generated, u) || c.users[u.Name] != nil
}

func sameSecond(a, b time.Time) bool {
	return a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

// copyRow copies a row into the user. The report may be four hours old, so a
// device that was listed now counts even if the report does not contain it.
func copyRow(u *org.User, row *reportRow) {
	u.Password, u.PasswordUsed, u.PasswordExpires, u.Keys = row.password, row.passwordUsed, row.expires, row.keys
	if len(u.Devices) == 0 {
		u.MFA = row.mfa
	}
}
