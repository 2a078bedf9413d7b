package collect

import (
	"testing"
	"testing/synctest"

	"forcemfa/internal/emulator"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
)

// A function in a member account reads the same data of the account as the
// organization's run, except the data from Organizations.
func TestAnAccountReadsItselfWithoutItsOrganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{Strict: emulator.AsTested(), Seed: 1})
		creds, err := s.cloud.AssumeAs(member, "OrganizationAccountAccessRole", "function")
		if err != nil {
			t.Fatal(err)
		}
		f, err := fleet.New(s.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1"), fleet.Options{Rate: -1, Now: s.cloud.Now})
		if err != nil {
			t.Fatal(err)
		}
		header, got, err := Self(t.Context(), f, Options{})
		if err != nil {
			t.Fatal(err)
		}
		const caller = "arn:aws:sts::" + member + ":assumed-role/OrganizationAccountAccessRole/function"
		wantHeader := org.Header{
			Format: org.Format, Taken: header.Taken, Partition: "aws", Caller: caller, Accounts: 1,
			Organization: &org.Organization{ID: "o-fixture000", ManagementAccount: management, FeatureSet: "ALL"},
		}
		if diff := cmp.Diff(wantHeader, header); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		_, all := truth(s)
		want := all[1]
		want.Name, want.State, want.Unit, want.SCPs = "", "", "", nil
		_, seenOf := seen(header, []*org.Account{got})
		_, wanted := seen(header, []*org.Account{want})
		if diff := cmp.Diff(wanted[0], seenOf[0]); diff != "" {
			t.Errorf("account (-want +got):\n%s", diff)
		}
		for _, c := range s.cloud.Counts() {
			if c.Service == "organizations" && c.Operation != "DescribeOrganization" {
				t.Errorf("asked Organizations for %s", c.Operation)
			}
		}
	})
}
