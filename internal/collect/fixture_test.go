package collect

import (
	"fmt"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

const (
	management = "111111111111"
	member     = "222222222222"
	invited    = "333333333333" // cannot be entered
	suspended  = "444444444444"
	second     = "555555555555" // as member

	adminARN   = "arn:aws:iam::aws:policy/AdministratorAccess"
	supportARN = "arn:aws:iam::aws:policy/FixtureSupport" // AWS managed, in no list that the emulator has
	everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	nothing    = `{"Version":"2012-10-17","Statement":[{"Sid":"a+b","Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::100%25/*"}]}`
)

// made is when the fixture's users were, long before a synctest bubble's clock
// starts.
var made = time.Date(1999, 6, 1, 12, 0, 0, 0, time.UTC)

// company is an organization of five accounts whose members contain everything
// that can be read.
func company() (org.Header, []*org.Account) {
	h := org.Header{
		Format: org.Format, Taken: made, Partition: "aws",
		Organization: &org.Organization{
			ID: "o-fixture000", ManagementAccount: management, FeatureSet: "ALL", SCPsEnabled: true, DelegatedAdmins: []string{second},
		},
		Units: []org.Unit{
			{ID: "r-fix0", Name: "Root", SCPs: []string{"p-FullAWSAccess"}},
			{ID: "ou-fix0-workload", Name: "Workloads", Parent: "r-fix0", SCPs: []string{"p-FullAWSAccess", "p-guards00"}},
			{ID: "ou-fix0-nested00", Name: "Nested", Parent: "ou-fix0-workload", SCPs: []string{"p-FullAWSAccess"}},
		},
		SCPs: []org.SCP{
			{ID: "p-FullAWSAccess", Name: "FullAWSAccess", AWSManaged: true, Document: everything},
			{ID: "p-guards00", Name: "guards", Document: nothing},
		},
	}
	accounts := []*org.Account{
		account(management, "r-fix0"), account(member, "ou-fix0-nested00"), account(invited, "r-fix0"),
		account(suspended, "r-fix0"), account(second, "ou-fix0-workload"),
	}
	accounts[0].Management = true
	addUser(accounts[0], "admin", func(u *org.User) {
		u.Attached = []string{adminARN}
		u.Keys = []org.AccessKey{{Slot: 1, Active: true, Created: ago(5)}}
	})
	accounts[2].Roles = nil
	accounts[3].State = "SUSPENDED"
	for _, a := range accounts[1:] {
		furnish(a)
	}
	for _, a := range accounts {
		a.Sort()
	}
	return h, accounts
}

// account is an empty account that the management account may enter.
func account(id, unit string) *org.Account {
	return &org.Account{
		ID: id, Name: "account " + id, Alias: "acme-" + id, Partition: "aws", State: "ACTIVE", Unit: unit,
		SCPs: []string{"p-FullAWSAccess"}, Read: true,
		Root: org.Root{MFA: org.Yes, HardwareMFA: org.No, AccessKeys: org.No, Password: org.Yes, PasswordUsed: ago(30)},
		Roles: []org.Role{{
			Name: "OrganizationAccountAccessRole", Path: "/", ARN: arn.IAM("aws", id, "role", "/", "OrganizationAccountAccessRole"),
			Created:  made,
			Trust:    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + management + `:root"},"Action":"sts:AssumeRole"}]}`,
			Attached: []string{adminARN},
		}},
		Policies: []org.Policy{
			{ARN: adminARN, Name: "AdministratorAccess", Path: "/", Default: "v1", Versions: []org.Version{{ID: "v1", Created: made, Document: everything}}},
		},
	}
}

// furnish adds users with every kind of credential, groups, roles and policies
// with versions to an account.
func furnish(a *org.Account) {
	own := arn.IAM("aws", a.ID, "policy", "/team/", "Own")
	a.Policies = append(a.Policies,
		org.Policy{ARN: own, Name: "Own", Path: "/team/", Default: "v10", Versions: []org.Version{
			{ID: "v9", Created: made, Document: everything}, {ID: "v10", Created: made.Add(time.Hour), Document: nothing},
		}},
		org.Policy{ARN: baseline.PolicyARN("aws", a.ID), Name: baseline.PolicyName, Path: baseline.Path, Default: "v1",
			Tags: []org.Tag{{Key: baseline.FingerprintTag, Value: "f"}}, Versions: []org.Version{{ID: "v1", Created: made, Document: nothing}}},
		org.Policy{ARN: supportARN, Name: "FixtureSupport", Path: "/", Default: "v3", Versions: []org.Version{{ID: "v3", Created: made, Document: nothing}}},
	)
	for _, name := range []string{"Devs", "Ops"} {
		a.Groups = append(a.Groups, org.Group{
			Name: name, Path: "/", ARN: arn.IAM("aws", a.ID, "group", "/", name),
			Inline: []org.InlinePolicy{{Name: "one", Document: nothing}, {Name: "two", Document: everything}}, Attached: []string{own},
		})
	}
	a.Roles = append(a.Roles, org.Role{
		Name: "Deploy", Path: "/ci/", ARN: arn.IAM("aws", a.ID, "role", "/ci/", "Deploy"), Created: made,
		Trust: everythingTrusted, Tags: []org.Tag{{Key: "team", Value: "a b+c"}}, Inline: []org.InlinePolicy{{Name: "x", Document: nothing}},
		Boundary: own, Used: ago(3),
	})
	addUser(a, "virtual", func(u *org.User) {
		u.Path, u.Groups, u.Tags = "/team/a/", []string{"Devs", "Ops"}, []org.Tag{{Key: "userType", Value: "Human"}}
		u.Inline, u.Attached, u.Boundary = []org.InlinePolicy{{Name: "own", Document: nothing}}, []string{own, supportARN}, own
		u.Password, u.PasswordUsed = org.Yes, ago(2)
		u.Devices = []org.Device{{Serial: arn.IAM("aws", a.ID, "mfa", "/", "phone"), Kind: org.VirtualMFA, Enabled: ago(20)}}
	})
	addUser(a, "fido", func(u *org.User) {
		u.Password = org.Yes
		u.Devices = []org.Device{{Serial: arn.IAM("aws", a.ID, "u2f", "/user/fido/", "key-ABCD"), Kind: org.FIDO, Enabled: ago(20)}}
	})
	addUser(a, "hardware", func(u *org.User) {
		u.Devices = []org.Device{{Serial: "GAHT" + a.ID, Kind: org.HardwareMFA, Enabled: ago(20)}}
		u.Keys = []org.AccessKey{
			{Slot: 1, Active: false, Created: ago(300)},
			{Slot: 2, Active: true, Created: ago(100), Used: ago(1), UsedRegion: "eu-west-1", UsedService: "s3"},
		}
	})
	addUser(a, "console", func(u *org.User) { u.Password = org.Yes })
	addUser(a, "nobody", func(*org.User) {})
	a.Unassigned = []org.Device{{Serial: arn.IAM("aws", a.ID, "mfa", "/", "left"), Kind: org.VirtualMFA}}
}

const everythingTrusted = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

func addUser(a *org.Account, name string, and func(*org.User)) {
	u := org.User{Name: name, Path: "/", Created: made, Password: org.No}
	and(&u)
	u.ARN = arn.IAM("aws", a.ID, "user", u.Path, name)
	u.MFA = org.TriOf(len(u.Devices) > 0)
	a.Users = append(a.Users, u)
}

// crowd adds many plain users.
func crowd(a *org.Account, users int) {
	for i := range users {
		addUser(a, fmt.Sprintf("user%05d", i), func(u *org.User) {
			if i%3 == 0 {
				u.Devices = []org.Device{{Serial: arn.IAM("aws", a.ID, "mfa", "/", u.Name), Kind: org.VirtualMFA, Enabled: ago(9)}}
			}
			if i%2 == 0 {
				u.Password = org.Yes
			}
			u.Groups = []string{"Devs"}
		})
	}
	a.Sort()
}

// ago is a time so many days before the clock of a synctest bubble starts, to
// the second.
func ago(days int) *time.Time {
	t := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -days)
	return &t
}

func stream(accounts ...*org.Account) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for _, a := range accounts {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// A stand is a cloud with its administrator.
type stand struct {
	cloud *emulator.Cloud
	creds aws.CredentialsProvider
}

func newStand(t testing.TB, h org.Header, accounts []*org.Account, o emulator.Options) *stand {
	t.Helper()
	w, err := world.Load(h, stream(accounts...), 1)
	if err != nil {
		t.Fatal(err)
	}
	key := w.Account(h.Organization.ManagementAccount).Users["admin"].Keys[0]
	creds := credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")
	return &stand{emulator.New(w, o), creds}
}

// fleet returns the administrator's fleet, without rate limits.
func (s *stand) fleet(t testing.TB, o fleet.Options) *fleet.Fleet {
	t.Helper()
	o.Rate = -1
	o.Now = s.cloud.Now
	f, err := fleet.New(s.cloud.Config(s.creds, ""), o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func collected(t testing.TB, accounts org.Accounts) []*org.Account {
	t.Helper()
	var all []*org.Account
	for a, err := range accounts {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}
