package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/cfnsvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

// covered returns the accounts that the deployment is to reach: all that are active,
// except those that are left out.
func (s *stage) covered() (ids []string) {
	s.box.Cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			if a := w.Account(id); a.State == "ACTIVE" && (a.Unit != "" || w.IsManagement(id)) && !slices.Contains(s.except, id) {
				ids = append(ids, id)
			}
		}
	})
	return ids
}

// function returns the function of an account; nil: there is none.
func (s *stage) function(account string) (f *lambdasvc.Function) {
	s.box.Cloud.View(func(w *world.World) {
		key := "arn:" + w.Partition + ":lambda:" + s.box.Config.Region + ":" + account + ":function:" + deploy.FunctionName
		if found, ok := world.Find[*lambdasvc.Function](w.Account(account), key); ok {
			f = found.CloneItem().(*lambdasvc.Function)
		}
	})
	return f
}

// instanceOf returns why an account has no stack of the stack set.
func (s *stage) instanceOf(account string) (why string) {
	why = "the stack set has no instance there"
	s.box.Cloud.View(func(w *world.World) {
		for _, set := range world.List[*cfnsvc.StackSet](w.Account(s.box.Home)) {
			for _, i := range set.Instances {
				if i.Account == account {
					why = i.Status + ": " + i.Reason
				}
			}
		}
	})
	return why
}

// states returns the audited states of the users of an account: of those that are named,
// or of all.
func (s *stage) states(account string, users ...string) map[string]audit.State {
	states := map[string]audit.State{}
	s.box.Cloud.View(func(w *world.World) {
		now := s.box.Cloud.Now()
		h, stream := w.Snapshot(now)
		for a := range stream {
			if a.ID != account {
				continue
			}
			a.Read = true
			if len(users) > 0 {
				a.Users = slices.DeleteFunc(a.Users, func(u org.User) bool { return !slices.Contains(users, u.Name) })
			}
			for _, u := range audit.New(&h, s.Baseline, now).Audit(a).Users {
				states[u.Name] = u.State
			}
		}
	})
	return states
}

func (s *stage) counts(account string) map[audit.State]int {
	n := map[audit.State]int{}
	for _, state := range s.states(account) {
		n[state]++
	}
	return n
}

// unenforced returns the users of an account that are neither enforced nor exempt.
func (s *stage) unenforced(account string) (users []string) {
	for name, state := range s.states(account) {
		if state != audit.Enforced && state != audit.Exempt {
			users = append(users, name)
		}
	}
	slices.Sort(users)
	return users
}

// called returns an account as the story names it.
func (s *stage) called(account string) (name string) {
	s.box.Cloud.View(func(w *world.World) { name = "account " + account + " (" + w.Account(account).Name + ")" })
	if account == s.joined {
		return "the account new-team"
	}
	return name
}

// until lets the embedded AWS work until a condition holds, at most for some time.
func (s *stage) until(ctx context.Context, limit time.Duration, holds func() bool) error {
	step := max(time.Second, limit/60)
	for end := s.box.Cloud.Now().Add(limit); !holds() && s.box.Cloud.Now().Before(end); {
		if err := s.wait(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// expectEnforced waits until MFA is enforced for a user.
func (s *stage) expectEnforced(ctx context.Context, c *Chapter, account, name string, limit time.Duration) error {
	began := s.box.Cloud.Now()
	enforced := func() bool { return s.states(account, name)[name] == audit.Enforced }
	if s.Patience > 1 {
		limit *= time.Duration(s.Patience)
	}
	if err := s.until(ctx, limit, enforced); err != nil {
		return err
	}
	switch after := s.box.Cloud.Now().Sub(began); {
	case !enforced():
		return fmt.Errorf("MFA is not enforced for %s of account %s after %s: the user is %s", name, account, after.Round(time.Second), s.states(account)[name])
	case limit == 0:
		s.say(c, "MFA stays enforced for %s", name)
	default:
		s.say(c, "MFA is enforced for %s, %s later", name, after.Round(time.Second))
	}
	return nil
}

// messages takes the messages that Slack got. The error is about one that Slack would
// refuse.
func (s *stage) messages() ([]post, error) {
	posts := s.slack.taken()
	for _, p := range posts {
		if p.err != nil {
			return nil, fmt.Errorf("message that Slack would refuse: %w: %.200q", p.err, p.text)
		}
	}
	return posts, nil
}

// expectMessage waits until Slack gets a message that contains all of the texts.
func (s *stage) expectMessage(ctx context.Context, c *Chapter, limit time.Duration, texts ...string) error {
	var found *post
	var failure error
	limit *= time.Duration(max(s.Patience, 1))
	err := s.until(ctx, limit, func() bool {
		posts, err := s.messages()
		failure = err
		for i := range posts {
			missing := func(text string) bool { return !strings.Contains(posts[i].text, text) }
			if !slices.ContainsFunc(texts, missing) {
				found = &posts[i]
			}
		}
		return found != nil || err != nil
	})
	switch {
	case err != nil:
		return err
	case failure != nil:
		return failure
	case found == nil:
		return fmt.Errorf("no message with %q arrived in Slack within %s", strings.Join(texts, " … "), limit)
	}
	headline, _, _ := strings.Cut(found.text, "\n")
	s.say(c, "Slack: %s", headline)
	return nil
}

// expectAlarms checks that an alarm changed to a state in a number of accounts.
func (s *stage) expectAlarms(c *Chapter, name, state string, n int) error {
	accounts := map[string]bool{}
	for _, t := range s.engine.Transitions() {
		if t.Name == name && t.To == state {
			accounts[t.Account] = true
		}
	}
	if len(accounts) != n {
		return fmt.Errorf("the alarm %s changed to %s in %d accounts, not %d: functions that run write a log with metrics", name, state, len(accounts), n)
	}
	s.say(c, "the alarm %s changes to %s in %s", name, state, view.Count(n, "account"))
	return nil
}

// iam returns the client of an administrator of an account.
func (s *stage) iam(ctx context.Context, account string) (*iam.Client, error) {
	cfg, err := s.enter(ctx, account)
	return iam.NewFromConfig(cfg), err
}

// lambda calls an operation of Lambda as the administrator of an account.
func (s *stage) lambda(ctx context.Context, account, operation string, in any) error {
	cfg, err := s.enter(ctx, account)
	if err != nil {
		return err
	}
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	caller, err := s.box.Cloud.Caller(creds.AccessKeyID)
	if err == nil {
		_, err = s.box.Cloud.Do(caller, "lambda", operation, in)
	}
	return err
}

func (s *stage) newFleet() (*fleet.Fleet, error) {
	return fleet.New(s.box.Config, fleet.Options{Rate: -1, Now: s.box.Cloud.Now})
}

// place returns the unit of a new account, and the unit of the account home.
func (s *stage) place(account string) (from, to string) {
	s.box.Cloud.View(func(w *world.World) { from, to = w.Account(account).Unit, w.Account(sample.Dev).Unit })
	return from, to
}

// survey reads some accounts; none: all.
func (s *stage) survey(ctx context.Context, accounts []string) (*survey.Survey, error) {
	s.box.CompleteReports()
	f, err := fleet.New(s.box.Config, fleet.Options{Rate: -1, Now: s.box.Cloud.Now, Accounts: accounts})
	if err != nil {
		return nil, err
	}
	return survey.Open(ctx, survey.Options{Fleet: f, Baseline: s.Baseline, Now: s.box.Cloud.Now()})
}

// correct gives the policy of accounts the text of the config.
func (s *stage) correct(ctx context.Context, accounts []string) (steps int, err error) {
	read, err := s.survey(ctx, accounts)
	if err != nil {
		return 0, err
	}
	p, err := read.Plan(ctx, survey.PlanOptions{})
	if err != nil {
		return 0, err
	}
	var needed []string
	for _, step := range slices.Backward(p.Steps) {
		if step.Op == plan.UpdatePolicy || slices.Contains(needed, step.ID) {
			needed = append(append(needed, step.ID), step.Needs...)
		}
	}
	return s.do(ctx, slices.DeleteFunc(p.Steps, func(step plan.Step) bool { return !slices.Contains(needed, step.ID) }))
}

// do makes steps as an administrator. The error names the first that failed.
func (s *stage) do(ctx context.Context, steps []plan.Step) (done int, err error) {
	config := func(account string) (aws.Config, error) { return s.enter(ctx, account) }
	result := apply.Run(ctx, steps, config, unwritten{}, apply.Options{Now: s.box.Cloud.Now, Sleep: s.sleep})
	for i := range result.Outcomes {
		if o := &result.Outcomes[i]; !o.Status.Reached() {
			return 0, fmt.Errorf("%s of %s: %s: %s", o.Step.Op, o.Step.Subject, o.Status, o.Why)
		}
	}
	return len(result.Outcomes), result.Err
}

// unwritten is the journal of an administrator, whose cloud is discarded afterwards.
type unwritten struct{}

func (unwritten) Append(context.Context, apply.Entry) error { return nil }
