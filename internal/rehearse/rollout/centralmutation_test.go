package rollout

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/testdepth"
)

const (
	workers = "only the workers of central-map have results: TestTheWorkersOfTheMapEnforceInEveryAccount"
	kept    = "only what fails is kept, and nothing fails in this run"
	logged  = "Lambda writes the log, and a run is judged by its calls: the story misses the same right in the template member"
	stepped = "Step Functions is not embedded: the machine of TestTheWorkersOfTheMapEnforceInEveryAccount misses the right"
	started = "Step Functions is not embedded, and nothing starts the state machine"
)

// centralRights are the statements of the deployment with one function.
var centralRights = []mutation{
	{template: deploy.Central, sid: "EnterAccounts", names: "sts:AssumeRole"},
	{template: deploy.Central, sid: "ListAccounts", names: "organizations:"},
	{template: deploy.Central, sid: "ReadSecrets", names: "secretsmanager:GetSecretValue"},
	{template: deploy.Central, sid: "Role", names: "cannot be assumed by Lambda"}, // as AWS words it
	{template: deploy.CentralMember, sid: "Role", names: "sts:AssumeRole"},
	{template: deploy.Central, sid: "Log", unseen: logged},
	{template: deploy.Central, sid: "Results", unseen: workers},
	{template: deploy.Central, sid: "ListResults", unseen: workers},
	{template: deploy.Central, sid: "KeepFailed", unseen: kept},
	{template: deploy.Central, sid: "KeepUnsent", unseen: kept},
	{template: deploy.Central, sid: "KeepUndelivered", unseen: kept},
	{template: deploy.Central, sid: "DecryptSecrets", unseen: onlyIf},
	{template: deploy.Central, sid: "ImportFindings", unseen: onlyIf},
	{template: deploy.Central, sid: "UseSNSTopic", unseen: onlyIf},
	{template: deploy.Central, sid: "UseMailIdentity", unseen: onlyIf},
	{template: deploy.Central, sid: "TLSOnly", unseen: secure},
	{template: deploy.CentralMap, sid: "InvokeFunction", unseen: stepped},
	{template: deploy.CentralMap, sid: "StartWorkers", unseen: stepped},
	{template: deploy.CentralMap, sid: "FollowWorkers", unseen: stepped},
	{template: deploy.CentralMap, sid: "ReadListOfAccounts", unseen: stepped},
	{template: deploy.CentralMap, sid: "WriteOutputOfWorkers", unseen: stepped},
	{template: deploy.CentralMap, sid: "StartRole", unseen: started},
	{template: deploy.CentralMap, sid: "ForceMFACentralStart", unseen: started},
	{template: deploy.CentralMap, sid: "StatesRole", unseen: started},
}

// refusals deploys the central function with a changed template, waits for its next run, and
// returns what failed: parts of the deployment, and calls that policies refused.
func refusals(t *testing.T, change func(string, []byte) []byte) []string {
	t.Helper()
	s := newStage(t)
	ctx := t.Context()
	if err := playPlan(ctx, s, new(Chapter)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	failed := map[string]bool{}
	add := func(why string) {
		mu.Lock()
		defer mu.Unlock()
		failed[why] = true
	}
	s.Observe = func(r emulator.Record) {
		if r.Err != nil && (strings.Contains(r.Err.Error(), "not authorized") || strings.Contains(r.Err.Error(), "AccessDenied")) {
			add(fmt.Sprintf("%s:%s: %v", r.Service, r.Operation, r.Err))
		}
	}
	s.Template = change
	err := s.central(t, map[string]string{"Mode": "enforce", "SlackWebhookParameter": s.secret}).Apply(ctx, func(o deploy.Outcome) {
		if o.Status == deploy.Failed {
			add(fmt.Sprintf("%s %s in account %s: %s", o.Kind, o.Name, o.Account, o.Why))
		}
	})
	if err != nil {
		add(err.Error())
	}
	if err := s.wait(ctx, 30*time.Hour); err != nil {
		add(err.Error())
	}
	mu.Lock()
	defer mu.Unlock()
	all := make([]string, 0, len(failed))
	for why := range failed {
		all = append(all, why)
	}
	slices.Sort(all)
	return all
}

// A central template without one of its rights fails, with a message that names the right.
func TestAMissingRightOfTheCentralFunctionIsNamed(t *testing.T) {
	testdepth.Need(t)
	usual := refusals(t, nil)
	for _, m := range chosen(centralRights, 1) {
		t.Run(m.template+"/"+m.sid, func(t *testing.T) {
			changed := false
			all := refusals(t, func(name string, template []byte) []byte {
				got := m.withoutRight(name, template)
				changed = changed || string(got) != string(template)
				return got
			})
			more := slices.DeleteFunc(all, func(why string) bool { return slices.Contains(usual, why) })
			if !changed || !strings.Contains(strings.Join(more, "\n"), m.names) {
				t.Errorf("changed: %v; no message names %s:\n%s", changed, m.names, strings.Join(more, "\n"))
			}
		})
	}
}

// Every statement of the templates of the central function is mutated, or has a reason.
// What the template of an account shares with the one of a function is mutated there.
func TestEveryStatementOfTheCentralTemplatesIsMutated(t *testing.T) {
	b, err := baseline.Parse("the sample's forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	member, err := deploy.Render(deploy.Member, b, "aws")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{deploy.Central, deploy.CentralMap, deploy.CentralMember} {
		text, err := deploy.Render(name, b, "aws")
		if err != nil {
			t.Fatal(err)
		}
		places := unnamed(string(text))
		for _, found := range sid.FindAllSubmatch(text, -1) {
			places = append(places, string(found[1]))
		}
		for _, place := range places {
			m := mutation{template: name, sid: place}
			inMember := mutation{template: deploy.Member, sid: place}
			shared := name == deploy.CentralMember && listed(rights, &inMember) && string(statementOf(&m, text)) == string(statementOf(&inMember, member))
			if name == deploy.CentralMap && !listed(centralRights, &m) {
				m.template = deploy.Central // central-map has the statements of central too
			}
			if !shared && !listed(centralRights, &m) {
				t.Errorf("no right is taken from statement %s of template %s", place, name)
			}
		}
	}
}

// statementOf is one statement of a template, without its indentation.
func statementOf(m *mutation, template []byte) []byte {
	_, statement, _ := m.cut(m.template, ownStatement(m, template))
	if end := sid.FindStringIndex(statement); end != nil {
		statement = statement[:end[0]]
	}
	var out []string
	for line := range strings.Lines(statement) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "- Fn::If:") || strings.HasPrefix(text, "- {Ref:") {
			break // the frame of this or the next statement
		} else if strings.HasPrefix(text, "#") || text == "" || text == "-" {
			continue
		}
		out = append(out, strings.TrimSpace(line))
	}
	return []byte(strings.Join(out, "\n"))
}
