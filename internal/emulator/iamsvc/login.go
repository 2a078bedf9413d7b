package iamsvc

import (
	"crypto/subtle"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

func createLoginProfile(c *operation.Call, in *iam.CreateLoginProfileInput) (*iam.CreateLoginProfileOutput, error) {
	a := edit(c)
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	if in.Password == nil {
		// Source: IAM API Reference, CreateLoginProfile, Password: required, except
		// for the root user in a session of AssumeRoot, who is not found above.
		return nil, constraint("password", "Member must not be null")
	}
	if u.Login != nil {
		return nil, alreadyExists("Login Profile for user %s already exists.", u.Name)
	}
	if err := checkPassword(a, *in.Password); err != nil {
		return nil, err
	}
	u.Login = &world.Login{Created: c.Now, Changed: c.Now, ResetRequired: in.PasswordResetRequired, Password: *in.Password}
	return &iam.CreateLoginProfileOutput{LoginProfile: loginType(u)}, nil
}

func getLoginProfile(c *operation.Call, in *iam.GetLoginProfileInput) (*iam.GetLoginProfileOutput, error) {
	u, err := userWithLogin(c, account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.GetLoginProfileOutput{LoginProfile: loginType(u)}, nil
}

func userWithLogin(c *operation.Call, a *world.Account, name *string) (*world.User, error) {
	u, err := userOrOwn(c, a, name)
	if err != nil {
		return nil, err
	}
	if u.Login == nil {
		return nil, noSuchEntity("Login Profile for User %s cannot be found.", u.Name)
	}
	return u, nil
}

func updateLoginProfile(c *operation.Call, in *iam.UpdateLoginProfileInput) (*iam.UpdateLoginProfileOutput, error) {
	a := edit(c)
	u, err := userWithLogin(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	if in.Password != nil {
		if err := checkPassword(a, *in.Password); err != nil {
			return nil, err
		}
		u.Login.Replace(*in.Password, c.Now)
	}
	if in.PasswordResetRequired != nil {
		u.Login.ResetRequired = *in.PasswordResetRequired
	}
	return &iam.UpdateLoginProfileOutput{}, nil
}

func deleteLoginProfile(c *operation.Call, in *iam.DeleteLoginProfileInput) (*iam.DeleteLoginProfileOutput, error) {
	u, err := userWithLogin(c, edit(c), in.UserName)
	if err != nil {
		return nil, err
	}
	u.Login = nil
	return &iam.DeleteLoginProfileOutput{}, nil
}

func changePassword(c *operation.Call, in *iam.ChangePasswordInput) (*iam.ChangePasswordOutput, error) {
	a := edit(c)
	u, err := userWithLogin(c, a, nil)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(u.Login.Password), []byte(*in.OldPassword)) == 0 {
		return nil, accessDenied("The old password was incorrect.")
	}
	if err := checkPassword(a, *in.NewPassword); err != nil {
		return nil, err
	}
	if reused(a, u.Login, *in.NewPassword) {
		return nil, passwordViolation("Password does not conform to the account password policy: it was used before.")
	}
	u.Login.Replace(*in.NewPassword, c.Now)
	u.Login.ResetRequired = false
	return &iam.ChangePasswordOutput{}, nil
}

func loginType(u *world.User) *types.LoginProfile {
	return &types.LoginProfile{
		UserName: aws.String(u.Name), CreateDate: aws.Time(u.Login.Created), PasswordResetRequired: u.Login.ResetRequired,
	}
}

// checkPassword applies the account's password policy, or AWS's default: eight
// characters, and three of upper-case, lower-case, digits, symbols.
// Source: IAM User Guide, "Default password policy".
func checkPassword(a *world.Account, text string) error {
	p := a.PasswordPolicy
	upper, lower, digit, symbol := kindsOf(text)
	conforms := false
	if p == nil {
		kinds := 0
		for _, has := range []bool{upper, lower, digit, symbol} {
			if has {
				kinds++
			}
		}
		conforms = utf8.RuneCountInString(text) >= 8 && kinds >= 3
	} else {
		conforms = utf8.RuneCountInString(text) >= int(p.MinimumLength) &&
			(upper || !p.Uppercase) && (lower || !p.Lowercase) && (digit || !p.Numbers) && (symbol || !p.Symbols)
	}
	if !conforms {
		return passwordViolation("Password does not conform to the account password policy.")
	}
	return nil
}

func passwordViolation(message string) error {
	return &types.PasswordPolicyViolationException{Message: &message}
}

// reused reports whether the password policy forbids a password because the user had
// it: the current one counts.
// Source: IAM API Reference, UpdateAccountPasswordPolicy, PasswordReusePrevention.
func reused(a *world.Account, l *world.Login, password string) bool {
	if a.PasswordPolicy == nil || a.PasswordPolicy.ReusePrevention == 0 {
		return false
	}
	had := append([]string{l.Password}, l.Earlier...)
	return slices.Contains(had[:min(len(had), int(a.PasswordPolicy.ReusePrevention))], password)
}

// symbols lists the characters that count as symbols.
// Source: IAM User Guide, "Custom password policy options".
const symbols = "!@#$%^&*()_+-=[]{}|'"

func kindsOf(text string) (upper, lower, digit, symbol bool) {
	for _, r := range text {
		upper = upper || 'A' <= r && r <= 'Z'
		lower = lower || 'a' <= r && r <= 'z'
		digit = digit || '0' <= r && r <= '9'
		symbol = symbol || strings.ContainsRune(symbols, r)
	}
	return upper, lower, digit, symbol
}
