package signin

import (
	"errors"
	"net/http"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator"
)

// change reads the step in which the user sets a new password.
func (f *Form) change(w http.ResponseWriter, r *http.Request, u Use, a *attempt, id string) *SignedIn {
	d := formData{Use: u, Attempt: id, Reset: true}
	change := emulator.PasswordChange{Account: f.accountID(a.account), User: a.user, Old: a.password, New: r.PostFormValue("new"), Code: a.code}
	switch {
	case change.New == "" || change.New != r.PostFormValue("again"):
		d.Error = "The two new passwords are not the same."
	case change.New == change.Old:
		d.Error = "The new password is the old one."
	}
	if d.Error != "" {
		f.write(w, http.StatusForbidden, d)
		return nil
	}
	session, decision, err := f.cloud.ChangePassword(change)
	if err == nil {
		f.forget(id)
		return &SignedIn{change.Account, f.userName(change.Account, a.user), session.AccessKeyID, a.code != ""}
	}
	d.Error = message(err)
	var api smithy.APIError
	switch {
	case decision.Refused():
		d.Error, d.Decision = "AWS refuses "+u.User+" a new password. The old one is still needed.", &decision
	case errors.As(err, &api):
		d.Error = api.ErrorMessage()
	}
	f.write(w, http.StatusForbidden, d)
	return nil
}
