package rehearse

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/cfnsvc"
	"forcemfa/internal/emulator/cloudtrailsvc"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// A Sandbox is the embedded AWS with an identity to work as: a role session in the
// management account, so that no IAM user is the caller.
type Sandbox struct {
	Cloud         *emulator.Cloud
	Config        aws.Config // of the role session
	Home          string     // the management account, or the only one
	Administrator string     // the user with all permissions; empty: unknown
	sample        bool
	session       *session
}

// The roles of a sandbox: the first in the management account, the second in the
// others.
const (
	homeRole   = "ForceMFAAdministrator"
	memberRole = "OrganizationAccountAccessRole"
	// sampleAdministrator is the user of the sample with all permissions.
	sampleAdministrator = "admin"
)

// Sample is the name of the sample organization in [OpenSandbox].
const Sample = "sample"

// A SnapshotError reports a snapshot file that cannot be loaded.
type SnapshotError struct {
	Name string
	Err  error
}

func (e *SnapshotError) Error() string { return "read snapshot " + e.Name + ": " + e.Err.Error() }
func (e *SnapshotError) Unwrap() error { return e.Err }

// OpenSandbox loads a snapshot file, or the sample organization if name is empty or
// [Sample]. The error for a file is a *SnapshotError.
func OpenSandbox(name string, o emulator.Options) (*Sandbox, error) {
	if name != "" && name != Sample {
		w, err := readWorld(name)
		if err != nil {
			return nil, &SnapshotError{name, err}
		}
		b, err := NewSandbox(w, o)
		if err != nil {
			return nil, &SnapshotError{name, err}
		}
		b.Administrator = administratorOf(w, b.Home)
		return b, nil
	}
	w, err := sample.World()
	if err != nil {
		return nil, err
	}
	b, err := NewSandbox(w, o)
	if err != nil {
		return nil, err
	}
	b.sample, b.Administrator = true, sampleAdministrator
	return b, nil
}

func readWorld(name string) (*world.World, error) {
	file, err := os.Open(name)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, err
	}
	defer file.Close()
	header, accounts, err := org.Read(file)
	if err != nil {
		return nil, err
	}
	w, err := world.Load(header, accounts, 0)
	if err == nil && len(w.Accounts()) == 0 {
		err = errors.New("the snapshot contains no account")
	}
	if err != nil {
		return nil, err
	}
	addRoles(w)
	return w, nil
}

// NewSandbox assumes the role of a sandbox in the management account.
func NewSandbox(w *world.World, o emulator.Options) (*Sandbox, error) {
	b := &Sandbox{Home: homeOf(w), Cloud: emulator.New(w, o)}
	b.session = &session{cloud: b.Cloud, account: b.Home}
	if _, err := b.session.Retrieve(context.Background()); err != nil {
		return nil, err
	}
	b.Config = b.Cloud.Config(b.session, "us-east-1")
	return b, nil
}

// A session is the administrator's role session. It is renewed before it expires by the
// clock of the cloud.
type session struct {
	cloud   *emulator.Cloud
	account string

	mu    sync.Mutex
	creds aws.Credentials
}

// Retrieve implements aws.CredentialsProvider.
func (s *session) Retrieve(context.Context) (aws.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.creds.AccessKeyID == "" || s.creds.Expires.Sub(s.cloud.Now()) < time.Hour {
		creds, err := s.cloud.AssumeAs(s.account, homeRole, "forcemfa")
		if err != nil {
			return creds, err
		}
		creds.CanExpire = false // by the clock of this machine
		s.creds = creds
	}
	return s.creds, nil
}

// homeOf is the management account, or the first one of a world without an
// organization.
func homeOf(w *world.World) string {
	if w.Organization != nil {
		return w.Organization.ManagementAccount
	}
	return w.Accounts()[0]
}

// addRoles adds the roles of a sandbox to the accounts of a snapshot, which may have been
// read through other roles. They are in no list, so that a sandbox reports only what the
// snapshot holds. An account that could not be read gets none.
func addRoles(w *world.World) {
	home := homeOf(w)
	for _, id := range w.Accounts() {
		name := roleIn(id, home)
		if a := w.Account(id); a.Unread || a.Roles[strings.ToLower(name)] != nil {
			continue
		}
		w.Edit(id).Roles[strings.ToLower(name)] = &world.Role{
			Name: name, Path: "/", ID: w.NewID("AROA"), MaxSession: time.Hour, Unlisted: true,
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` +
				"arn:" + w.Partition + ":iam::" + home + ":root" + `"},"Action":"sts:AssumeRole"}]}`,
			Attached: []string{arn.IAM(w.Partition, "aws", "policy", "/", "AdministratorAccess")},
		}
	}
}

// roleIn is the role to assume in an account.
func roleIn(account, home string) string {
	if account == home {
		return homeRole
	}
	return memberRole
}

// sampleConfig is the name of the config of the sample organization.
const sampleConfig = "the sample's forcemfa.yaml"

// ConfigFile is the text of the config with this name; nil: it is a file.
func (b *Sandbox) ConfigFile(name string) []byte {
	if b != nil && b.sample && name == sampleConfig {
		return sample.Config()
	}
	return nil
}

// Baseline is the config that belongs to the sandbox.
func (b *Sandbox) Baseline() (*baseline.Baseline, error) {
	if b.sample {
		return baseline.Parse(sampleConfig, sample.Config())
	}
	return baseline.Default(), nil
}

// PrepareDeployment adds what an organization has before a deployment: trusted access of
// CloudFormation, which stack sets need, and in the sample organization a trail.
func (b *Sandbox) PrepareDeployment() {
	b.Cloud.Update(func(w *world.World) {
		if t := cloudtrailsvc.NewTrail(w.Partition, b.Home, b.Config.Region, "organization", true); b.sample {
			w.Put(b.Home, t.ARN, t)
		}
		if w.Organization == nil || slices.ContainsFunc(w.Organization.Access, func(a world.ServiceAccess) bool { return a.Service == cfnsvc.Principal }) {
			return
		}
		o := w.EditOrganization()
		o.Access = append(o.Access, world.ServiceAccess{Service: cfnsvc.Principal, Since: b.Cloud.Now()})
	})
}

// Pass moves the clock of the embedded AWS, instead of a wait.
func (b *Sandbox) Pass(ctx context.Context, d time.Duration) error {
	b.Cloud.Advance(d)
	return ctx.Err()
}

// LoadHistory adds the sample's month before now to CloudTrail's Event history. Other
// organizations have no recorded calls.
func (b *Sandbox) LoadHistory(now time.Time) error {
	if !b.sample {
		return nil
	}
	return b.Cloud.Remember(sample.Records(now))
}

// CompleteReports gives every account a credential report of the moment when it is first
// asked for, so that nobody waits for one.
func (b *Sandbox) CompleteReports() {
	b.Cloud.Update(func(w *world.World) {
		for _, id := range w.Accounts() {
			if a := w.Account(id); a.Report != nil || !a.Reported {
				a = w.Edit(id)
				a.Report, a.Reported = nil, true
			}
		}
	})
}

func stream(accounts []org.Account) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
