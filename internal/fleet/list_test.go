package fleet

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
)

func TestAListThatCannotBeReadIsAnErrorThatNamesTheCall(t *testing.T) {
	h, accounts := company("aws")
	cloud := load(t, h, accounts, emulator.Options{})
	alone := h
	alone.Organization, alone.Units, alone.SCPs = nil, nil, nil
	own := *accounts[0]
	own.Unit, own.SCPs, own.Management = "", nil, false
	single := load(t, alone, []*org.Account{&own}, emulator.Options{})
	for _, row := range []struct {
		name, want string
		as         aws.Config
	}{
		{"a key that nobody has", "InvalidClientTokenId", cloud.Config(credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "x", ""), "")},
		{"an account without an organization", "describe the organization: ", as(single, home, "admin")},
		{"a member account", "list the accounts: ", as(cloud, dev, "local")},
	} {
		t.Run(row.name, func(t *testing.T) {
			d, err := newFleet(t, row.as, Options{}).List(t.Context())
			if err == nil || d != nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, %v; want %q", d, err, row.want)
			}
		})
	}
}

// An account that cannot be entered, and that AWS has not closed, is one that was not read.
func TestAnAccountThatIsNotActiveYetHasAGap(t *testing.T) {
	h, accounts := company("aws")
	accounts[1].State = "PENDING_ACTIVATION"
	f := newFleet(t, as(load(t, h, accounts, emulator.Options{}), home, "admin"), Options{})
	list, err := f.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]org.Gap{dev: {{Account: dev, What: "account", Why: "the account is pending activation"}}}
	for name, d := range map[string]*Discovery{"List": list, "Discover": discover(t, f)} {
		if len(d.Accounts) != len(accounts) {
			t.Errorf("%s: %d accounts", name, len(d.Accounts))
		}
		for _, a := range d.Accounts {
			if !slices.Equal(a.Gaps, want[a.ID]) {
				t.Errorf("%s: account %s has the gaps %v, want %v", name, a.ID, a.Gaps, want[a.ID])
			}
		}
	}
}

func TestOperationsThatReadBeginWithTheirVerb(t *testing.T) {
	for operation, want := range map[string]bool{"GetUser": true, "ListUsers": true, "DescribeOrganization": true, "CreateUser": false, "UntagUser": false} {
		if Reads(operation) != want {
			t.Errorf("%s: %v", operation, !want)
		}
	}
}
