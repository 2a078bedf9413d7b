package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"forcemfa/internal/emulator/world"
)

// once returns a client that does not retry.
func once(c *Cloud, creds aws.CredentialsProvider) *iam.Client {
	config := c.Config(creds, "us-east-1")
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return iam.NewFromConfig(config)
}

// outcomes are the codes of a number of calls.
func outcomes(t *testing.T, c *Cloud, n int) []string {
	t.Helper()
	client := once(c, as("alice"))
	var out []string
	for range n {
		_, err := client.ListUsers(context.Background(), &iam.ListUsersInput{})
		out = append(out, code(t, err))
	}
	return out
}

func TestFaultsFollowFromTheSeed(t *testing.T) {
	strict := &Strict{Throttle: 0.3, Fail: 0.3}
	first := outcomes(t, newCloud(t, Options{Strict: strict, Seed: 1}), 100)
	again := outcomes(t, newCloud(t, Options{Strict: strict, Seed: 1}), 100)
	other := outcomes(t, newCloud(t, Options{Strict: strict, Seed: 2}), 100)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same seed gives other faults:\n%s", diff)
	}
	if cmp.Equal(first, other) {
		t.Error("another seed gives the same faults")
	}
	got := map[string]int{}
	for _, code := range first {
		got[code]++
	}
	for _, code := range []string{"", "Throttling", "ServiceFailure"} {
		if got[code] < 10 {
			t.Errorf("%q happened %d times of 100", code, got[code])
		}
	}
}

func TestThirdAttemptGetsThrough(t *testing.T) {
	unlucky := 0
	for i, code := range outcomes(t, newCloud(t, Options{Strict: &Strict{Throttle: 1}}), 30) {
		if code == "" {
			unlucky = 0
			continue
		}
		if unlucky++; unlucky == 3 {
			t.Fatalf("call %d is the third in a row that does not get through", i)
		}
	}
}

func TestFailedWriteMayBeDone(t *testing.T) {
	done, undone := 0, 0
	for seed := range uint64(40) {
		c := newCloud(t, Options{Strict: &Strict{Fail: 1}, Seed: seed})
		_, err := once(c, as("alice")).CreateUser(context.Background(), &iam.CreateUserInput{UserName: aws.String("eve")})
		if got := code(t, err); got != "ServiceFailure" {
			t.Fatalf("got %q", got)
		}
		c.View(func(w *world.World) {
			if w.Account(member).Users["eve"] != nil {
				done++
			} else {
				undone++
			}
		})
	}
	if done < 8 || undone < 8 {
		t.Errorf("of 40 failed writes %d were done and %d were not", done, undone)
	}
}

func TestPagesAreSmall(t *testing.T) {
	c := newCloud(t, Options{Strict: &Strict{PageSize: 2}})
	pages := iam.NewListUsersPaginator(iamOf(c, as("alice")), &iam.ListUsersInput{MaxItems: aws.Int32(1000)})
	var names []string
	n := 0
	for ; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			names = append(names, *u.UserName)
		}
	}
	if diff := cmp.Diff([]string{"alice", "bob", "fay"}, names); diff != "" || n < 2 {
		t.Errorf("%d pages (-want +got):\n%s", n, diff)
	}
}

func TestWritesAreVisibleLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, Options{Strict: &Strict{Lag: 3 * time.Second, LagShare: 0.9}, Seed: 5})
		client := once(c, as("alice"))
		if _, err := client.CreateUser(context.Background(), &iam.CreateUserInput{UserName: aws.String("eve")}); err != nil {
			t.Fatal(err)
		}
		missed := map[string]int{}
		for i := range 20 {
			var none *types.NoSuchEntityException
			if _, err := client.GetUser(context.Background(), &iam.GetUserInput{UserName: aws.String("eve")}); errors.As(err, &none) {
				missed["GetUser"]++
			} else if err != nil {
				t.Fatal(err)
			}
			tag := types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("v")}
			if _, err := client.TagUser(context.Background(), &iam.TagUserInput{UserName: aws.String("eve"), Tags: []types.Tag{tag}}); errors.As(err, &none) {
				missed["TagUser"]++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if missed["GetUser"] < 3 || missed["TagUser"] < 3 {
			t.Errorf("of 20 calls right after the write did not see it: %v", missed)
		}
		time.Sleep(4 * time.Second)
		for range 20 {
			if _, err := client.GetUser(context.Background(), &iam.GetUserInput{UserName: aws.String("eve")}); err != nil {
				t.Fatalf("four seconds later: %v", err)
			}
		}
	})
}

func TestGoMethodHasNoFaults(t *testing.T) {
	c := newCloud(t, Options{Strict: &Strict{PageSize: 1, Throttle: 1, Fail: 1, Lag: time.Hour, LagShare: 1}})
	caller, err := c.Caller(keyOf("alice"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"eve", "sue"} {
		if _, err := c.Do(caller, "iam", "CreateUser", &iam.CreateUserInput{UserName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.Do(caller, "iam", "ListUsers", &iam.ListUsersInput{})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(out.(*iam.ListUsersOutput).Users); got != 5 {
		t.Errorf("%d users, want 5", got)
	}
}

func TestGoMethodIsAuthorized(t *testing.T) {
	c := newCloud(t, Options{})
	caller, err := c.Caller(keyOf("bob"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(caller, "iam", "ListUsers", &iam.ListUsersInput{})
	if got := code(t, err); got != "AccessDenied" {
		t.Errorf("got %q", got)
	}
}

func TestForkIsIndependent(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	fork := c.Fork()
	fork.Advance(time.Hour)
	create := &iam.CreateUserInput{UserName: aws.String("eve")}
	if _, err := iamOf(fork, as("alice")).CreateUser(context.Background(), create); err != nil {
		t.Fatal(err)
	}
	get := &iam.GetUserInput{UserName: aws.String("eve")}
	if _, err := iamOf(fork, as("alice")).GetUser(context.Background(), get); err != nil {
		t.Errorf("the fork does not have its user: %v", err)
	}
	_, err := iamOf(c, as("alice")).GetUser(context.Background(), get)
	if got := code(t, err); got != "NoSuchEntity" {
		t.Errorf("the first cloud says %q of the fork's user", got)
	}
	if !c.Now().Equal(noon) || !fork.Now().Equal(noon.Add(time.Hour)) {
		t.Errorf("clocks are %s and %s", c.Now(), fork.Now())
	}
	want := []Count{{member, "iam", "CreateUser", 1}, {member, "iam", "GetUser", 1}}
	if diff := cmp.Diff(want, fork.Counts()); diff != "" {
		t.Errorf("counts of the fork (-want +got):\n%s", diff)
	}
}

func TestEveryCallIsObserved(t *testing.T) {
	c := newCloud(t, Options{})
	var got []string
	c.OnCall(func(r Record) {
		outcome := "done"
		if r.Err != nil {
			outcome = code(t, r.Err)
		}
		got = append(got, r.Caller.Principal.ARN+" "+r.Service+" "+r.Operation+" "+outcome)
	})
	if _, err := iamOf(c, as("alice")).ListUsers(context.Background(), &iam.ListUsersInput{}); err != nil {
		t.Fatal(err)
	}
	if _, err := iamOf(c, as("bob")).ListUsers(context.Background(), &iam.ListUsersInput{}); err == nil {
		t.Fatal("bob may list users")
	}
	want := []string{
		"arn:aws:iam::222222222222:user/alice iam ListUsers done",
		"arn:aws:iam::222222222222:user/bob iam ListUsers AccessDenied",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.ResetCounts()
	if got := c.Counts(); len(got) != 0 {
		t.Errorf("after the reset: %v", got)
	}
}

func TestKeyUseIsNoted(t *testing.T) {
	c := newCloud(t, Options{})
	if _, err := iamOf(c, as("alice")).ListUsers(context.Background(), &iam.ListUsersInput{}); err != nil {
		t.Fatal(err)
	}
	c.View(func(w *world.World) {
		_, k := w.Key(keyOf("alice"))
		use := w.KeyUse(k)
		if use.Service != "iam" || use.Region != "us-east-1" || time.Since(use.At) > time.Minute {
			t.Errorf("last use is %+v", use)
		}
	})
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	c := newCloud(t, Options{})
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "[::]:0", "example.com:0", "127.0.0.1"} {
		if s, err := c.Listen(address); err == nil {
			s.Close()
			t.Errorf("%s is served", address)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.1.2.3:0"} {
		s, err := c.Listen(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		response, err := http.Get(s.Endpoint)
		if err != nil {
			t.Errorf("%s: %v", address, err)
		} else {
			response.Body.Close()
		}
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", address, err)
		}
	}
}

// An SDK client over the socket follows an advanced clock.
func TestClientOverTheSocketFollowsTheClock(t *testing.T) {
	c := newCloud(t, Options{})
	s := listen(t, c)
	client := iam.NewFromConfig(aws.Config{Region: "us-east-1", Credentials: as("alice"), BaseEndpoint: &s.Endpoint})
	for range 2 {
		c.Advance(13 * time.Hour)
		if _, err := client.ListUsers(context.Background(), &iam.ListUsersInput{}); err != nil {
			t.Error(err)
		}
	}
}

// Under the race detector this shows that a cloud may be shared.
func TestManyClientsAtOnce(t *testing.T) {
	c := newCloud(t, Options{Strict: &Strict{PageSize: 2, Lag: time.Second, LagShare: 0.5}})
	c.OnCall(func(Record) {})
	var all errgroup.Group
	for i := range 8 {
		all.Go(func() error {
			client := iamOf(c, as("alice"))
			for j := range 5 {
				name := fmt.Sprintf("user-%d-%d", i, j)
				if _, err := client.CreateUser(context.Background(), &iam.CreateUserInput{UserName: &name}); err != nil {
					return err
				}
				if _, err := iamOf(c.Fork(), as("alice")).ListUsers(context.Background(), &iam.ListUsersInput{}); err != nil {
					return err
				}
				c.Advance(time.Second)
				c.Counts()
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	c.View(func(w *world.World) {
		if got := len(w.Account(member).Users); got != 3+8*5 {
			t.Errorf("%d users, want %d", got, 3+8*5)
		}
	})
}
