package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

const (
	home    = "111111111111"
	dev     = "222222222222"
	nested  = "333333333333"
	closed  = "444444444444"
	anybody = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// company is an organization with a user admin in the management account and
// one called local in each other, all of them administrators.
func company(partition string) (org.Header, []*org.Account) {
	h := org.Header{
		Format: org.Format, Partition: partition, Taken: time.Now(),
		Organization: &org.Organization{
			ID: "o-fixture000", ManagementAccount: home, FeatureSet: "ALL", SCPsEnabled: true, DelegatedAdmins: []string{nested},
		},
		Units: []org.Unit{
			{ID: "r-fix0", Name: "Root", SCPs: []string{"p-FullAWSAccess"}},
			{ID: "ou-fix0-workload", Name: "Workloads", Parent: "r-fix0", SCPs: []string{"p-FullAWSAccess", "p-guards00"}},
			{ID: "ou-fix0-nested00", Name: "Nested", Parent: "ou-fix0-workload", SCPs: []string{"p-FullAWSAccess"}},
		},
		SCPs: []org.SCP{
			{ID: "p-FullAWSAccess", Name: "FullAWSAccess", AWSManaged: true, Document: anybody},
			{ID: "p-guards00", Name: "guards", Document: anybody},
		},
	}
	account := func(id, unit, user, roleName string) *org.Account {
		admin := []org.InlinePolicy{{Name: "all", Document: anybody}}
		return &org.Account{
			ID: id, Name: "account " + id, Partition: partition, State: "ACTIVE", Unit: unit, SCPs: []string{"p-FullAWSAccess"},
			Management: id == home, Read: true,
			Users: []org.User{{
				Name: user, Path: "/", ARN: arn.IAM(partition, id, "user", "/", user), Inline: admin,
				Keys: []org.AccessKey{{Slot: 1, Active: true}},
			}},
			Roles: []org.Role{{
				Name: roleName, Path: "/", ARN: arn.IAM(partition, id, "role", "/", roleName), Inline: admin,
				Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:` + partition + `:iam::` + home + `:root"},"Action":"sts:AssumeRole"}]}`,
			}},
		}
	}
	accounts := []*org.Account{
		account(home, "r-fix0", "admin", "Unused"),
		account(dev, "ou-fix0-workload", "local", "OrganizationAccountAccessRole"),
		account(nested, "ou-fix0-nested00", "local", "OrganizationAccountAccessRole"),
		account(closed, "r-fix0", "local", "OrganizationAccountAccessRole"),
	}
	accounts[3].State = "SUSPENDED"
	return h, accounts
}

func load(t *testing.T, h org.Header, accounts []*org.Account, o emulator.Options) *emulator.Cloud {
	t.Helper()
	w, err := world.Load(h, func(yield func(*org.Account, error) bool) {
		for _, a := range accounts {
			if !yield(a, nil) {
				return
			}
		}
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return emulator.New(w, o)
}

// as is a client configuration with the key of a user.
func as(cloud *emulator.Cloud, account, user string) aws.Config {
	var c aws.Config
	cloud.View(func(w *world.World) {
		key := w.Account(account).Users[user].Keys[0]
		c = cloud.Config(credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""), "")
	})
	return c
}

func newFleet(t *testing.T, c aws.Config, o Options) *Fleet {
	t.Helper()
	if o.Rate == 0 {
		o.Rate = -1
	}
	f, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func discover(t *testing.T, f *Fleet) *Discovery {
	t.Helper()
	d, err := f.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// listed returns the accounts as Organizations lists them.
func listed(accounts []*org.Account) []*org.Account {
	var want []*org.Account
	for _, a := range accounts {
		want = append(want, &org.Account{
			ID: a.ID, Name: a.Name, Partition: a.Partition, State: a.State, Unit: a.Unit, SCPs: a.SCPs, RCPs: a.RCPs, Management: a.Management,
		})
	}
	return want
}

func ids(accounts []*org.Account) string {
	var list []string
	for _, a := range accounts {
		list = append(list, a.ID[:1])
	}
	return strings.Join(list, "")
}

func TestDiscoverReadsTheWholeOrganization(t *testing.T) {
	for _, partition := range []string{"aws", "aws-us-gov"} {
		for _, strict := range []*emulator.Strict{nil, emulator.AsTested()} {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company(partition)
				cloud := load(t, h, accounts, emulator.Options{Strict: strict})
				d := discover(t, newFleet(t, as(cloud, home, "admin"), Options{}))
				h.Taken = time.Time{}
				h.Caller = "arn:" + partition + ":iam::111111111111:user/admin"
				if diff := cmp.Diff(h, d.Header); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(listed(accounts), d.Accounts); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestADelegatedAdministratorSeesTheOrganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		d := discover(t, newFleet(t, as(cloud, nested, "local"), Options{}))
		if ids(d.Accounts) != "1234" || len(d.Header.Units) != 3 {
			t.Errorf("accounts %s, units %v, gaps %v", ids(d.Accounts), d.Header.Units, d.Header.Gaps)
		}
	})
}

func TestAMemberSeesItselfAndAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		d := discover(t, newFleet(t, as(cloud, dev, "local"), Options{}))
		want := []*org.Account{{ID: dev, Partition: "aws"}}
		if diff := cmp.Diff(want, d.Accounts); diff != "" {
			t.Error(diff)
		}
		if o := d.Header.Organization; o == nil || o.ID != "o-fixture000" || o.SCPsEnabled {
			t.Errorf("organization %+v", o)
		}
		if g := d.Header.Gaps; len(g) != 1 || g[0].What != "organizations:ListAccounts" || !strings.HasPrefix(g[0].Why, "AccessDeniedException: ") {
			t.Errorf("gaps %v", g)
		}
	})
}

func TestAMemberMayNameOtherAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		d := discover(t, newFleet(t, as(cloud, dev, "local"), Options{Accounts: []string{home, nested}}))
		if ids(d.Accounts) != "13" || !d.Accounts[0].Management {
			t.Errorf("%+v", d.Accounts)
		}
	})
}

func TestAnAccountInNoOrganizationHasNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		h.Organization, h.Units, h.SCPs = nil, nil, nil
		cloud := load(t, h, accounts[:1], emulator.Options{})
		d := discover(t, newFleet(t, as(cloud, home, "admin"), Options{}))
		if d.Header.Organization != nil || len(d.Header.Gaps) != 0 || ids(d.Accounts) != "1" {
			t.Errorf("%+v, accounts %s", d.Header, ids(d.Accounts))
		}
	})
}

// deny denies actions to the administrator of the management account.
func deny(cloud *emulator.Cloud, actions ...string) {
	cloud.Update(func(w *world.World) {
		w.Edit(home).Users["admin"].Inline["deny"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["` +
			strings.Join(actions, `","`) + `"],"Resource":"*"}]}`
	})
}

func TestCallsRefusedByOrganizationsAreGaps(t *testing.T) {
	for _, c := range []struct {
		denied, what string
		check        func(*Discovery) bool
	}{
		{"DescribeOrganization", "DescribeOrganization", func(d *Discovery) bool { return d.Header.Organization == nil && ids(d.Accounts) == "1" }},
		{"ListAccounts", "ListAccounts", func(d *Discovery) bool { return d.Accounts[0].Management && ids(d.Accounts) == "1" }},
		{"ListDelegatedAdministrators", "ListDelegatedAdministrators", func(d *Discovery) bool {
			return d.Header.Organization.DelegatedAdmins == nil && len(d.Header.SCPs) == 2
		}},
		{"ListRoots", "ListRoots", func(d *Discovery) bool { return d.Header.Units == nil && ids(d.Accounts) == "1234" }},
		{"ListPolicies", "ListPolicies", noSCPs},
		{"ListTargetsForPolicy", "ListTargetsForPolicy p-FullAWSAccess", noSCPs},
	} {
		t.Run(c.denied, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company("aws")
				cloud := load(t, h, accounts, emulator.Options{})
				deny(cloud, "organizations:"+c.denied)
				d := discover(t, newFleet(t, as(cloud, home, "admin"), Options{}))
				if g := d.Header.Gaps; len(g) != 1 || g[0].What != "organizations:"+c.what || !strings.HasPrefix(g[0].Why, "AccessDeniedException: ") {
					t.Errorf("gaps %v", g)
				}
				if !c.check(d) {
					t.Errorf("header %+v, accounts %s", d.Header, ids(d.Accounts))
				}
			})
		})
	}
}

// controlled adds resource control policies to a company.
func controlled(h *org.Header, accounts []*org.Account) {
	h.Organization.RCPsEnabled = true
	h.RCPs = []org.SCP{
		{ID: "p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", AWSManaged: true, Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`},
		{ID: "p-perimeter0", Name: "perimeter", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`},
	}
	for i := range h.Units {
		h.Units[i].RCPs = []string{"p-RCPFullAWSAccess"}
	}
	h.Units[2].RCPs = append(h.Units[2].RCPs, "p-perimeter0")
	for _, a := range accounts {
		a.RCPs = []string{"p-RCPFullAWSAccess"}
	}
	accounts[1].RCPs = append(accounts[1].RCPs, "p-perimeter0")
}

func TestDiscoverReadsResourceControlPolicies(t *testing.T) {
	for _, strict := range []*emulator.Strict{nil, emulator.AsTested()} {
		synctest.Test(t, func(t *testing.T) {
			h, accounts := company("aws")
			controlled(&h, accounts)
			cloud := load(t, h, accounts, emulator.Options{Strict: strict})
			d := discover(t, newFleet(t, as(cloud, home, "admin"), Options{}))
			h.Taken, h.Caller = time.Time{}, "arn:aws:iam::111111111111:user/admin"
			if diff := cmp.Diff(h, d.Header); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(listed(accounts), d.Accounts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResourceControlPoliciesThatMayNotBeReadAreAGap(t *testing.T) {
	for operation, what := range map[string]string{
		"ListPolicies":         "organizations:ListPolicies RESOURCE_CONTROL_POLICY",
		"ListTargetsForPolicy": "organizations:ListTargetsForPolicy p-RCPFullAWSAccess",
	} {
		synctest.Test(t, func(t *testing.T) {
			h, accounts := company("aws")
			controlled(&h, accounts)
			cloud := load(t, h, accounts, emulator.Options{})
			cloud.Update(func(w *world.World) {
				w.Edit(home).Users["admin"].Inline["deny"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"organizations:` + operation +
					`","Resource":"*","Condition":{"StringEquals":{"organizations:PolicyType":"RESOURCE_CONTROL_POLICY"}}}]}`
			})
			d := discover(t, newFleet(t, as(cloud, home, "admin"), Options{}))
			if g := d.Header.Gaps; len(g) != 1 || g[0].What != what {
				t.Errorf("gaps %v", g)
			}
			if o := d.Header.Organization; o.RCPsEnabled || d.Header.RCPs != nil || d.Header.Units[0].RCPs != nil || d.Accounts[0].RCPs != nil || !o.SCPsEnabled || len(d.Header.SCPs) != 2 {
				t.Errorf("%+v", d.Header)
			}
		})
	}
}

func noSCPs(d *Discovery) bool {
	return !d.Header.Organization.SCPsEnabled && d.Header.SCPs == nil && d.Header.Units[0].SCPs == nil && d.Accounts[0].SCPs == nil
}

func TestAnSCPThatMayNotBeReadHasNoDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		deny(cloud, "organizations:DescribePolicy")
		d := discover(t, newFleet(t, as(cloud, home, "admin"), Options{}))
		if len(d.Header.Gaps) != 2 || len(d.Header.SCPs) != 2 || d.Header.SCPs[0].Document != "" || !d.Header.Organization.SCPsEnabled {
			t.Errorf("%+v", d.Header)
		}
	})
}

func TestFiltersSelectAccounts(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string // first digits, or the error
	}{
		{"all", Options{}, "1234"},
		{"named", Options{Accounts: []string{nested, home}}, "13"},
		{"not named", Options{NotAccounts: []string{closed}}, "123"},
		{"both", Options{Accounts: []string{home, dev}, NotAccounts: []string{home}}, "2"},
		{"unit with the ones below", Options{OUs: []string{"Workloads"}}, "23"},
		{"unit by ID", Options{OUs: []string{"ou-fix0-nested00"}}, "3"},
		{"root", Options{OUs: []string{"r-fix0"}}, "1234"},
		{"unit and account", Options{OUs: []string{"Nested"}, Accounts: []string{nested}}, "3"},
		{"unknown account", Options{Accounts: []string{"999999999999"}}, "account 999999999999 is not in organization o-fixture000"},
		{"unknown account left out", Options{NotAccounts: []string{"999999999999"}}, "account 999999999999 is not in organization o-fixture000"},
		{"unknown unit", Options{OUs: []string{"Wrkloads"}}, `organizational unit "Wrkloads" is not in the organization, or it could not be read`},
		{"nothing left", Options{OUs: []string{"Nested"}, NotAccounts: []string{nested}}, "no account matches all filters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company("aws")
				cloud := load(t, h, accounts, emulator.Options{})
				d, err := newFleet(t, as(cloud, home, "admin"), c.o).Discover(t.Context())
				got := ""
				if err != nil {
					got = err.Error()
				} else {
					got = ids(d.Accounts)
				}
				if got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestAnAccountIDWithATypingMistakeIsRefused(t *testing.T) {
	_, err := New(aws.Config{}, Options{Accounts: []string{"12345"}})
	if err == nil || err.Error() != `account "12345": an account ID has 12 digits` {
		t.Errorf("error %v", err)
	}
}

func TestWrongCredentialsEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		for region, want := range map[string]string{
			"":          "identify the caller (sts:GetCallerIdentity in us-east-1; set a region for credentials of GovCloud, China or another partition): ",
			"eu-west-1": "identify the caller (sts:GetCallerIdentity in eu-west-1): ",
		} {
			c := cloud.Config(credentials.NewStaticCredentialsProvider("AKIANOBODY0000000000", "x", ""), region)
			_, err := newFleet(t, c, Options{}).Discover(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasPrefix(Reason(err), "InvalidClientTokenId: ") {
				t.Errorf("%q: error %v", region, err)
			}
		}
	})
}

// without is a transport that removes a field from JSON responses.
type without struct {
	next  aws.HTTPClient
	field string
}

func (w without) Do(r *http.Request) (*http.Response, error) {
	resp, err := w.next.Do(r)
	if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-amz-json") {
		return resp, err
	}
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return nil, err
	}
	list, _ := body["Accounts"].([]any)
	for _, a := range list {
		delete(a.(map[string]any), w.field)
	}
	text, err := json.Marshal(body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	resp.Header.Del("X-Amz-Crc32")
	return resp, err
}

func TestAccountsWithoutPathsAreFoundInTheirUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		c := as(cloud, home, "admin")
		c.HTTPClient = without{c.HTTPClient, "Paths"}
		d := discover(t, newFleet(t, c, Options{}))
		if diff := cmp.Diff(listed(accounts), d.Accounts); diff != "" {
			t.Error(diff)
		}
		if !called(cloud, "ListAccountsForParent") {
			t.Error("the paths were there after all")
		}
	})
}

func called(cloud *emulator.Cloud, operation string) bool {
	return slices.ContainsFunc(cloud.Counts(), func(c emulator.Count) bool { return c.Operation == operation })
}

func TestAccountsWithoutStateHaveTheirStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		c := as(cloud, home, "admin")
		c.HTTPClient = without{c.HTTPClient, "State"}
		d := discover(t, newFleet(t, c, Options{}))
		if diff := cmp.Diff(listed(accounts), d.Accounts); diff != "" {
			t.Error(diff)
		}
	})
	if got := state(types.Account{State: types.AccountStateClosed, Status: types.AccountStatusSuspended}); got != "CLOSED" {
		t.Errorf("both told: %s", got)
	}
}

func TestTheUnitIsTheLastOfThePath(t *testing.T) {
	for path, want := range map[string]string{
		"o-a/r-b/ou-b-c/ou-b-d/111111111111/": "ou-b-d",
		"o-a/r-b/ou-b-c/":                     "ou-b-c",
		"o-a/r-b/111111111111/":               "r-b",
		"o-a/":                                "",
	} {
		if got := lastUnit([]string{path}); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := lastUnit(nil); got != "" {
		t.Error(got)
	}
}

func whoAmI(t *testing.T, c aws.Config) string {
	t.Helper()
	out, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Arn
}

func TestEnterUsesTheCallerAtHomeAndTheRoleElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{Strict: emulator.AsTested()})
		f := newFleet(t, as(cloud, home, "admin"), Options{SessionName: "audit"})
		for account, want := range map[string]string{
			home: "arn:aws:iam::111111111111:user/admin",
			dev:  "arn:aws:sts::222222222222:assumed-role/OrganizationAccountAccessRole/audit",
		} {
			c, caller, err := f.Enter(t.Context(), account)
			if err != nil {
				t.Fatal(err)
			}
			if got := whoAmI(t, c); got != want || caller != want {
				t.Errorf("%s: %s, told %s, want %s", account, got, caller, want)
			}
		}
	})
}

func TestAnAccountThatCannotBeEnteredSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		_, _, err := newFleet(t, as(cloud, home, "admin"), Options{RoleName: "/team/Auditor"}).Enter(t.Context(), dev)
		if err == nil || !strings.HasPrefix(err.Error(), "assume arn:aws:iam::222222222222:role/team/Auditor: ") || !strings.HasPrefix(Reason(err), "AccessDenied: ") {
			t.Errorf("error %v", err)
		}
	})
}

func TestTheExternalIDIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		role := &accounts[1].Roles[0]
		role.Trust = strings.Replace(role.Trust, `"Action"`, `"Condition":{"StringEquals":{"sts:ExternalId":"acme-7"}},"Action"`, 1)
		cloud := load(t, h, accounts, emulator.Options{})
		if _, _, err := newFleet(t, as(cloud, home, "admin"), Options{}).Enter(t.Context(), dev); err == nil {
			t.Error("the role can be assumed without it")
		}
		if _, _, err := newFleet(t, as(cloud, home, "admin"), Options{ExternalID: "acme-7"}).Enter(t.Context(), dev); err != nil {
			t.Error(err)
		}
	})
}

func assumed(cloud *emulator.Cloud) int {
	n := 0
	for _, c := range cloud.Counts() {
		if c.Operation == "AssumeRole" {
			n += c.Calls
		}
	}
	return n
}

func TestASessionIsSharedAndRenewedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		f := newFleet(t, as(cloud, home, "admin"), Options{Duration: time.Hour})
		var configs [8]aws.Config
		var all sync.WaitGroup
		for i := range configs {
			all.Go(func() {
				c, _, err := f.Enter(t.Context(), dev)
				if err != nil {
					t.Error(err)
				}
				configs[i] = c
			})
		}
		all.Wait()
		if n := assumed(cloud); n != 1 {
			t.Errorf("the role was assumed %d times by eight at once", n)
		}
		time.Sleep(50 * time.Minute)
		whoAmI(t, configs[0])
		if n := assumed(cloud); n != 1 {
			t.Errorf("renewed ten minutes before the end: %d", n)
		}
		time.Sleep(6 * time.Minute)
		whoAmI(t, configs[1])
		whoAmI(t, configs[2])
		if n := assumed(cloud); n != 2 {
			t.Errorf("assumed %d times, want once more before the end", n)
		}
		time.Sleep(24 * time.Hour)
		whoAmI(t, configs[3])
	})
}

func TestTheFleetsClockDecidesWhenASessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		f := newFleet(t, as(cloud, home, "admin"), Options{Now: cloud.Now})
		c, _, err := f.Enter(t.Context(), dev)
		if err != nil {
			t.Fatal(err)
		}
		cloud.Advance(3 * time.Hour)
		whoAmI(t, c)
	})
}

// answers is a transport that always returns the same response, and counts.
type answers struct {
	status int
	body   string
	calls  int
}

func (a *answers) Do(r *http.Request) (*http.Response, error) {
	a.calls++
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

func iamError(code string) string {
	return `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>` + code +
		`</Code><Message>no</Message></Error><RequestId>x</RequestId></ErrorResponse>`
}

func TestThrottlingIsTriedAgainAndAQuotaIsNot(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		calls  int
	}{
		{400, "Throttling", attempts},
		{500, "ServiceFailure", attempts},
		{409, "LimitExceeded", 1},
		{403, "AccessDenied", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := &answers{status: c.status, body: iamError(c.code)}
			f := newFleet(t, aws.Config{HTTPClient: transport, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", "")}, Options{})
			_, err := iam.NewFromConfig(f.config(newRateLimits(-1))).ListUsers(t.Context(), &iam.ListUsersInput{})
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != c.code || Reason(err) != c.code+": no" {
				t.Errorf("%s: error %v", c.code, err)
			}
			if transport.calls != c.calls || f.Calls() != int64(c.calls) {
				t.Errorf("%s: %d calls, counted %d, want %d", c.code, transport.calls, f.Calls(), c.calls)
			}
		})
	}
}

func TestClientsOfAnAccountShareItsRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		f := newFleet(t, as(cloud, home, "admin"), Options{Rate: 2})
		c, _, err := f.Enter(t.Context(), home)
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		for range 10 {
			whoAmI(t, c)
		}
		if d := time.Since(started); d != 0 {
			t.Errorf("the burst took %s", d)
		}
		for range 10 { // another client each
			whoAmI(t, c)
		}
		if d := time.Since(started); d < 4900*time.Millisecond || d > 5100*time.Millisecond {
			t.Errorf("ten more at two a second took %s", d)
		}
	})
}

func TestAnInterruptEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &answers{status: 400, body: iamError("Throttling")}
		f := newFleet(t, aws.Config{HTTPClient: transport, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", "")}, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // sooner than the attempts are used up
		defer cancel()
		started := time.Now()
		_, err := f.Discover(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(started) > time.Second {
			t.Errorf("after %s: %v", time.Since(started), err)
		}
	})
}

// down is a transport without a network.
type down struct{}

func (down) Do(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

func TestMissingNetworkFailsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, aws.Config{HTTPClient: down{}, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", "")}, Options{})
		started := time.Now()
		_, err := f.Discover(t.Context())
		// Two pauses, of at most two and four seconds.
		if err == nil || Reason(err) != "connection refused" || time.Since(started) > 6*time.Second {
			t.Errorf("after %s: %v", time.Since(started), err)
		}
	})
}

// Units that may not be listed are gaps, and every account is still there.
func TestUnitsThatMayNotBeListedAreGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		deny(cloud, "organizations:ListOrganizationalUnitsForParent")
		d := discover(t, newFleet(t, as(cloud, home, "admin"), Options{}))
		if len(d.Header.Gaps) == 0 || ids(d.Accounts) != "1234" {
			t.Errorf("gaps %v, accounts %s", d.Header.Gaps, ids(d.Accounts))
		}
		for _, g := range d.Header.Gaps {
			if !strings.HasPrefix(g.What, "organizations:ListOrganizationalUnitsForParent ") || !strings.HasPrefix(g.Why, "AccessDeniedException: ") {
				t.Errorf("gap %+v", g)
			}
		}
	})
}
