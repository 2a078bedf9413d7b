package iamsvc

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// createAccountAlias sets the alias of the account, which no other account may
// have, and replaces an earlier one.
func createAccountAlias(c *operation.Call, in *iam.CreateAccountAliasInput) (*iam.CreateAccountAliasOutput, error) {
	for _, id := range c.World.Accounts() {
		if c.World.Account(id).Alias == *in.AccountAlias {
			return nil, alreadyExists("The account alias %s already exists.", *in.AccountAlias)
		}
	}
	edit(c).Alias = *in.AccountAlias
	return &iam.CreateAccountAliasOutput{}, nil
}

func listAccountAliases(c *operation.Call, in *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	l := listing[string]{operation: "ListAccountAliases", items: []string{}, key: same}
	if alias := account(c).Alias; alias != "" {
		l.items = append(l.items, alias)
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAccountAliasesOutput{AccountAliases: p.items, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func deleteAccountAlias(c *operation.Call, in *iam.DeleteAccountAliasInput) (*iam.DeleteAccountAliasOutput, error) {
	if account(c).Alias != *in.AccountAlias {
		return nil, noSuchEntity("The account alias %s cannot be found.", *in.AccountAlias)
	}
	edit(c).Alias = ""
	return &iam.DeleteAccountAliasOutput{}, nil
}

// getAccountSummary returns the quotas of the account and their usage.
func getAccountSummary(c *operation.Call, _ *iam.GetAccountSummaryInput) (*iam.GetAccountSummaryOutput, error) {
	a := account(c)
	summary := map[string]int32{
		"Users":                             int32(len(a.Users)),
		"Groups":                            int32(len(a.Groups)),
		"Roles":                             int32(len(a.ListedRoles())),
		"Policies":                          int32(len(a.Policies)),
		"PolicyVersionsInUse":               int32(versionsInUse(a)),
		"MFADevices":                        0,
		"MFADevicesInUse":                   0,
		"AccountMFAEnabled":                 flag(a.Root.MFA),
		"AccountAccessKeysPresent":          flag(a.Root.AccessKeys > 0),
		"AccountPasswordPresent":            flag(a.Root.Password),
		"AccountSigningCertificatesPresent": 0,
		"ServerCertificates":                int32(len(a.ServerCertificates)),
		"InstanceProfiles":                  int32(len(a.InstanceProfiles)),
		"Providers":                         int32(len(a.OIDCProviders) + len(a.SAMLProviders)),
		"GlobalEndpointTokenVersion":        int32(max(a.TokenVersion, 1)),
	}
	for _, d := range a.Devices {
		summary["MFADevices"] += flag(d.Kind == org.VirtualMFA)
		summary["MFADevicesInUse"] += flag(d.User != "")
	}
	for _, name := range world.QuotaNames() {
		summary[name] = int32(a.Quota(name))
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: summary}, nil
}

func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

func getAccountPasswordPolicy(c *operation.Call, _ *iam.GetAccountPasswordPolicyInput) (*iam.GetAccountPasswordPolicyOutput, error) {
	p := account(c).PasswordPolicy
	if p == nil {
		return nil, noPasswordPolicy(c)
	}
	t := &types.PasswordPolicy{
		MinimumPasswordLength: aws.Int32(p.MinimumLength), AllowUsersToChangePassword: p.UsersMayChange,
		RequireSymbols: p.Symbols, RequireNumbers: p.Numbers,
		RequireUppercaseCharacters: p.Uppercase, RequireLowercaseCharacters: p.Lowercase,
		ExpirePasswords: p.MaxAge > 0, HardExpiry: aws.Bool(p.HardExpiry),
	}
	if p.MaxAge > 0 {
		t.MaxPasswordAge = aws.Int32(p.MaxAge)
	}
	if p.ReusePrevention > 0 {
		t.PasswordReusePrevention = aws.Int32(p.ReusePrevention)
	}
	return &iam.GetAccountPasswordPolicyOutput{PasswordPolicy: t}, nil
}

func noPasswordPolicy(c *operation.Call) error {
	return noSuchEntity("The Password Policy with domain name %s cannot be found.", c.Caller.Account)
}

// updateAccountPasswordPolicy sets every option: options that are not given take
// their defaults, with a length of 6.
// Source: IAM API Reference, UpdateAccountPasswordPolicy.
func updateAccountPasswordPolicy(c *operation.Call, in *iam.UpdateAccountPasswordPolicyInput) (*iam.UpdateAccountPasswordPolicyOutput, error) {
	p := &world.PasswordPolicy{
		MinimumLength: 6, Symbols: in.RequireSymbols, Numbers: in.RequireNumbers,
		Uppercase: in.RequireUppercaseCharacters, Lowercase: in.RequireLowercaseCharacters,
		UsersMayChange: in.AllowUsersToChangePassword, MaxAge: aws.ToInt32(in.MaxPasswordAge),
		ReusePrevention: aws.ToInt32(in.PasswordReusePrevention), HardExpiry: aws.ToBool(in.HardExpiry),
	}
	if in.MinimumPasswordLength != nil {
		p.MinimumLength = *in.MinimumPasswordLength
	}
	edit(c).PasswordPolicy = p
	return &iam.UpdateAccountPasswordPolicyOutput{}, nil
}

func deleteAccountPasswordPolicy(c *operation.Call, _ *iam.DeleteAccountPasswordPolicyInput) (*iam.DeleteAccountPasswordPolicyOutput, error) {
	if account(c).PasswordPolicy == nil {
		return nil, noPasswordPolicy(c)
	}
	edit(c).PasswordPolicy = nil
	return &iam.DeleteAccountPasswordPolicyOutput{}, nil
}
