package cli

import (
	"context"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"forcemfa/internal/attack"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// A loot is what a thief can steal from a user, and what the owner holds.
type loot struct {
	key      aws.CredentialsProvider // nil: the user has no active one
	former   aws.CredentialsProvider // a session without MFA from before; nil: none
	password string
	resets   bool
	serial   string // of the device that gives codes; empty: none does
	seed     string // base32
}

// A stage makes subjects out of users in the embedded AWS.
type stage struct {
	cloud    *emulator.Cloud
	region   string
	baseline *baseline.Baseline
	holdings map[string]attack.Resources // by account
}

func newStage(box *sandbox, b *baseline.Baseline) *stage {
	s := &stage{cloud: box.cloud, region: box.cfg.Region, baseline: b, holdings: map[string]attack.Resources{}}
	box.cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			s.holdings[id] = holdingOf(w.Account(id))
		}
	})
	return s
}

func holdingOf(a *world.Account) attack.Resources {
	var h attack.Resources
	for _, bucket := range sortedKeys(a.Buckets) {
		for _, object := range sortedKeys(a.Buckets[bucket].Objects) {
			h.Objects = append(h.Objects, bucket+"/"+object)
		}
	}
	h.Instances, h.Tables = sortedKeys(a.Instances), sortedKeys(a.Tables)
	return h
}

// steal takes what there is to be had of a user, and a session without MFA by
// the key, now.
func (s *stage) steal(ctx context.Context, account, user string) (*loot, error) {
	l := &loot{}
	s.cloud.View(func(w *world.World) {
		a := w.Account(account)
		if u := a.Users[world.Fold(user)]; u != nil {
			l.take(a, u)
		}
	})
	if l.key == nil {
		return l, nil
	}
	out, err := sts.NewFromConfig(s.cloud.Config(l.key, s.region)).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	if err != nil {
		return nil, err
	}
	l.former = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return l, nil
}

func (l *loot) take(a *world.Account, u *world.User) {
	for _, k := range u.Keys {
		if k.Active && l.key == nil {
			l.key = credentials.NewStaticCredentialsProvider(k.ID, k.Secret, "")
		}
	}
	if u.Login != nil {
		l.password, l.resets = u.Login.Password, u.Login.ResetRequired
	}
	for _, d := range a.DevicesOf(u.Name) {
		if d.Kind.GivesCodes() && l.serial == "" {
			l.serial, l.seed = d.Serial, base32.StdEncoding.EncodeToString(d.Seed)
		}
	}
}

// subject is a user as the doors see it. cloud is what its scenes are forks of.
func (s *stage) subject(cloud *emulator.Cloud, u audit.User, account *org.Account, m *attack.Inventory, l *loot) *attack.Subject {
	read := account.User(u.Name)
	subject := m.Subject(u, account)
	subject.MustResetPassword = l.resets
	subject.EnrollsByKey = s.baseline.Policy.Enrollment == baseline.EnrollmentAny
	subject.SelfService = s.baseline.Policy.SelfService != baseline.SelfServiceNone
	subject.Fork = func() (*attack.Scene, error) { return s.scene(cloud.Fork(), u, l), nil }
	subject.Enforcement = attack.Enforcement{
		PolicyARN: baseline.PolicyARN(account.Partition, account.ID), Group: baseline.GroupName, InlinePolicy: baseline.InlinePolicyName,
		WindowTag: org.Tag{Key: s.baseline.Window.Tag, Value: s.baseline.Window.Value(s.cloud.Now())},
		ExemptTag: exemptTag(s.baseline),
	}
	if window, ok := s.baseline.Window.Of(read.Tags); ok {
		subject.WindowEnd = window.Until
	}
	if e := s.baseline.Exempt(baseline.Place{Account: u.Account}, read, s.cloud.Now()); e != nil {
		subject.BreakGlass = e.BreakGlass
	}
	return subject
}

// exemptTag is a tag that would exempt a user: the first of the configuration
// that has no wildcard, or what most people use.
func exemptTag(b *baseline.Baseline) org.Tag {
	for _, e := range b.Exemptions {
		if key, value, ok := strings.Cut(e.Match.Tag, "="); ok && !strings.ContainsAny(e.Match.Tag, "*?") {
			return org.Tag{Key: key, Value: value}
		}
	}
	return org.Tag{Key: "userType", Value: "Service"}
}

// scene is a fork with what the thief stole.
func (s *stage) scene(fork *emulator.Cloud, u audit.User, l *loot) *attack.Scene {
	config := fork.Config(nil, s.region)
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	scene := &attack.Scene{
		Config: config, Clock: attack.Clock{Now: fork.Now, Advance: fork.Advance},
		Key: l.key, EarlierSession: l.former, Password: l.password,
		SignIn: func(_ context.Context, code string) (aws.CredentialsProvider, error) {
			return signIn(fork, u, l.password, code)
		},
		Plant: func(context.Context) (*attack.Device, error) { return plant(fork, u.Account), nil },
	}
	if l.serial != "" {
		scene.Device = attack.NewDevice(l.serial, l.seed, scene.Clock)
	}
	return scene
}

// signIn tells the refusals of sign-in, which is a web page and no API, apart
// from everything else.
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

// plant puts a virtual device that belongs to nobody into an account.
func plant(fork *emulator.Cloud, account string) *attack.Device {
	seed := []byte("the thief's own seed")
	var serial string
	fork.Update(func(w *world.World) {
		serial = "arn:" + w.Partition + ":iam::" + account + ":mfa/planted"
		w.Edit(account).Devices[serial] = &world.Device{Serial: serial, Kind: org.VirtualMFA, Seed: seed}
	})
	return attack.NewDevice(serial, base32.StdEncoding.EncodeToString(seed), attack.Clock{Now: fork.Now, Advance: fork.Advance})
}

// windows lists the enrollment windows that are open.
func windows(subjects []*attack.Subject, now time.Time) []openWindow {
	open := []openWindow{}
	for _, s := range subjects {
		if s.WindowEnd.After(now) {
			open = append(open, openWindow{s.User.Account, s.User.Name, s.WindowEnd})
		}
	}
	return open
}
