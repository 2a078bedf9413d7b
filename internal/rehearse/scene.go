package rehearse

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"forcemfa/internal/attack"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// userCredentials are the credentials of one user, which an attacker may steal.
type userCredentials struct {
	key            aws.CredentialsProvider // nil: the user has no active key
	earlierSession aws.CredentialsProvider // a session without MFA from before the change; nil: none
	password       string
	resets         bool
	serial         string // of the device that shows codes; empty: none
	seed           string // base32
}

// A fixture makes attack subjects from the users of a cloud.
type fixture struct {
	cloud     *emulator.Cloud
	region    string
	baseline  *baseline.Baseline
	resources map[string]attack.Resources // by account
}

func newFixture(box *Sandbox, b *baseline.Baseline) *fixture {
	f := &fixture{cloud: box.Cloud, region: box.Config.Region, baseline: b, resources: map[string]attack.Resources{}}
	box.Cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			f.resources[id] = resourcesOf(w.Account(id))
		}
	})
	return f
}

func resourcesOf(a *world.Account) attack.Resources {
	var r attack.Resources
	for _, bucket := range sortedKeys(a.Buckets) {
		for _, object := range sortedKeys(a.Buckets[bucket].Objects) {
			r.Objects = append(r.Objects, bucket+"/"+object)
		}
	}
	r.Instances, r.Tables = sortedKeys(a.Instances), sortedKeys(a.Tables)
	return r
}

// collectCredentials returns the credentials of users by ARN, with a session without
// MFA that each key starts now.
func (f *fixture) collectCredentials(ctx context.Context, users []audit.User) (map[string]*userCredentials, error) {
	all := map[string]*userCredentials{}
	for _, u := range users {
		c, err := f.credentialsOf(ctx, u.Account, u.Name)
		if err != nil {
			return nil, fmt.Errorf("start a session of %s: %w", u.ARN, err)
		}
		all[u.ARN] = c
	}
	return all, nil
}

func (f *fixture) credentialsOf(ctx context.Context, account, user string) (*userCredentials, error) {
	c := &userCredentials{}
	f.cloud.View(func(w *world.World) {
		a := w.Account(account)
		if u := a.Users[world.Fold(user)]; u != nil {
			c.read(a, u)
		}
	})
	if c.key == nil {
		return c, nil
	}
	out, err := sts.NewFromConfig(f.cloud.Config(c.key, f.region)).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	if err != nil {
		return nil, err
	}
	c.earlierSession = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return c, nil
}

func (c *userCredentials) read(a *world.Account, u *world.User) {
	for _, k := range u.Keys {
		if k.Active && c.key == nil {
			c.key = credentials.NewStaticCredentialsProvider(k.ID, k.Secret, "")
		}
	}
	if u.Login != nil {
		c.password, c.resets = u.Login.Password, u.Login.ResetRequired
	}
	for _, d := range a.DevicesOf(u.Name) {
		if d.Kind.GivesCodes() && c.serial == "" {
			c.serial, c.seed = d.Serial, base32.StdEncoding.EncodeToString(d.Seed)
		}
	}
}

// subjects are the users of an audit that have credentials. Their scenes are forks of
// the cloud.
func (f *fixture) subjects(cloud *emulator.Cloud, a *audited, all map[string]*userCredentials) []*attack.Subject {
	var accounts []*org.Account
	for _, id := range sortedKeys(a.accounts) {
		accounts = append(accounts, a.accounts[id])
	}
	inventory := attack.NewInventory(accounts, f.resources)
	var subjects []*attack.Subject
	for _, u := range a.users {
		if c := all[u.ARN]; c != nil {
			s := f.subject(cloud, inventory, u, a.accounts[u.Account], c)
			s.Enforcement.Guarded = baseline.Under(a.header, a.accounts[u.Account], f.baseline.Guard.Targets)
			subjects = append(subjects, s)
		}
	}
	return subjects
}

func (f *fixture) subject(cloud *emulator.Cloud, inventory *attack.Inventory, u audit.User, account *org.Account, c *userCredentials) *attack.Subject {
	read := account.User(u.Name)
	subject := inventory.Subject(u, account)
	subject.MustResetPassword = c.resets
	subject.EnrollsByKey = f.baseline.Policy.Enrollment == document.EnrollmentAny
	subject.SelfService = f.baseline.Policy.SelfService != document.SelfServiceNone
	subject.Fork = func() (*attack.Scene, error) { return f.scene(cloud.Fork(), u, c), nil }
	subject.Enforcement = attack.Enforcement{
		PolicyARN: f.baseline.PolicyOf(account), Group: baseline.GroupName, InlinePolicy: baseline.InlinePolicyName,
		WindowTag: org.Tag{Key: f.baseline.Window.Tag, Value: f.baseline.Window.Value(f.cloud.Now())},
		MarkTag:   baseline.DeviceByKeyTag, ExemptTag: exemptTag(f.baseline), GuardedRoles: f.baseline.GuardedRoles(account.Partition, account.ID),
	}
	e := &subject.Enforcement
	e.ExemptPath, e.ExemptName, e.ExemptByName = exemptUser(f.baseline, account, u.Name)
	if window, ok := f.baseline.Window.Of(read.Tags); ok {
		subject.WindowEnd = window.Until
	}
	if e := f.baseline.Exempt(baseline.Place{Account: u.Account}, read, f.cloud.Now()); e != nil {
		subject.BreakGlass = e.BreakGlass
	}
	return subject
}

// exemptTag is a tag that would exempt a user: the first one in the config without a
// wildcard, or a common one.
func exemptTag(b *baseline.Baseline) org.Tag {
	for _, e := range b.Exemptions {
		if key, value, ok := strings.Cut(e.Match.Tag, "="); ok && !strings.ContainsAny(e.Match.Tag, "*?") {
			return org.Tag{Key: key, Value: value}
		}
	}
	return org.Tag{Key: "userType", Value: "Service"}
}

// exemptUser is a path and name that would exempt a user: by the first exemption in the
// config that says one, or else by a common one.
func exemptUser(b *baseline.Baseline, account *org.Account, name string) (path, newName string, inConfig bool) {
	for _, e := range b.Exemptions {
		if !e.Match.InPlace(baseline.Place{Account: account.ID}) {
			continue
		}
		if path, newName, ok := e.Match.ExampleUser(name); ok {
			return path, newName, true
		}
	}
	return "/service-accounts/", name, false
}

// scene is a fork with the stolen credentials.
func (f *fixture) scene(fork *emulator.Cloud, u audit.User, c *userCredentials) *attack.Scene {
	config := fork.Config(nil, f.region)
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	scene := &attack.Scene{
		Config: config, Clock: attack.Clock{Now: fork.Now, Advance: fork.Advance},
		Key: c.key, EarlierSession: c.earlierSession, Password: c.password,
		SignIn: func(_ context.Context, code string) (aws.CredentialsProvider, error) {
			return signIn(fork, u, c.password, code)
		},
		Plant: func(context.Context) (*attack.Device, error) { return plantDevice(fork, u.Account), nil },
	}
	if c.serial != "" {
		scene.Device = attack.NewDevice(c.serial, c.seed, scene.Clock)
	}
	return scene
}

// signIn turns the refusals of the console's sign-in, which is a web page without an API,
// into errors with the code AccessDenied.
func signIn(fork *emulator.Cloud, u audit.User, password, code string) (aws.CredentialsProvider, error) {
	if code == attack.SecurityKey {
		code = emulator.SecurityKey
	}
	creds, err := fork.SignIn(u.Account, u.Name, password, code)
	switch {
	case errors.Is(err, emulator.ErrCodeMissing), errors.Is(err, emulator.ErrResetRequired):
		return nil, &smithy.GenericAPIError{Code: "AccessDenied", Message: err.Error()}
	case err != nil:
		return nil, err
	}
	return credentials.StaticCredentialsProvider{Value: creds}, nil
}

// plantDevice adds an unassigned virtual device to an account.
func plantDevice(fork *emulator.Cloud, account string) *attack.Device {
	seed := []byte("the attacker's seed")
	var serial string
	fork.Update(func(w *world.World) {
		serial = "arn:" + w.Partition + ":iam::" + account + ":mfa/planted"
		w.Edit(account).Devices[serial] = &world.Device{Serial: serial, Kind: org.VirtualMFA, Seed: seed}
	})
	return attack.NewDevice(serial, base32.StdEncoding.EncodeToString(seed), attack.Clock{Now: fork.Now, Advance: fork.Advance})
}

// openWindows lists the enrollment windows that are open.
func openWindows(subjects []*attack.Subject, now time.Time) []view.OpenWindow {
	open := []view.OpenWindow{}
	for _, s := range subjects {
		if s.WindowEnd.After(now) {
			open = append(open, view.OpenWindow{Account: s.User.Account, User: s.User.Name, Until: s.WindowEnd})
		}
	}
	return open
}
