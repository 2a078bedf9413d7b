package world

import (
	"maps"

	"forcemfa/internal/org"
)

// Names of IAM's quotas, as in GetAccountSummary.
const (
	QuotaUsers               = "UsersQuota"
	QuotaGroups              = "GroupsQuota"
	QuotaRoles               = "RolesQuota"
	QuotaPolicies            = "PoliciesQuota"
	QuotaPolicySize          = "PolicySizeQuota"
	QuotaUserPolicySize      = "UserPolicySizeQuota"
	QuotaGroupPolicySize     = "GroupPolicySizeQuota"
	QuotaRolePolicySize      = "RolePolicySizeQuota"
	QuotaTrustSize           = "AssumeRolePolicySizeQuota"
	QuotaAttachedToUser      = "AttachedPoliciesPerUserQuota"
	QuotaAttachedToGroup     = "AttachedPoliciesPerGroupQuota"
	QuotaAttachedToRole      = "AttachedPoliciesPerRoleQuota"
	QuotaGroupsPerUser       = "GroupsPerUserQuota"
	QuotaVersionsPerPolicy   = "VersionsPerPolicyQuota"
	QuotaVersionsInUse       = "PolicyVersionsInUseQuota"
	QuotaAccessKeysPerUser   = "AccessKeysPerUserQuota"
	QuotaCertificatesPerUser = "SigningCertificatesPerUserQuota"
	QuotaServerCertificates  = "ServerCertificatesQuota"
	QuotaInstanceProfiles    = "InstanceProfilesQuota"
	QuotaOIDCProviders       = "OpenIDConnectProvidersQuota" // not in GetAccountSummary, as are the next three
	QuotaSAMLProviders       = "SAMLProvidersQuota"
	QuotaClientIDs           = "ClientIDsPerOpenIDConnectProviderQuota"
	QuotaThumbprints         = "ThumbprintsPerOpenIDConnectProviderQuota"
	QuotaMFADevicesPerUser   = "MFADevicesPerUserQuota"             // not in GetAccountSummary
	QuotaSSHKeysPerUser      = "SSHPublicKeysPerUserQuota"          // not in GetAccountSummary
	QuotaServiceCredentials  = "ServiceSpecificCredentialsPerQuota" // a service and user; not in GetAccountSummary
	QuotaTags                = "TagsQuota"                          // per user, role, policy, device; not in GetAccountSummary
)

// defaults lists the quotas of an account without increases.
// Source: IAM User Guide, "IAM and AWS STS quotas"; General Reference, IAM.
var defaults = map[string]int32{
	QuotaUsers:               5000,
	QuotaGroups:              300,
	QuotaRoles:               1000,
	QuotaPolicies:            1500,
	QuotaPolicySize:          6144,
	QuotaUserPolicySize:      2048,
	QuotaGroupPolicySize:     5120,
	QuotaRolePolicySize:      10240,
	QuotaTrustSize:           2048,
	QuotaAttachedToUser:      10,
	QuotaAttachedToGroup:     10,
	QuotaAttachedToRole:      20,
	QuotaGroupsPerUser:       10,
	QuotaVersionsPerPolicy:   5,
	QuotaVersionsInUse:       10000,
	QuotaAccessKeysPerUser:   2,
	QuotaCertificatesPerUser: 2,
	QuotaServerCertificates:  20,
	QuotaInstanceProfiles:    1000,
	QuotaOIDCProviders:       100,
	QuotaSAMLProviders:       100,
	QuotaClientIDs:           100,
	QuotaThumbprints:         5,
	QuotaMFADevicesPerUser:   8,
	QuotaSSHKeysPerUser:      5,
	QuotaServiceCredentials:  2,
	QuotaTags:                50,
}

// Quota returns a quota of the account; name is one of the Quota constants.
func (a *Account) Quota(name string) int {
	if n, ok := a.Quotas[name]; ok {
		return int(n)
	}
	return int(defaults[name])
}

// QuotaNames lists all quotas that GetAccountSummary returns.
func QuotaNames() []string {
	names := maps.Clone(defaults)
	for _, untold := range []string{QuotaOIDCProviders, QuotaSAMLProviders, QuotaClientIDs, QuotaThumbprints, QuotaMFADevicesPerUser, QuotaSSHKeysPerUser, QuotaServiceCredentials, QuotaTags} {
		delete(names, untold)
	}
	var all []string
	for name := range names {
		all = append(all, name)
	}
	return all
}

// A quotaField links a quota to its field in a snapshot.
type quotaField struct {
	name  string
	field func(*org.Quotas) *int
}

var quotaFields = []quotaField{
	{QuotaAttachedToUser, func(q *org.Quotas) *int { return &q.AttachedPoliciesPerUser }},
	{QuotaAttachedToGroup, func(q *org.Quotas) *int { return &q.AttachedPoliciesPerGroup }},
	{QuotaGroupsPerUser, func(q *org.Quotas) *int { return &q.GroupsPerUser }},
	{QuotaGroups, func(q *org.Quotas) *int { return &q.Groups }},
	{QuotaPolicies, func(q *org.Quotas) *int { return &q.Policies }},
	{QuotaPolicySize, func(q *org.Quotas) *int { return &q.PolicySize }},
	{QuotaUserPolicySize, func(q *org.Quotas) *int { return &q.UserPolicySize }},
	{QuotaGroupPolicySize, func(q *org.Quotas) *int { return &q.GroupPolicySize }},
	{QuotaVersionsPerPolicy, func(q *org.Quotas) *int { return &q.VersionsPerPolicy }},
}

// loadQuotas keeps the values that differ from the default; zero means "not
// read".
func loadQuotas(q org.Quotas) map[string]int32 {
	quotas := map[string]int32{}
	for _, f := range quotaFields {
		if n := *f.field(&q); n != 0 && int32(n) != defaults[f.name] {
			quotas[f.name] = int32(n)
		}
	}
	return quotas
}

func (a *Account) snapshotQuotas() org.Quotas {
	var q org.Quotas
	for _, f := range quotaFields {
		*f.field(&q) = a.Quota(f.name)
	}
	return q
}
