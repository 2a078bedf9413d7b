package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/cfnsvc"
	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/plan"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

// playRollback switches the functions to report, undoes the run that enforced MFA for the
// new user, and switches them back.
func playRollback(ctx context.Context, s *stage, c *Chapter) error {
	if err := s.roll(ctx, c, map[string]string{"Mode": "report"}); err != nil {
		return err
	}
	record, err := s.journal(ctx, home, hired)
	if err != nil {
		return err
	}
	n, err := s.do(ctx, record.Undo())
	if err != nil {
		return err
	}
	if s.states(home)[hired] == audit.Enforced {
		return fmt.Errorf("MFA is still enforced for %s", hired)
	}
	s.say(c, "rollback of a run from %s: %s undone, MFA is not enforced for %s", s.journals(home), view.Count(n, "step"), hired)
	if err := s.roll(ctx, c, map[string]string{"Mode": "enforce"}); err != nil {
		return err
	}
	return s.expectEnforced(ctx, c, home, hired, 25*time.Hour)
}

func (s *stage) journals(account string) apply.S3Place {
	place, _ := apply.ParseS3Place(s.function(account).Environment["FORCEMFA_JOURNAL"])
	return place
}

// journal returns the last run that added a user to the group.
func (s *stage) journal(ctx context.Context, account, user string) (*apply.Record, error) {
	cfg, err := s.enter(ctx, s.box.Home)
	if err != nil {
		return nil, err
	}
	client, place := s3.NewFromConfig(cfg), s.journals(account)
	runs, err := apply.S3RunIDs(ctx, client, place)
	if err != nil {
		return nil, err
	}
	for _, run := range slices.Backward(runs) {
		record, err := apply.ReadS3Journal(ctx, client, place, run)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(record.Undo(), func(step plan.Step) bool { return strings.HasSuffix(step.Subject, "/"+user) }) {
			return record, nil
		}
	}
	return nil, fmt.Errorf("none of the %d journals at %s is about %s", len(runs), place, user)
}

// playRemoval removes the deployment and then, with apply --remove, the policies and
// groups.
func playRemoval(ctx context.Context, s *stage, c *Chapter) error {
	d, err := s.open(ctx, nil)
	if err != nil {
		return err
	}
	var failed []string
	err = d.Remove(ctx, func(o deploy.Outcome) {
		if o.Status == deploy.Failed || o.Status == deploy.Skipped && o.Why != "" && !strings.HasPrefix(o.Why, "kept") {
			failed = append(failed, fmt.Sprintf("%s %s in account %s: %s", o.Kind, o.Name, o.Account, o.Why))
		}
	})
	if err == nil && len(failed) > 0 {
		err = errors.New(strings.Join(failed, "; "))
	}
	if err != nil {
		return err
	}
	if left := s.left(); len(left) > 0 {
		return fmt.Errorf("left after deploy apply --remove: %s", strings.Join(left, ", "))
	}
	s.say(c, "deploy apply --remove: no function, rule, alarm, stack or role is left; users stay enforced")
	if err := s.expectEnforced(ctx, c, home, hired, 0); err != nil {
		return err
	}
	read, err := s.survey(ctx, nil)
	if err != nil {
		return err
	}
	p, err := read.Plan(ctx, survey.PlanOptions{Remove: true})
	if err != nil {
		return err
	}
	n, err := s.do(ctx, p.Steps)
	if err != nil {
		return err
	}
	for _, id := range s.covered() {
		if !slices.Contains(s.closed, id) && s.managed(id) {
			return fmt.Errorf("account %s still has the policy or the group", id)
		}
	}
	s.say(c, "apply --remove: %s; the policy and the group are gone from every account that can be entered", view.Count(n, "step"))
	s.say(c, "kept on purpose: the bucket with the journals, the logs, and the queues of the notifier")
	return nil
}

// left returns the resources of the deployment that exist.
func (s *stage) left() (found []string) {
	s.box.Cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			a := w.Account(id)
			for key, item := range a.Items {
				switch item := item.(type) {
				case *lambdasvc.Function, *eventssvc.Rule, *eventssvc.Bus, *cloudwatchsvc.Alarm, *cfnsvc.StackSet:
					found = append(found, key)
				case *cfnsvc.Stack:
					if !item.Deleted && !strings.HasSuffix(item.Name, "-bucket") {
						found = append(found, key)
					}
				}
			}
			for _, r := range a.Roles {
				if r.Path == baseline.Path || strings.HasPrefix(r.Name, "stacksets-exec-") {
					found = append(found, w.RoleARN(id, r))
				}
			}
		}
	})
	slices.Sort(found)
	return found
}

// managed reports whether an account has the policy or the group of forcemfa.
func (s *stage) managed(account string) (there bool) {
	s.box.Cloud.View(func(w *world.World) {
		a := w.Account(account)
		g := a.Groups[world.Fold(baseline.GroupName)]
		there = a.Policies[baseline.PolicyARN(w.Partition, account)] != nil || g != nil && g.Path == baseline.Path
	})
	return there
}
