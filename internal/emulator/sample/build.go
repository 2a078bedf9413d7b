package sample

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// The documents that are too long to read inside Go. Those of AWS's own
// policies are in aws/.
//
//go:embed policies
var documents embed.FS

// document returns the text of an embedded policy.
func document(name string) string {
	text, err := documents.ReadFile("policies/" + name + ".json")
	if err != nil {
		panic(fmt.Sprintf("sample: %v", err))
	}
	return strings.TrimSpace(string(text))
}

// awsVersions lists the AWS managed policies of the sample that are not part of
// every world, with their default version.
var awsVersions = map[string]string{
	"AmazonEC2FullAccess":          "v5",
	"AmazonEC2ReadOnlyAccess":      "v2",
	"AmazonSNSReadOnlyAccess":      "v1",
	"AmazonSQSFullAccess":          "v1",
	"AmazonSQSReadOnlyAccess":      "v1",
	"AWSSupportAccess":             "v1",
	"CloudWatchLogsReadOnlyAccess": "v1",
	"PowerUserAccess":              "v5",
}

// A builder builds one account. Policies come first, then groups, then the rest,
// so that an unknown name is detected at once.
type builder struct {
	org.Account
	aws *world.World // without accounts, for the AWS managed policies
}

// created begins an account that was created in the organization: it has the
// role of the management account.
func created(id, name, unit string) *builder {
	b := joined(id, name, unit)
	b.role(role{
		Name:     "OrganizationAccountAccessRole",
		Trust:    trust(allowAccount(Legacy, nil)),
		Attached: []string{"AdministratorAccess"},
	})
	return b
}

// joined begins an account without any preparation.
func joined(id, name, unit string) *builder {
	return &builder{aws: world.New("aws", 1), Account: org.Account{
		ID: id, Name: name, Alias: "acme-" + name, Partition: "aws",
		State: "ACTIVE", Unit: unit, SCPs: []string{fullAccess}, Read: true,
		Quotas: org.Quotas{
			AttachedPoliciesPerUser:  10,
			AttachedPoliciesPerGroup: 10,
			GroupsPerUser:            10,
			Groups:                   300,
			Policies:                 1500,
			PolicySize:               6144,
			UserPolicySize:           2048,
			GroupPolicySize:          5120,
			VersionsPerPolicy:        5,
		},
		Root: org.Root{MFA: org.Yes, HardwareMFA: org.No, AccessKeys: org.No, Password: org.Yes, PasswordUsed: ago(200)},
	}}
}

// policies adds customer managed policies whose documents are embedded under
// their names.
func (b *builder) policies(names ...string) {
	for _, name := range names {
		b.policy("/", name, document(name))
	}
}

// policy adds a customer managed policy with its versions, the default last.
func (b *builder) policy(path, name string, versions ...string) {
	p := org.Policy{
		ARN: arn.IAM(b.Partition, b.ID, "policy", path, name), Name: name, Path: path,
		Default: fmt.Sprintf("v%d", len(versions)),
	}
	p.ID = id("ANPA", p.ARN)
	for i, text := range versions {
		p.Versions = append(p.Versions, org.Version{
			ID: fmt.Sprintf("v%d", i+1), Created: *ago(900 - 100*i), Document: text,
		})
	}
	b.Policies = append(b.Policies, p)
}

// policyARN returns the ARN of a policy by name, and adds AWS managed policies
// to the account at first use.
func (b *builder) policyARN(name string) string {
	for _, p := range b.Policies {
		if p.Name == name {
			return p.ARN
		}
	}
	p := b.awsManaged(name)
	b.Policies = append(b.Policies, p)
	return p.ARN
}

// awsManaged returns an AWS managed policy: from the world, or embedded.
func (b *builder) awsManaged(name string) org.Policy {
	p := org.Policy{ARN: arn.IAM(b.Partition, "aws", "policy", "/", name), Name: name, Path: "/"}
	p.ID = id("ANPA", p.ARN)
	if known := b.aws.ManagedPolicy("", p.ARN); known != nil {
		p.Default, p.Versions = known.Default, slices.Clone(known.Versions)
		return p
	}
	version, known := awsVersions[name]
	if !known {
		panic(fmt.Sprintf("sample: account %s has no policy %s", b.ID, name))
	}
	p.Default = version
	p.Versions = []org.Version{{ID: version, Created: *ago(1500), Document: document("aws/" + name)}}
	return p
}

func (b *builder) policyARNs(names []string) []string {
	var arns []string
	for _, name := range names {
		arns = append(arns, b.policyARN(name))
	}
	slices.Sort(arns)
	return arns
}

// group adds a group with managed policies by name and inline policies.
func (b *builder) group(name string, attached []string, inline ...org.InlinePolicy) {
	b.groupAt("/", name, attached, inline...)
}

func (b *builder) groupAt(path, name string, attached []string, inline ...org.InlinePolicy) {
	g := org.Group{
		Name: name, Path: path, ARN: arn.IAM(b.Partition, b.ID, "group", path, name),
		Attached: b.policyARNs(attached), Inline: inline,
	}
	g.ID = id("AGPA", g.ARN)
	b.Groups = append(b.Groups, g)
}

// A role is a role in the description of the sample.
type role struct {
	Name, Path string // no path: /
	Trust      string
	Attached   []string // names
	Inline     []org.InlinePolicy
	Tags       []org.Tag
	MaxSession time.Duration // zero: 1 h
	UsedAgo    int           // days; zero: never
}

func (b *builder) role(r role) {
	path := cmp.Or(r.Path, "/")
	out := org.Role{
		Name: r.Name, Path: path, ARN: arn.IAM(b.Partition, b.ID, "role", path, r.Name),
		Created: *ago(1000), Trust: r.Trust, Tags: r.Tags, Inline: r.Inline,
		Attached: b.policyARNs(r.Attached), MaxSession: cmp.Or(r.MaxSession, time.Hour),
	}
	out.ID = id("AROA", out.ARN)
	if r.UsedAgo > 0 {
		out.Used = ago(r.UsedAgo)
	}
	b.Roles = append(b.Roles, out)
}

// console says how a user can sign in with a password.
type console int

const (
	noPassword console = iota
	password
	forcedReset // the next sign-in must change it
)

// A user is a user in the description of the sample.
type user struct {
	Name     string
	Case     string // the case of the facts that the user represents; never empty
	Path     string // no path: /
	Tags     []org.Tag
	Groups   []string
	Attached []string // names of managed policies
	Inline   []org.InlinePolicy
	Boundary string // name
	Console  console
	Keys     []org.AccessKey
	Devices  []org.Device // serials relative to the account
	Services *org.ServiceCredentials
}

// users adds users.
func (b *builder) users(list ...user) {
	for _, u := range list {
		b.Users = append(b.Users, b.user(u))
	}
}

func (b *builder) user(u user) org.User {
	if u.Case == "" {
		panic(fmt.Sprintf("sample: user %s of account %s is no case", u.Name, b.ID))
	}
	path := cmp.Or(u.Path, "/")
	out := org.User{
		Name: u.Name, Path: path, ARN: arn.IAM(b.Partition, b.ID, "user", path, u.Name),
		Created: *ago(1000), Tags: u.Tags, Groups: slices.Sorted(slices.Values(u.Groups)), Inline: u.Inline,
		Attached: b.policyARNs(u.Attached), Keys: u.Keys, Services: u.Services,
		Password: org.TriOf(u.Console != noPassword), PasswordReset: org.TriOf(u.Console == forcedReset),
		MFA: org.TriOf(len(u.Devices) > 0),
	}
	out.ID = id("AIDA", out.ARN)
	if u.Console == password {
		out.PasswordUsed = ago(7)
	}
	if u.Boundary != "" {
		out.Boundary = b.policyARN(u.Boundary)
	}
	for i := range out.Keys {
		out.Keys[i].Slot, out.Keys[i].ID = i+1, keyID(out.ARN, i+1)
	}
	for _, d := range u.Devices {
		out.Devices = append(out.Devices, b.device(u.Name, d))
	}
	return out
}

// device gives a device its full serial number.
func (b *builder) device(user string, d org.Device) org.Device {
	prefix := "arn:" + b.Partition + ":iam::" + b.ID + ":"
	switch d.Kind {
	case org.VirtualMFA:
		d.Serial = prefix + "mfa/" + d.Serial
	case org.FIDO:
		d.Serial = prefix + "u2f/user/" + user + "/" + d.Serial
	}
	return d
}

// account finishes the account: everything sorted, as in a snapshot.
func (b *builder) account() org.Account {
	slices.SortFunc(b.Users, func(x, y org.User) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(b.Groups, func(x, y org.Group) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(b.Roles, func(x, y org.Role) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(b.Policies, func(x, y org.Policy) int { return strings.Compare(x.ARN, y.ARN) })
	return b.Account
}

// ago returns the time so many days before the sample was taken.
func ago(days int) *time.Time {
	t := taken.AddDate(0, 0, -days)
	return &t
}

// id returns the unique ID of an entity: a prefix and 17 letters and digits
// derived from its ARN.
func id(prefix, of string) string {
	sum := sha256.Sum256([]byte(of))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// keyID is the access key ID of a user's first or second key.
func keyID(user string, slot int) string {
	return id("AKIA", fmt.Sprintf("%s key %d", user, slot))[:20]
}

// active returns a used key: its age in days, and the last service it called.
func active(age int, service string) org.AccessKey {
	return org.AccessKey{Active: true, Created: ago(age), Used: ago(1), UsedRegion: "eu-west-1", UsedService: service}
}

// unused returns an active key that was never used.
func unused(age int) org.AccessKey { return org.AccessKey{Active: true, Created: ago(age)} }

// inactive returns a deactivated key.
func inactive(age int) org.AccessKey { return org.AccessKey{Created: ago(age)} }

func keys(k ...org.AccessKey) []org.AccessKey { return k }

func devices(d ...org.Device) []org.Device { return d }

// virtual returns a virtual device with the name that the user chose.
func virtual(name string) org.Device {
	return org.Device{Serial: name, Kind: org.VirtualMFA, Enabled: ago(300)}
}

// hardware returns a TOTP token with its vendor's serial number.
func hardware(serial string) org.Device {
	return org.Device{Serial: serial, Kind: org.HardwareMFA, Enabled: ago(600)}
}

// fido returns a security key or passkey.
func fido(name string) org.Device {
	return org.Device{Serial: name, Kind: org.FIDO, Enabled: ago(150)}
}

func tag(key, value string) org.Tag { return org.Tag{Key: key, Value: value} }

func tags(t ...org.Tag) []org.Tag { return t }

// inline returns an inline policy.
func inline(name, document string) org.InlinePolicy {
	return org.InlinePolicy{Name: name, Document: document}
}

// A statement is one statement of a policy document, with its elements in the
// usual order.
type statement struct {
	Effect    string
	Principal map[string]any `json:",omitempty"`
	Action    any
	Resource  any            `json:",omitempty"`
	Condition map[string]any `json:",omitempty"`
}

// statements returns a policy document.
func statements(s ...statement) string {
	text, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", s})
	if err != nil {
		panic(fmt.Sprintf("sample: %v", err))
	}
	return string(text)
}

// allow returns a document that allows actions on a resource.
func allow(resource string, actions ...string) string {
	return statements(statement{Effect: "Allow", Action: actions, Resource: resource})
}
