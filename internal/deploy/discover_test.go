package deploy

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// The accounts of users of the force-mfa function have another policy with the name ForceMFA.
func TestNamesThatAreTakenAreFoundBeforeTheStackFails(t *testing.T) {
	const account = "111111111111"
	policy := func(path, name string) org.Policy {
		return org.Policy{ARN: arn.IAM("aws", account, "policy", path, name), Name: name, Path: path, Default: "v1", Versions: []org.Version{{ID: "v1", Document: everything}}}
	}
	group := func(path, name string) org.Group {
		return org.Group{ARN: arn.IAM("aws", account, "group", path, name), Name: name, Path: path}
	}
	for _, row := range []struct {
		name     string
		policies []org.Policy
		groups   []org.Group
		want     []string
	}{
		{"nothing", nil, nil, nil},
		{"our own", []org.Policy{policy(baseline.Path, "ForceMFA")}, []org.Group{group(baseline.Path, "ForceMFA")}, nil},
		{"the policy of the force-mfa function", []org.Policy{policy("/", "ForceMFA"), policy("/", "Other")}, nil, []string{"arn:aws:iam::111111111111:policy/ForceMFA"}},
		{"another path and case", []org.Policy{policy("/team/", "forcemfa")}, nil, []string{"arn:aws:iam::111111111111:policy/team/forcemfa"}},
		{"a group", nil, []org.Group{group("/", "ForceMFA")}, []string{"arn:aws:iam::111111111111:group/ForceMFA"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			client := iam.NewFromConfig(emulated(t, &org.Account{ID: account, Policies: row.policies, Groups: row.groups}))
			got, err := namesTaken(t.Context(), client)
			if err != nil || !slices.Equal(got, row.want) {
				t.Errorf("%v, error %v, want %v", got, err, row.want)
			}
		})
	}
	f := collision(&accountState{account: &org.Account{ID: account}}, "arn:aws:iam::111111111111:policy/ForceMFA")
	if f.ID != "policy-name-collision/111111111111/policy/ForceMFA" || f.Remedy == "" {
		t.Errorf("finding %+v", f)
	}
}

const (
	everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	byAccount  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}`
)

// emulated is an account on the embedded AWS, as its administrator.
func emulated(t *testing.T, a *org.Account) aws.Config {
	t.Helper()
	now := time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC)
	a.Partition, a.State, a.Unit, a.Read, a.Management = "aws", "ACTIVE", "r-rec0", true, true
	a.Roles = []org.Role{{Name: "Admin", Path: "/", ARN: arn.IAM("aws", a.ID, "role", "/", "Admin"), Created: now, Trust: byAccount, Inline: []org.InlinePolicy{{Name: "all", Document: everything}}}}
	h := org.Header{
		Format: org.Format, Taken: now, Partition: "aws",
		Organization: &org.Organization{ID: "o-deploy00000", ManagementAccount: a.ID, FeatureSet: "ALL"},
		Units:        []org.Unit{{ID: "r-rec0", Name: "Root"}},
	}
	w, err := world.Load(h, func(yield func(*org.Account, error) bool) { yield(a, nil) }, 7)
	if err != nil {
		t.Fatal(err)
	}
	cloud := emulator.New(w, emulator.Options{Clock: func() time.Time { return now }})
	keys, err := cloud.AssumeAs(a.ID, "Admin", "test")
	if err != nil {
		t.Fatal(err)
	}
	return cloud.Config(credentials.StaticCredentialsProvider{Value: keys}, "us-east-1")
}
