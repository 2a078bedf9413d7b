// Package org is the snapshot of an organization as plain data, with its
// digest, its differences and its gaps.
//
// A Snapshot streams: a Header, then one Account after the other, so that
// memory does not grow with the organization. Nothing here is secret: no key,
// no seed, no password.
//
// The entities of AWS are exported types because every other package works on them.
package org

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// Format is the version of the snapshot file that this package writes and the
// only one it reads.
const Format = 2

// A Header says what was seen of the organization as a whole.
type Header struct {
	Format       int           `json:"format"`
	Taken        time.Time     `json:"taken"`
	Partition    string        `json:"partition"`
	Caller       string        `json:"caller,omitempty"`       // ARN of the identity that the run started with
	Organization *Organization `json:"organization,omitempty"` // nil for an account that is in none, or when it could not be read (see Gaps)
	Units        []Unit        `json:"units,omitempty"`        // the root first, parents before children
	SCPs         []SCP         `json:"scps,omitempty"`
	RCPs         []SCP         `json:"rcps,omitempty"` // resource control policies, in the same form
	Gaps         []Gap         `json:"unread,omitempty"`
	// Accounts is how many accounts follow, so that a file that was cut between
	// two lines is not read as a smaller organization. Zero: not told.
	Accounts int `json:"accounts,omitempty"`
}

// An Organization is an AWS organization.
type Organization struct {
	ID                string   `json:"id"` // o-…
	ManagementAccount string   `json:"management_account"`
	FeatureSet        string   `json:"feature_set"`            // ALL or CONSOLIDATED_BILLING
	SCPsEnabled       bool     `json:"scps_enabled"`           // false also when SCPs could not be read (see Gaps)
	RCPsEnabled       bool     `json:"rcps_enabled,omitempty"` // likewise; older snapshots don't have it
	DelegatedAdmins   []string `json:"delegated_admins,omitempty"`
}

// A Unit is a root or an organizational unit.
type Unit struct {
	ID     string   `json:"id"` // r-… or ou-…
	Name   string   `json:"name"`
	Parent string   `json:"parent,omitempty"` // empty for a root
	SCPs   []string `json:"scps,omitempty"`   // IDs of the policies attached here
	RCPs   []string `json:"rcps,omitempty"`
}

// An SCP is a service control policy or a resource control policy.
type SCP struct {
	ID         string `json:"id"` // p-…
	Name       string `json:"name"`
	AWSManaged bool   `json:"aws_managed,omitempty"`
	Document   string `json:"document"`
}

// An Account is one AWS account and what was seen of its IAM.
type Account struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Alias      string     `json:"alias,omitempty"`
	Partition  string     `json:"partition"`
	State      string     `json:"state"`          // Organizations' State: ACTIVE, SUSPENDED… (see Skipped)
	Unit       string     `json:"unit,omitempty"` // ID of the parent unit
	SCPs       []string   `json:"scps,omitempty"` // IDs of the policies attached to the account itself
	RCPs       []string   `json:"rcps,omitempty"`
	Management bool       `json:"management,omitempty"`
	Caller     string     `json:"caller,omitempty"` // ARN under which this account was read
	Read       bool       `json:"read"`             // false: nothing below is known, Gaps says why
	Report     time.Time  `json:"report"`           // when the credential report was generated; zero: none could be had
	Quotas     Quotas     `json:"quotas"`
	HardExpiry Tri        `json:"hard_expiry,omitempty"` // only an administrator can replace an expired password; read where passwords expire
	Root       Root       `json:"root"`
	Users      []User     `json:"users,omitempty"` // sorted by name, as are the next three
	Groups     []Group    `json:"groups,omitempty"`
	Roles      []Role     `json:"roles,omitempty"`
	Policies   []Policy   `json:"policies,omitempty"`   // customer managed, and the AWS managed ones that something here uses; by ARN
	Unassigned []Device   `json:"unassigned,omitempty"` // virtual MFA devices that belong to nobody
	Providers  *Providers `json:"providers,omitempty"`  // only in snapshots of the embedded AWS
	Gaps       []Gap      `json:"unread,omitempty"`
}

// Quotas are the IAM quotas of an account, from GetAccountSummary. Zero means
// that it could not be read.
type Quotas struct {
	AttachedPoliciesPerUser  int `json:"attached_policies_per_user,omitempty"`
	AttachedPoliciesPerGroup int `json:"attached_policies_per_group,omitempty"`
	GroupsPerUser            int `json:"groups_per_user,omitempty"`
	Groups                   int `json:"groups,omitempty"`
	Policies                 int `json:"policies,omitempty"`
	PolicySize               int `json:"policy_size,omitempty"`      // characters, white space not counted
	UserPolicySize           int `json:"user_policy_size,omitempty"` // all inline policies of a user together
	GroupPolicySize          int `json:"group_policy_size,omitempty"`
	VersionsPerPolicy        int `json:"versions_per_policy,omitempty"`
}

// Root is the root user of an account.
type Root struct {
	MFA          Tri        `json:"mfa"`
	HardwareMFA  Tri        `json:"hardware_mfa"` // MFA, and no virtual device: root-account-mfa-device can sign in next to a hardware device
	AccessKeys   Tri        `json:"access_keys"`
	Password     Tri        `json:"password"`
	PasswordUsed *time.Time `json:"password_used,omitempty"`
}

// A Tri is yes, no, or (the zero value) unknown.
type Tri string

// What was read, or that it could not be.
const (
	Unknown Tri = ""
	Yes     Tri = "yes"
	No      Tri = "no"
)

// TriOf is Yes or No.
func TriOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// A User is an IAM user.
type User struct {
	Name     string         `json:"name"`
	Path     string         `json:"path"`
	ARN      string         `json:"arn"`
	ID       string         `json:"id"` // AIDA…
	Created  time.Time      `json:"created"`
	Tags     []Tag          `json:"tags,omitempty"`
	Groups   []string       `json:"groups,omitempty"`   // names, sorted
	Inline   []InlinePolicy `json:"inline,omitempty"`   // by name
	Attached []string       `json:"attached,omitempty"` // ARNs of managed policies, sorted
	Boundary string         `json:"boundary,omitempty"` // ARN of the permissions boundary

	// From the credential report, or read for the user alone when the report
	// is older than the user. Unknown when neither could be had. Keys are read
	// together with Password: when that is Unknown, no keys here means that
	// nobody looked (see CredentialsKnown).
	Password        Tri         `json:"password"`
	PasswordUsed    *time.Time  `json:"password_used,omitempty"`
	PasswordExpires *time.Time  `json:"password_expires,omitempty"` // nil: never, or unknown
	PasswordReset   Tri         `json:"password_reset"`             // the next sign-in must change it; only read for users that a step would change
	MFA             Tri         `json:"mfa"`                        // has at least one device
	Devices         []Device    `json:"devices,omitempty"`
	Keys            []AccessKey `json:"keys,omitempty"`

	// Credentials that can never carry MFA; only read for users that a step
	// would change.
	Services *ServiceCredentials `json:"services,omitempty"`
}

// A Tag is a key and a value.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// An InlinePolicy is a policy that is part of a user, group or role.
type InlinePolicy struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

// A Device is an MFA device.
type Device struct {
	Serial  string     `json:"serial"` // an ARN, except for hardware TOTP tokens
	Kind    DeviceKind `json:"kind"`
	Enabled *time.Time `json:"enabled,omitempty"`
}

// A DeviceKind is what an MFA device is, told from its serial number.
type DeviceKind string

// The kinds of MFA devices. Only the first two give codes that STS accepts.
const (
	VirtualMFA  DeviceKind = "virtual"  // TOTP, arn:…:mfa/…
	HardwareMFA DeviceKind = "hardware" // TOTP, a vendor's serial number
	FIDO        DeviceKind = "fido"     // security key or passkey, arn:…:u2f/…
	SMS         DeviceKind = "sms"      // arn:…:sms-mfa/…
)

// GivesCodes reports whether STS accepts this device in GetSessionToken and
// AssumeRole.
func (k DeviceKind) GivesCodes() bool { return k == VirtualMFA || k == HardwareMFA }

// An AccessKey is a long-lived access key. The credential report has no IDs,
// so ID is empty unless the keys were listed.
type AccessKey struct {
	ID          string     `json:"id,omitempty"`
	Slot        int        `json:"slot,omitempty"` // 1 or 2 in the credential report
	Active      bool       `json:"active"`
	Created     *time.Time `json:"created,omitempty"` // last rotated, in the report's words
	Used        *time.Time `json:"used,omitempty"`
	UsedRegion  string     `json:"used_region,omitempty"`
	UsedService string     `json:"used_service,omitempty"`
}

// ServiceCredentials counts the active credentials of a user outside the two
// kinds that the credential report knows.
type ServiceCredentials struct {
	ServiceSpecific []string `json:"service_specific,omitempty"` // names of the services
	SSHKeys         int      `json:"ssh_keys,omitempty"`
	// Listed holds each of them, the inactive ones too; only read to rank keys.
	Listed []ServiceCredential `json:"listed,omitempty"`
}

// SSH is the Service of an SSH public key, which CodeCommit accepts.
const SSH = "ssh"

// A ServiceCredential is a service-specific credential or an SSH key. When it was last
// used, IAM does not record.
type ServiceCredential struct {
	ID      string     `json:"id"`      // ACCA… or APKA…
	Service string     `json:"service"` // bedrock.amazonaws.com…, or SSH
	Active  bool       `json:"active"`
	Created *time.Time `json:"created,omitempty"`
	Expires *time.Time `json:"expires,omitempty"` // nil: never
}

// The prefixes of the IDs of long-term credentials.
// Source: IAM User Guide, "IAM identifiers", "Understanding unique ID prefixes".
const (
	AccessKeyPrefix         = "AKIA"
	ServiceCredentialPrefix = "ACCA"
	SSHKeyPrefix            = "APKA"
)

// Sort orders the services by name and the credentials by ID.
func (s *ServiceCredentials) Sort() {
	slices.Sort(s.ServiceSpecific)
	slices.SortFunc(s.Listed, func(a, b ServiceCredential) int { return strings.Compare(a.ID, b.ID) })
}

// A Group is an IAM group.
type Group struct {
	Name     string         `json:"name"`
	Path     string         `json:"path"`
	ARN      string         `json:"arn"`
	ID       string         `json:"id"`
	Inline   []InlinePolicy `json:"inline,omitempty"`
	Attached []string       `json:"attached,omitempty"`
}

// A Role is an IAM role.
type Role struct {
	Name       string         `json:"name"`
	Path       string         `json:"path"`
	ARN        string         `json:"arn"`
	ID         string         `json:"id"`
	Created    time.Time      `json:"created"`
	Trust      string         `json:"trust"` // the trust policy
	Tags       []Tag          `json:"tags,omitempty"`
	Inline     []InlinePolicy `json:"inline,omitempty"`
	Attached   []string       `json:"attached,omitempty"`
	Boundary   string         `json:"boundary,omitempty"`
	MaxSession time.Duration  `json:"max_session,omitempty"` // zero: not read, as GetAccountAuthorizationDetails does not tell
	Used       *time.Time     `json:"used,omitempty"`
}

// A Policy is a managed policy with the documents of its versions; for an AWS
// managed policy the default version alone.
type Policy struct {
	ARN      string    `json:"arn"`
	Name     string    `json:"name"`
	Path     string    `json:"path"`
	ID       string    `json:"id,omitempty"`
	Tags     []Tag     `json:"tags,omitempty"` // GetAccountAuthorizationDetails does not tell; only read for policies managed by forcemfa
	Default  string    `json:"default"`        // v1…
	Versions []Version `json:"versions"`
}

// A Version of a managed policy.
type Version struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Document string    `json:"document"`
}

// DefaultDocument is the document in force. ok is false when the default
// version was not read.
func (p *Policy) DefaultDocument() (document string, ok bool) {
	for _, v := range p.Versions {
		if v.ID == p.Default {
			return v.Document, true
		}
	}
	return "", false
}

// A Gap is an account, page or document that could not be read, and why.
type Gap struct {
	Account string `json:"account,omitempty"` // empty: the organization itself
	What    string `json:"what"`              // iam:GenerateCredentialReport, assume OrganizationAccountAccessRole…
	Why     string `json:"why"`
}

// Accounts is a stream of accounts. A stream ends early with an error.
type Accounts = iter.Seq2[*Account, error]
