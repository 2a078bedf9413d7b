package probe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/console"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/probe"
	"forcemfa/internal/rehearse"
)

// A person signs in on the page of the embedded AWS, by HTTP.
type person struct {
	t     *testing.T
	tries []int
	pages []string // the last page of each try
}

var attemptField = regexp.MustCompile(`name="attempt" value="(\w+)"`)

func (p *person) post(page string, form url.Values) (text string, redirected bool) {
	p.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(page+"sign-in", form)
	if err != nil {
		p.t.Error(err)
		return "", false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Error(err)
	}
	return string(body), answer.StatusCode == http.StatusSeeOther
}

// signIn sets a new password. Like somebody who reads slowly, the person says nothing if
// the page accepts it.
func (p *person) signIn(ctx context.Context, in probe.SignIn) error {
	p.tries = append(p.tries, in.Try)
	page, _ := p.post(in.Page, url.Values{"account": {in.Account}, "user": {in.User}, "password": {in.Password}})
	attempt := attemptField.FindStringSubmatch(page)
	if attempt == nil || !strings.Contains(page, "Set a new password") {
		p.t.Errorf("the page does not ask for a new password: %s", page)
		return errors.New("no page")
	}
	set := url.Values{"attempt": attempt[1:2], "new": {"Another-Horse-2"}, "again": {"Another-Horse-3"}}
	if page, accepted := p.post(in.Page, set); accepted || !strings.Contains(page, "not the same") {
		p.t.Errorf("two different passwords: %s", page)
	}
	set.Set("again", set.Get("new"))
	page, accepted := p.post(in.Page, set)
	p.pages = append(p.pages, page)
	if accepted {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// signingIn is a probe of which all questions except that about a first sign-in end at
// once.
func signingIn(t *testing.T, readings operation.Readings) (*rehearse.Sandbox, probe.Options) {
	t.Helper()
	box, o := empty(t, readings)
	page, err := console.Listen(box.Cloud, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = page.Close() })
	o.SignInPage = page.URL
	o.Pause = func(ctx context.Context, _ time.Duration) error { time.Sleep(time.Millisecond); return ctx.Err() }
	return box, o
}

func observedOf(answers []probe.Answer, id string) probe.Answer {
	i := slices.IndexFunc(answers, func(a probe.Answer) bool { return a.ID == id })
	if i < 0 {
		return probe.Answer{}
	}
	return answers[i]
}

func TestAPersonShowsWhatAFirstSignInNeeds(t *testing.T) {
	for want, row := range map[string]struct {
		readings operation.Readings
		tries    []int
	}{
		"iam:ChangePassword": {operation.Readings{}, []int{1, 2}},
		"iam:ChangePassword and iam:GetAccountPasswordPolicy": {operation.Readings{NewPasswordNeedsPolicy: true}, []int{1, 2, 3}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			box, o := signingIn(t, row.readings)
			p := &person{t: t}
			o.SignIn = p.signIn
			before, used := digest(t, box), map[string]bool{}
			var mu sync.Mutex // the page and the probe call at the same time
			box.Cloud.OnCall(func(r emulator.Record) {
				mu.Lock()
				defer mu.Unlock()
				used[r.Service+":"+r.Operation] = true
			})
			answers, err := probe.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if a := observedOf(answers, "change-password"); a.Observed != want || a.Why != "" {
				t.Errorf("%+v", a)
			}
			if !slices.Equal(p.tries, row.tries) || !strings.Contains(p.pages[0], "refuses forcemfa-probe-sign-in a new password") {
				t.Errorf("tries %v\n%s", p.tries, p.pages[0])
			}
			if digest(t, box) != before {
				t.Error("the account is not as it was")
			}
			mu.Lock()
			defer mu.Unlock()
			delete(used, "iam:ChangePassword") // of the page
			checkCalls(t, probe.Calls(true), used)
		})
	}
}

// Whoever says that the page refused, and never tried, is no proof of anything.
func TestAFirstSignInWithoutAPersonIsNotMeasured(t *testing.T) {
	for name, row := range map[string]struct {
		prepare func(*rehearse.Sandbox)
		signIn  func(context.Context, probe.SignIn) error
		why     string
	}{
		"no person":         {nil, nil, "add --sign-in"},
		"a person who lies": {nil, func(context.Context, probe.SignIn) error { return nil }, "although the user had both permissions"},
		"a person who left": {nil, func(ctx context.Context, _ probe.SignIn) error { <-ctx.Done(); return ctx.Err() }, "nobody signed in within 15m0s"},
		"an open policy": {func(box *rehearse.Sandbox) {
			_, err := iam.NewFromConfig(box.Config).UpdateAccountPasswordPolicy(t.Context(), &iam.UpdateAccountPasswordPolicyInput{AllowUsersToChangePassword: true, MinimumPasswordLength: aws.Int32(8)})
			if err != nil {
				t.Error(err)
			}
		}, func(context.Context, probe.SignIn) error { return errors.New("asked") }, "AllowUsersToChangePassword"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box, o := signingIn(t, operation.Readings{})
			if row.prepare != nil {
				row.prepare(box)
			}
			before := digest(t, box)
			o.SignIn = row.signIn
			answers, err := probe.Run(t.Context(), o)
			if a := observedOf(answers, "change-password"); err != nil || a.Observed != "" || !strings.Contains(a.Why, row.why) {
				t.Errorf("%v: %+v", err, a)
			}
			if digest(t, box) != before {
				t.Error("the account is not as it was")
			}
		})
	}
}

// Ctrl-C while the person is at the page removes the user and its password.
func TestAnInterruptedSignInRemovesTheUser(t *testing.T) {
	box, o := signingIn(t, operation.Readings{})
	before := digest(t, box)
	ctx, stop := context.WithCancel(t.Context())
	o.SignIn = func(asked context.Context, _ probe.SignIn) error {
		stop()
		<-asked.Done()
		return asked.Err()
	}
	if _, err := probe.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if digest(t, box) != before {
		t.Error("the account is not as it was")
	}
}
