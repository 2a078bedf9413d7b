package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// tagged is a transport with the tags of accounts: two per page.
type tagged struct {
	next  aws.HTTPClient
	tags  map[string][][2]string
	asked *[]string
}

func (x tagged) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListTagsForResource") {
		return x.next.Do(r)
	}
	var in struct{ ResourceId, NextToken string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	*x.asked = append(*x.asked, in.ResourceId)
	type tag struct{ Key, Value string }
	out := struct {
		Tags      []tag
		NextToken string `json:",omitempty"`
	}{Tags: []tag{}}
	tags := x.tags[in.ResourceId]
	if in.NextToken != "" {
		tags = tags[2:]
	} else if len(tags) > 2 {
		tags, out.NextToken = tags[:2], "more"
	}
	for _, t := range tags {
		out.Tags = append(out.Tags, tag{t[0], t[1]})
	}
	text, err := json.Marshal(out)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(string(text))), ContentLength: int64(len(text)),
	}, err
}

func TestAccountsAreFilteredByUnitsAndTags(t *testing.T) {
	tags := map[string][][2]string{
		home:   {{"owner", "core"}, {"tier", "0"}, {"env", "prod"}},
		dev:    {{"env", "dev"}},
		nested: {{"env", ""}, {"Owner", "core"}},
	}
	for _, row := range []struct {
		name  string
		o     Options
		want  string // first digits, or the error
		asked string // first digits of the accounts whose tags were read
	}{
		{"not a unit", Options{NotOUs: []string{"Workloads"}}, "14", ""},
		{"a unit but one below", Options{OUs: []string{"Workloads"}, NotOUs: []string{"ou-fix0-nested00"}}, "2", ""},
		{"not a unit that is not there", Options{NotOUs: []string{"Wrkloads"}}, `organizational unit "Wrkloads" is not in the organization, or it could not be read`, ""},
		{"tag past the first page", Options{Tags: []string{"env=prod"}}, "1", "11234"},
		{"any value", Options{Tags: []string{"env"}}, "123", "11234"},
		{"one of two tags", Options{Tags: []string{"env=dev", "tier=0"}}, "12", "11234"},
		{"an empty value", Options{Tags: []string{"env="}}, "3", "11234"},
		{"case counts", Options{Tags: []string{"owner=core"}}, "1", "11234"},
		{"not a tag", Options{NotTags: []string{"env=dev"}}, "134", "11234"},
		{"a tag and not another", Options{Tags: []string{"env"}, NotTags: []string{"tier"}}, "23", "11234"},
		{"tags of those that are left", Options{Tags: []string{"env"}, OUs: []string{"Workloads"}}, "23", "23"},
		{"nobody", Options{Tags: []string{"env=test"}}, "no account matches all filters", "11234"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company("aws")
				c := as(load(t, h, accounts, emulator.Options{}), home, "admin")
				var asked []string
				c.HTTPClient = tagged{c.HTTPClient, tags, &asked}
				d, err := newFleet(t, c, row.o).Discover(t.Context())
				got := ""
				if err != nil {
					got = err.Error()
				} else {
					got = ids(d.Accounts)
				}
				first := ""
				for _, id := range asked {
					first += id[:1]
				}
				if got != row.want || first != row.asked {
					t.Errorf("%s, want %s; asked for the tags of %s, want %s", got, row.want, first, row.asked)
				}
			})
		})
	}
}

func TestAFilterThatCannotBeDecidedEndsTheRun(t *testing.T) {
	for _, row := range []struct {
		name, denied string
		o            Options
		want         string
	}{
		{"tags", "ListTagsForResource", Options{NotTags: []string{"env=prod"}}, "read the tags of account 111111111111 to filter accounts by tag: "},
		{"units", "ListRoots", Options{NotOUs: []string{"Workloads"}}, `organizational unit "Workloads" is not in the organization, or it could not be read`},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company("aws")
				cloud := load(t, h, accounts, emulator.Options{})
				deny(cloud, "organizations:"+row.denied)
				_, err := newFleet(t, as(cloud, home, "admin"), row.o).Discover(t.Context())
				if err == nil || !strings.HasPrefix(err.Error(), row.want) {
					t.Errorf("error %v\nwant  %s…", err, row.want)
				}
			})
		})
	}
}

func TestTypingMistakesInOptionsAreRejected(t *testing.T) {
	for _, row := range []struct {
		o    Options
		want string
	}{
		{Options{NotAccounts: []string{"1234567890123"}}, `account "1234567890123": an account ID has 12 digits`},
		{Options{Tags: []string{"=prod"}}, `account tag "=prod": want KEY=VALUE or KEY`},
		{Options{NotTags: []string{""}}, `account tag "": want KEY=VALUE or KEY`},
		{Options{Duration: time.Minute}, "session duration 1m0s: want 15m to 12h in whole seconds"},
		{Options{Duration: 13 * time.Hour}, "session duration 13h0m0s: want 15m to 12h in whole seconds"},
		{Options{Duration: time.Hour + time.Millisecond}, "session duration 1h0m0.001s: want 15m to 12h in whole seconds"},
	} {
		if _, err := New(aws.Config{}, row.o); err == nil || err.Error() != row.want {
			t.Errorf("error %v\nwant  %s", err, row.want)
		}
	}
}

func TestEveryPartitionIsEnteredByItsOwnARNs(t *testing.T) {
	for partition, region := range map[string]string{
		"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1",
		"aws-iso": "us-iso-east-1", "aws-iso-b": "us-isob-east-1", "aws-iso-e": "eu-isoe-west-1", "aws-iso-f": "us-isof-south-1",
	} {
		t.Run(partition, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company(partition)
				c := as(load(t, h, accounts, emulator.Options{}), home, "admin")
				c.Region = region
				f := newFleet(t, c, Options{})
				d := discover(t, f)
				if d.Header.Partition != partition || ids(d.Accounts) != "1234" || len(d.Header.Gaps) != 0 || d.Accounts[1].Partition != partition {
					t.Errorf("%s, accounts %s, gaps %v", d.Header.Partition, ids(d.Accounts), d.Header.Gaps)
				}
				for account, want := range map[string]string{
					home: "arn:" + partition + ":iam::111111111111:user/admin",
					dev:  "arn:" + partition + ":sts::222222222222:assumed-role/OrganizationAccountAccessRole/forcemfa",
				} {
					member, caller, err := f.Enter(t.Context(), account)
					if err != nil {
						t.Fatal(err)
					}
					if got := whoAmI(t, member); got != want || caller != want {
						t.Errorf("%s: %s, told %s, want %s", account, got, caller, want)
					}
				}
			})
		})
	}
}

func TestSuspendedAccountIsListedButNotEnterable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		d := discover(t, newFleet(t, as(load(t, h, accounts, emulator.Options{}), home, "admin"), Options{Accounts: []string{closed}}))
		if len(d.Accounts) != 1 || Enterable(d.Accounts[0]) || len(d.Accounts[0].Gaps) != 0 || d.Accounts[0].Skipped() != "the account is suspended" {
			t.Errorf("%+v", d.Accounts)
		}
	})
}

func TestSessionsHaveTheRequestedDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		cloud := load(t, h, accounts, emulator.Options{})
		c, _, err := newFleet(t, as(cloud, home, "admin"), Options{Duration: 30 * time.Minute, Now: cloud.Now}).Enter(t.Context(), dev)
		if err != nil {
			t.Fatal(err)
		}
		held, err := c.Credentials.Retrieve(t.Context())
		if err != nil || held.Expires.Sub(cloud.Now()).Round(time.Minute) != 30*time.Minute {
			t.Errorf("until %s, now it is %s: %v", held.Expires, cloud.Now(), err)
		}
	})
}

func TestAServiceThatIsBusyDoesNotSlowDownAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company("aws")
		f := newFleet(t, as(load(t, h, accounts, emulator.Options{}), home, "admin"), Options{Rate: 2})
		c, _, err := f.Enter(t.Context(), home)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 { // ten seconds' worth and the burst, of STS
			whoAmI(t, c)
		}
		started := time.Now()
		for range 10 {
			if _, err := iam.NewFromConfig(c).ListAccountAliases(t.Context(), &iam.ListAccountAliasesInput{}); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(started); d != 0 {
			t.Errorf("IAM waited %s for STS", d)
		}
	})
}

// role is a transport that accepts every AssumeRole.
type role struct{}

func (role) Do(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
		`<Arn>arn:aws:iam::111111111111:user/admin</Arn><UserId>A</UserId><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	if form, _ := url.ParseQuery(string(text)); form.Get("Action") == "AssumeRole" {
		account := strings.Split(form.Get("RoleArn"), ":")[4]
		body = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>` +
			`<AssumedRoleUser><Arn>arn:aws:sts::` + account + `:assumed-role/a/b</Arn><AssumedRoleId>A:b</AssumedRoleId></AssumedRoleUser>` +
			`<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>x</SessionToken><Expiration>` +
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func anywhere() aws.Config {
	return aws.Config{Region: "eu-west-1", HTTPClient: role{}, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", "")}
}

func TestMemoryDoesNotGrowWithTheOrganization(t *testing.T) {
	f := newFleet(t, anywhere(), Options{Concurrency: 10})
	first, _, err := f.Enter(t.Context(), accountID(0))
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 1000; i++ {
		if _, _, err := f.Enter(t.Context(), accountID(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.connections); n > 257 || f.connections[home] == nil || f.connections[accountID(999)] == nil || f.connections[accountID(0)] != nil {
		t.Errorf("%d connections are remembered", n)
	}
	before := f.Calls()
	if held, err := first.Credentials.Retrieve(t.Context()); err != nil || held.AccessKeyID != "ASIA" || f.Calls() != before {
		t.Errorf("what was handed out no longer works: %v", err)
	}
}

func accountID(i int) string { return fmt.Sprintf("5%011d", i) }

func BenchmarkEnterAnotherAccount(b *testing.B) {
	f, err := New(anywhere(), Options{Rate: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := f.Enter(b.Context(), accountID(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// A filter by unit could include an account that it excludes, if the account's unit is unknown.
func TestAccountsOfUnknownUnitsAreNotFiltered(t *testing.T) {
	d := &Discovery{Accounts: []*org.Account{{ID: "1", Unit: "ou-a"}, {ID: "2"}}}
	for _, row := range []struct {
		options Options
		refused bool
	}{{Options{}, false}, {Options{OUs: []string{"ou-a"}}, true}, {Options{NotOUs: []string{"ou-b"}}, true}} {
		if err := d.requireKnownUnits(row.options); (err != nil) != row.refused || err != nil && !strings.Contains(err.Error(), "account 2") {
			t.Errorf("%+v: %v", row.options, err)
		}
	}
	d.Accounts = d.Accounts[:1]
	if err := d.requireKnownUnits(Options{OUs: []string{"ou-a"}}); err != nil {
		t.Error(err)
	}
}
