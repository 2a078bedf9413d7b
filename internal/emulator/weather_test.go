package emulator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/world"
)

// faulty is a cloud with the faults of a plan.
func faulty(t *testing.T, o Options, plan string) *Cloud {
	t.Helper()
	c := newCloud(t, o)
	p, err := fault.Parse([]byte(plan))
	if err == nil {
		err = c.SetFaults(p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChaosIsRepeatableAndAClientThatTriesThreeTimesSucceeds(t *testing.T) {
	run := func(seed uint64) (outcomes []string) {
		synctest.Test(t, func(t *testing.T) { // lag and slow answers take the time of the bubble
			c := newCloud(t, Options{})
			if err := c.SetFaults(fault.Chaos(seed)); err != nil {
				t.Fatal(err)
			}
			c.OnCall(func(r Record) { outcomes = append(outcomes, r.Operation+" "+codeOf(r.Err)+" "+r.effect.Kind) })
			client := iamOf(c, as("alice"))
			for range 150 {
				if _, err := client.ListUsers(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				if _, err := client.TagUser(t.Context(), &iam.TagUserInput{UserName: aws.String("bob"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}); err != nil {
					t.Fatal(err)
				}
			}
		})
		return outcomes
	}
	first := run(7)
	if diff := cmp.Diff(first, run(7)); diff != "" {
		t.Errorf("the same seed gives other faults:\n%s", diff)
	}
	if cmp.Equal(first, run(8)) {
		t.Error("another seed gives the same faults")
	}
	if len(first) < 310 {
		t.Errorf("only %d requests for 300 calls", len(first))
	}
}

func TestFaultsOfTheConnection(t *testing.T) {
	for _, row := range []struct {
		plan string
		want func(error) bool
	}{
		{`{"faults":[{"kind":"reset"}]}`, func(err error) bool {
			return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, errReset)
		}},
		{`{"faults":[{"kind":"truncate"}]}`, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
	} {
		c := faulty(t, Options{}, row.plan)
		endpoint := listen(t, c).Endpoint
		for name, config := range map[string]aws.Config{
			"memory": c.Config(as("alice"), "us-east-1"), "socket": {Region: "us-east-1", Credentials: as("alice"), BaseEndpoint: &endpoint},
		} {
			config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			if _, err := iam.NewFromConfig(config).ListUsers(t.Context(), nil); !row.want(err) {
				t.Errorf("%s over %s: %v", row.plan, name, err)
			}
		}
	}
}

func TestFaultsOfAService(t *testing.T) {
	c := faulty(t, Options{}, `{"faults":[{"kind":"down","service":"sts"},{"kind":"error","service":"organizations","status":503},{"kind":"throttle","operation":"Get*"}]}`)
	config := c.Config(as("alice"), "us-east-1")
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	_, down := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), nil)
	_, unavailable := organizations.NewFromConfig(config).DescribeOrganization(t.Context(), nil)
	_, throttled := iam.NewFromConfig(config).GetUser(t.Context(), nil)
	_, fine := iam.NewFromConfig(config).ListUsers(t.Context(), nil)
	want := []string{"ServiceUnavailable", "ServiceUnavailableException", "Throttling", ""}
	if diff := cmp.Diff(want, []string{code(t, down), code(t, unavailable), code(t, throttled), code(t, fine)}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var response interface{ HTTPStatusCode() int }
	if !errors.As(down, &response) || response.HTTPStatusCode() != http.StatusServiceUnavailable {
		t.Errorf("STS is down with %v", down)
	}
}

func TestSlowAnswersAndThrottledAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faulty(t, Options{}, `{"faults":[{"kind":"slow","delay":"3s"},{"kind":"throttle","service":"iam","per_second":1,"burst":2}]}`)
		client := once(c, as("alice"))
		start := time.Now()
		var got []string
		for range 3 {
			_, err := client.ListUsers(t.Context(), nil)
			got = append(got, code(t, err))
		}
		if took := time.Since(start); took != 9*time.Second || strings.Join(got, ",") != ",," {
			t.Errorf("three slow requests took %s: %q", took, got)
		}
	})
	c := faulty(t, Options{Clock: func() time.Time { return noon }}, `{"faults":[{"kind":"throttle","service":"iam","per_second":1,"burst":2}]}`)
	var got []string
	for range 3 {
		_, err := once(c, as("alice")).ListUsers(t.Context(), nil)
		got = append(got, code(t, err))
	}
	_, err := once(c, as("root-admin")).ListUsers(t.Context(), nil)
	if strings.Join(append(got, code(t, err)), ",") != ",,Throttling," {
		t.Errorf("got %q, and %v in another account", got, err)
	}
}

// IAM shows a new user to some requests only after the lag.
func TestLagOfIAM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faulty(t, Options{}, `{"seed":3,"faults":[{"kind":"lag","service":"iam","delay":"5s","rate":0.8}]}`)
		client := once(c, as("alice"))
		if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("eve")}); err != nil {
			t.Fatal(err)
		}
		missed := 0
		for range 20 {
			var none *types.NoSuchEntityException
			if _, err := client.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("eve")}); errors.As(err, &none) {
				missed++
			}
		}
		time.Sleep(6 * time.Second)
		if _, err := client.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("eve")}); err != nil || missed < 5 {
			t.Errorf("%d of 20 requests did not see the user; 6 seconds later: %v", missed, err)
		}
	})
}

// A clock that stands still does not hide a write forever.
func TestLagEndsThoughTheClockStandsStill(t *testing.T) {
	c := faulty(t, Options{Stopped: true}, `{"faults":[{"kind":"lag","delay":"5s"}]}`)
	client := once(c, as("alice"))
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("eve")}); err != nil {
		t.Fatal(err)
	}
	for i := range stillLag + 1 {
		if _, err := client.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("eve")}); err == nil && i > 0 {
			return
		}
	}
	t.Errorf("the user is not visible after %d requests", stillLag+1)
}

func TestSkewedClockRefusesSignaturesAndTellsTheTime(t *testing.T) {
	c := faulty(t, Options{}, `{"faults":[{"kind":"skew","by":"10m"}]}`)
	if _, err := once(c, as("alice")).ListUsers(t.Context(), nil); code(t, err) != "SignatureDoesNotMatch" {
		t.Errorf("a signature that is ten minutes old: %v", err)
	}
	response, err := http.Get(listen(t, c).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil || time.Until(date) < 9*time.Minute {
		t.Errorf("Date is %s: %v", date, err)
	}
}

func TestCredentialReportIsStuck(t *testing.T) {
	c := faulty(t, Options{}, `{"faults":[{"kind":"report-stuck","account":"222222222222"}]}`)
	client := once(c, as("alice"))
	for range 6 {
		out, err := client.GenerateCredentialReport(t.Context(), nil)
		if err != nil || out.State == types.ReportStateTypeComplete {
			t.Fatalf("%v %v", out, err)
		}
		c.Advance(time.Minute)
	}
	if _, err := client.GetCredentialReport(t.Context(), nil); code(t, err) != "ReportInProgress" {
		t.Error(err)
	}
}

func TestAccountDisappears(t *testing.T) {
	c := faulty(t, Options{}, `{"faults":[{"kind":"account-gone","account":"222222222222","after":"1m"}]}`)
	if _, err := once(c, as("alice")).ListUsers(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	_, err := sts.NewFromConfig(c.Config(as("root-admin"), "us-east-1")).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::222222222222:role/Operator"), RoleSessionName: aws.String("admin")})
	if code(t, err) != "AccessDenied" {
		t.Errorf("AssumeRole: %v", err)
	}
	if _, err := once(c, as("alice")).ListUsers(t.Context(), nil); code(t, err) != "InvalidClientTokenId" {
		t.Errorf("a key of the account: %v", err)
	}
	out, err := organizations.NewFromConfig(c.Config(as("root-admin"), "us-east-1")).ListAccounts(t.Context(), nil)
	if err != nil || len(out.Accounts) != 1 {
		t.Errorf("ListAccounts: %v %v", out, err)
	}
	c.View(func(w *world.World) {
		if _, key := w.Key(keyOf("alice")); key != nil {
			t.Error("the key is still there")
		}
	})
}

func TestFaultsThatCannotBe(t *testing.T) {
	c := newCloud(t, Options{})
	for plan, want := range map[string]string{
		`{"faults":[{"kind":"account-gone","account":"999999999999"}]}`: "there is no account 999999999999",
		`{"faults":[{"kind":"account-gone","account":"111111111111"}]}`: "management account",
	} {
		p, err := fault.Parse([]byte(plan))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetFaults(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", plan, err)
		}
	}
	if got := c.Faults(); len(got.Faults) != 0 {
		t.Errorf("the faults are %v", got)
	}
}
