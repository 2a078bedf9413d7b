package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/spf13/pflag"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// A sandbox is the embedded AWS and the identity by which verbs work on it: a
// role session of the management account, so that no IAM user is the caller.
type sandbox struct {
	cloud         *emulator.Cloud
	cfg           aws.Config
	home          string // the management account, or the only one
	administrator string // the user that emulate lists first; empty: as they come
	sample        bool
}

// The roles by which a sandbox is entered: the first in the management
// account, the second in the others.
const (
	homeEntrance   = "ForceMFAAdministrator"
	memberEntrance = "OrganizationAccountAccessRole"
	// sampleAdministrator is the user of the sample that may do everything.
	sampleAdministrator = "admin"
)

// organizationFlags are the flags of the verbs that never run on anything but an
// embedded AWS: there --sandbox, which every verb has, says no more than --org.
func organizationFlags(f *pflag.FlagSet, file *string) {
	f.StringVar(file, "org", "", "snapshot `file` to load instead of the sample organization")
	f.StringVar(file, "sandbox", "", "the same `file` as --org takes (--sandbox=FILE)")
	f.Lookup("sandbox").NoOptDefVal = sampleOrganization
}

// openSandbox loads a snapshot file, or the sample organization when name is
// empty or "sample".
func openSandbox(name string, now func() time.Time) (*sandbox, error) {
	return openSandboxWith(name, emulator.Options{Clock: now})
}

// openSandboxWith is [openSandbox] with a choice of how the cloud behaves.
func openSandboxWith(name string, o emulator.Options) (*sandbox, error) {
	if name == "" || name == sampleOrganization {
		header, accounts := sample.Organization()
		w, err := world.Load(header, streamed(accounts), 0)
		if err != nil {
			return nil, err
		}
		b, err := newSandboxWith(w, o)
		if err != nil {
			return nil, err
		}
		b.sample, b.administrator = true, sampleAdministrator
		return b, nil
	}
	w, err := readWorld(name)
	if err != nil {
		return nil, err
	}
	return newSandboxWith(w, o)
}

func readWorld(name string) (*world.World, error) {
	const remedy = `name a file that "forcemfa snapshot" wrote`
	file, err := os.Open(name)
	if err != nil {
		return nil, command.WithHint(command.FileError("read snapshot", err), remedy)
	}
	defer file.Close()
	header, accounts, err := org.Read(file)
	if err != nil {
		return nil, command.WithHint(fmt.Errorf("read snapshot %s: %w", name, err), remedy)
	}
	w, err := world.Load(header, accounts, 0)
	if err == nil && len(w.Accounts()) == 0 {
		err = errors.New("it holds no account")
	}
	if err != nil {
		return nil, command.WithHint(fmt.Errorf("read snapshot %s: %w", name, err), remedy)
	}
	openEntrances(w)
	return w, nil
}

func newSandbox(w *world.World, now func() time.Time) (*sandbox, error) {
	return newSandboxWith(w, emulator.Options{Clock: now})
}

func newSandboxWith(w *world.World, o emulator.Options) (*sandbox, error) {
	b := &sandbox{home: homeOf(w), cloud: emulator.New(w, o)}
	creds, err := b.cloud.AssumeAs(b.home, homeEntrance, "forcemfa")
	if err != nil {
		return nil, err
	}
	b.cfg = b.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1")
	return b, nil
}

// homeOf is the management account, or the first one of a world without an
// organization.
func homeOf(w *world.World) string {
	if w.Organization != nil {
		return w.Organization.ManagementAccount
	}
	return w.Accounts()[0]
}

// openEntrances gives an organization whose snapshot was taken through other
// roles the ones that a sandbox is entered by. An account that could not be
// read stays closed.
func openEntrances(w *world.World) {
	home := homeOf(w)
	for _, id := range w.Accounts() {
		name := memberEntrance
		if id == home {
			name = homeEntrance
		}
		if a := w.Account(id); a.Unread || a.Roles[strings.ToLower(name)] != nil {
			continue
		}
		w.Edit(id).Roles[strings.ToLower(name)] = &world.Role{
			Name: name, Path: "/", ID: w.NewID("AROA"), MaxSession: time.Hour,
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` +
				"arn:" + w.Partition + ":iam::" + home + ":root" + `"},"Action":"sts:AssumeRole"}]}`,
			Attached: []string{arn.IAM(w.Partition, "aws", "policy", "/", "AdministratorAccess")},
		}
	}
}

// baseline is the config that belongs to the sandbox.
func (b *sandbox) baseline() (*baseline.Baseline, error) {
	if b.sample {
		return baseline.Parse("the sample's forcemfa.yaml", sample.Config())
	}
	return baseline.Default(), nil
}

// hasReports has AWS's credential reports complete, as in an organization where
// somebody looks at them, so that nobody waits for them. Where that fails,
// reading the account says why.
func (b *sandbox) hasReports(ctx context.Context) {
	var ids []string
	b.cloud.View(func(w *world.World) { ids = w.Accounts() })
	for _, id := range ids {
		role := memberEntrance
		if id == b.home {
			role = homeEntrance
		}
		creds, err := b.cloud.AssumeAs(id, role, "forcemfa")
		if err != nil {
			continue
		}
		client := iam.NewFromConfig(b.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, b.cfg.Region))
		for state := types.ReportStateTypeStarted; err == nil && state != types.ReportStateTypeComplete; {
			var out *iam.GenerateCredentialReportOutput
			if out, err = client.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{}); err == nil {
				state = out.State
			}
		}
	}
}

func streamed(accounts []org.Account) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
