// Package world holds the state of the embedded AWS: accounts, users, keys,
// sessions, policies.
//
// A World is not safe for concurrent use, with one exception: goroutines may use
// different accounts of it at once, each by a [World.Within] of its own. Fork returns
// an independent copy at the cost of a few pointers: an account is copied when one
// of the two worlds first writes to it, so everything that [World.Account] returns
// is read-only, and writes go through [World.Edit].
//
// The entities of AWS are exported types because the services of the emulator
// (iamsvc, stssvc, orgsvc and others) are packages of their own.
package world

import (
	"slices"
	"time"

	"forcemfa/internal/org"
	"forcemfa/policy"
)

// A World is the complete state of the embedded AWS, as one account or nobody in
// particular sees it.
type World struct {
	*state
	account string // see Of
	alone   bool   // see Within
}

// state is what all views of a world share.
type state struct {
	Partition    string
	Organization *Organization // nil: the accounts are in no organization

	accounts    *overlay[*Account]           // by ID
	sessions    *overlay[*Session]           // by access key ID
	keys        *overlay[KeyOwner]           // by access key ID
	uses        *overlay[Use]                // by access key ID or role ARN
	services    *overlay[Use]                // by ARN of a user or role, and service
	buckets     *overlay[string]             // owners of S3 buckets, by name
	codes       *overlay[int64]              // by serial number: the last accepted TOTP step
	delegations *overlay[*DelegationRequest] // by ID
	managed     *overlay[*Policy]            // AWS managed policies, by ARN
	issued      *overlay[uint64]             // by account: how many IDs it has generated
	documents   *documents                   // shared by all forks
	tasks       *tasks
	first, next uint64 // of the next ID of no account, at first and now; IDs are a hash of seed, account and number
	seed        uint64
	borrowed    bool // Organization is shared with another world
}

// An Organization is the organization of a World.
type Organization struct {
	ID                string
	ARN               string
	ManagementAccount string
	FeatureSet        string
	SCPsEnabled       bool
	RCPsEnabled       bool
	Units             []org.Unit // root first
	SCPs              map[string]org.SCP
	RCPs              map[string]org.SCP
	DelegatedAdmins   []DelegatedAdmin
	Access            []ServiceAccess      // services with trusted access
	RootFeatures      []string             // see [RootCredentials], [RootSessions]
	Tags              map[string][]org.Tag // by ID of the root, unit, account or policy
	Descriptions      map[string]string    // of policies, by ID; not in a snapshot
	Handshakes        []Handshake          // in the order in which they were sent
	Transfers         []Transfer
	Creations         []AccountCreation
	ResourcePolicy    *ResourcePolicy // nil: none; not in a snapshot
	MostAccounts      int             // quota of accounts; 0: none
}

// Describe sets the description of a policy.
func (o *Organization) Describe(policy, text string) {
	if o.Descriptions == nil {
		o.Descriptions = map[string]string{}
	}
	o.Descriptions[policy] = text
}

// Features of centralized root access.
const (
	RootCredentials = "RootCredentialsManagement"
	RootSessions    = "RootSessions"
)

// Trusts reports whether a service has trusted access to the organization.
func (o *Organization) Trusts(service string) bool {
	return slices.ContainsFunc(o.Access, func(a ServiceAccess) bool { return a.Service == service })
}

// Delegates reports whether an account is a delegated administrator for a service.
func (o *Organization) Delegates(account, service string) bool {
	return slices.ContainsFunc(o.DelegatedAdmins, func(d DelegatedAdmin) bool { return d.Account == account && d.Service == service })
}

// A ServiceAccess is the trusted access of a service to the organization.
type ServiceAccess struct {
	Service string // service principal
	Since   time.Time
}

// A DelegatedAdmin is an account that may act for the organization.
type DelegatedAdmin struct {
	Account string
	Service string // service principal; empty: not in the snapshot
	Since   time.Time
}

// An Account is one AWS account.
type Account struct {
	ID, Name, Email, Alias string
	State                  string   // ACTIVE, SUSPENDED…
	Unit                   string   // parent unit
	SCPs, RCPs             []string // attached to the account itself
	Joined                 time.Time
	Invited                bool
	Unread                 bool // loaded from a snapshot that contains only its name

	Quotas   map[string]int32 // GetAccountSummary's …Quota entries that differ from the default
	Root     Root
	Users    map[string]*User // by lower-case name, as are the next two
	Groups   map[string]*Group
	Roles    map[string]*Role
	Policies map[string]*Policy // customer managed, by ARN
	Devices  map[string]*Device // by serial number, assigned or not
	Report   *Report            // nil: none was generated yet
	// Reported means that the account has a report before it is first asked for: one of
	// that moment.
	Reported bool

	InstanceProfiles   map[string]*InstanceProfile   // by lower-case name
	OIDCProviders      map[string]*OIDCProvider      // by ARN
	SAMLProviders      map[string]*SAMLProvider      // by ARN
	ServerCertificates map[string]*ServerCertificate // by lower-case name
	// RoleDeletions are the deleted service-linked roles by the ID of the task.
	RoleDeletions map[string]string
	AccessJobs    map[string]*AccessJob // by ID; a job does not change
	// TokenVersion is that of the tokens of the global endpoint of STS; 0 is 1.
	TokenVersion int
	TokenIssuer  *TokenIssuer // nil while outbound federation is off
	// PasswordPolicy is nil while AWS's default is in force.
	PasswordPolicy *PasswordPolicy

	Instances map[string]*Instance // EC2, by ID
	Tables    map[string]bool      // DynamoDB, by name
	Buckets   map[string]*Bucket   // S3, by name; see [World.AddBucket]
	Items     map[string]Item      // of the other services, by ARN
}

// Root is the root user.
type Root struct {
	MFA          bool
	HardwareMFA  bool
	AccessKeys   int
	Password     bool
	PasswordUsed time.Time
}

// A PasswordPolicy is an account's requirements for console passwords.
type PasswordPolicy struct {
	MinimumLength                          int32
	Symbols, Numbers, Uppercase, Lowercase bool
	UsersMayChange                         bool
	MaxAge, ReusePrevention                int32 // days, passwords; 0: not required
	HardExpiry                             bool
}

// A User is an IAM user.
type User struct {
	Name, Path, ID string
	Created        time.Time
	Tags           []org.Tag
	Groups         map[string]bool   // lower-case names
	Inline         map[string]string // name → document as sent
	Attached       []string          // ARNs, in order of attachment
	Boundary       string
	Login          *Login // nil: no console password
	Keys           []*Key // at most the quota
	Services       []*ServiceCredential
	SSHKeys        []*SSHKey
	Certificates   []*Certificate
}

// A Login is a login profile.
type Login struct {
	Created, Changed time.Time
	Used             time.Time // zero: never
	ResetRequired    bool
	Password         string
	Earlier          []string // earlier passwords, latest first, for the password policy
}

// A Key is an access key. Only the call that created it returns its secret. Its
// last use is in the world: [World.KeyUse].
type Key struct {
	ID, Secret  string
	Slot        int // 1 or 2, its column in the credential report
	Active      bool
	Created     time.Time
	Used        time.Time // zero: never
	UsedRegion  string
	UsedService string
}

// A KeyOwner is the owner of an access key.
type KeyOwner struct{ Account, User string } // User is the lower-case name

// A ServiceCredential is a service-specific credential.
type ServiceCredential struct {
	ID, Service, UserName string // UserName is empty where Alias is not
	Alias                 string // name of an API key
	Active                bool
	Created               time.Time
	Expires               time.Time // zero: never
}

// An SSHKey is an SSH public key for CodeCommit.
type SSHKey struct {
	ID       string
	Body     string // as uploaded
	Active   bool
	Uploaded time.Time
}

// A Certificate is an X.509 signing certificate.
type Certificate struct {
	ID       string
	Body     string // PEM
	Active   bool
	Uploaded time.Time
}

// A Group is an IAM group. Membership is on the user.
type Group struct {
	Name, Path, ID string
	Created        time.Time
	Inline         map[string]string
	Attached       []string
}

// A Role is an IAM role.
type Role struct {
	Name, Path, ID string
	Description    string
	Created        time.Time
	Trust          string
	Tags           []org.Tag
	Inline         map[string]string
	Attached       []string
	Boundary       string
	MaxSession     time.Duration
	Used           time.Time
	UsedRegion     string
	// Unlisted: the role can be assumed, and no list and no snapshot shows it. A sandbox
	// enters the accounts of a snapshot by such roles.
	Unlisted bool
}

// ListedRoles are the roles that AWS would show, by folded name.
func (a *Account) ListedRoles() map[string]*Role {
	listed := make(map[string]*Role, len(a.Roles))
	for name, r := range a.Roles {
		if !r.Unlisted {
			listed[name] = r
		}
	}
	return listed
}

// A Policy is a managed policy.
type Policy struct {
	ARN, Name, Path, ID string
	Description         string
	Created, Updated    time.Time
	Tags                []org.Tag
	Default             string
	Versions            []org.Version // oldest first
	NextVersion         int
}

// A Device is an MFA device.
type Device struct {
	Serial  string
	Kind    org.DeviceKind
	Seed    []byte // of a TOTP device
	User    string // lower-case name; empty: unassigned; "<root>" for root's
	Enabled time.Time
	Skew    int64 // steps the device's clock is off, found by resync
	Tags    []org.Tag
}

// A Report is a credential report.
type Report struct {
	Started   time.Time
	Ready     time.Time // GetCredentialReport returns ReportInProgress before
	Generated time.Time
	Polls     int    // calls of GenerateCredentialReport since it was started
	Content   []byte // CSV
}

// An Instance is an EC2 instance.
type Instance struct {
	ID, State string
	Launched  time.Time
}

// A Bucket is an S3 bucket.
type Bucket struct {
	Name    string
	Created time.Time
	Policy  string // bucket policy, empty: none
	Tags    []org.Tag
	Objects map[string]Object
	Uploads map[string]*Upload // multipart uploads in progress, by ID
}

// An Object is an object in a bucket.
type Object struct {
	Body     []byte
	Modified time.Time
	ETag     string // empty: the MD5 of the body
}

// An Upload is a multipart upload to S3.
type Upload struct {
	Key     string
	Started time.Time
	Parts   map[int][]byte // by number
}

// Put adds an object to a bucket that may be written, or replaces it.
func (b *Bucket) Put(key string, o Object) {
	if b.Objects == nil {
		b.Objects = map[string]Object{}
	}
	b.Objects[key] = o
}

// A Session is a set of temporary credentials.
type Session struct {
	AccessKeyID, Secret, Token string
	Credential                 policy.Credential
	Present                    policy.Presence // aws:MultiFactorAuthPresent
	Account                    string
	User                       string // lower-case name, for a user's own and for a federated session
	Role                       string // lower-case name, for a role session
	OwnerID                    string // unique ID of the user or role, set by AddSession; empty for the root user
	Name                       string // role session name or federated user name
	Issued, Expires            time.Time
	MFAAt                      time.Time       // when the code was entered; zero: without MFA
	Policies                   []policy.Source // session policies; nil: none
	Tags                       []org.Tag
	TransitiveTags             []string
	SourceIdentity             string
	Chained                    bool
}

// A Caller is the verified sender of a request.
type Caller struct {
	Principal   policy.Principal
	Account     string
	User        *User    // nil for role sessions and root; read-only
	Role        *Role    // nil except for role sessions; read-only
	Session     *Session // nil for long-term keys
	Credential  policy.Credential
	AccessKeyID string
}
