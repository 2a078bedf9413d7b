package rollout

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/testdepth"
)

// A mutation changes a statement of a template.
type mutation struct {
	template, sid string // without a Sid: the name of the policy; of the resource for a trust policy
	names         string // must be in the message
	unseen        string // why the story cannot fail without the statement; empty: it must
}

const (
	alone  = "the statement is only in a deployment without the notifier"
	onlyIf = "the deployment of the story doesn't contain it"
	secure = "every request of the embedded AWS is HTTPS"
)

// rights are the statements without which something fails.
var rights = []mutation{
	{template: deploy.Member, sid: "KeepFailed", names: "sqs:SendMessage"},
	{template: deploy.Member, sid: "ReadAccount", names: "iam:GetAccountAuthorizationDetails"},
	{template: deploy.Bucket, sid: "StackSetsReadPackage", names: "s3:GetObject"},
	{template: deploy.Member, sid: "Join", names: "iam:AddUserToGroup"},
	{template: deploy.Member, sid: "ReadUsers", names: "iam:"},
	{template: deploy.Member, sid: "Attach", names: "iam:Attach"},
	{template: deploy.Member, sid: "Log", names: "logs:CreateLogStream"},
	{template: deploy.Member, sid: "Journal", names: "s3:PutObject"},
	{template: deploy.Member, sid: "Notify", names: "events:PutEvents"},
	{template: deploy.Member, sid: "Window", names: "iam:TagUser"},
	{template: deploy.Member, sid: "Mark", names: "iam:TagUser"},
	{template: deploy.Member, sid: "ReadPolicies", names: "iam:GetPolicy"},
	{template: deploy.Member, sid: "ReadGroups", names: "iam:ListAttachedGroupPolicies"},
	{template: deploy.Member, sid: "KeepUndelivered", names: "sqs:SendMessage"},
	{template: deploy.Member, sid: "KeepUnsent", unseen: alone},
	{template: deploy.Member, sid: "ReadSecrets", unseen: alone},
	{template: deploy.Member, sid: "DecryptSecrets", unseen: alone},
	{template: deploy.Member, sid: "ImportFindings", unseen: onlyIf},
	{template: deploy.Member, sid: "UseSNSTopic", unseen: onlyIf},
	{template: deploy.Member, sid: "UseMailIdentity", unseen: onlyIf},
	{template: deploy.Notifier, sid: "UseSNSTopic", unseen: onlyIf},
	{template: deploy.Notifier, sid: "UseMailIdentity", unseen: onlyIf},
	{template: deploy.Member, sid: "TLSOnly", unseen: secure},
	{template: deploy.Notifier, sid: "KeepUnsent", names: "sqs:SendMessage"},
	{template: deploy.Notifier, sid: "Log", names: "logs:CreateLogStream"},
	{template: deploy.Notifier, sid: "Drain", names: "sqs:ReceiveMessage"},
	{template: deploy.Notifier, sid: "ReadSecrets", names: "secretsmanager:GetSecretValue"},
	{template: deploy.Notifier, sid: "RulesMaySend", names: "sqs:SendMessage"},
	{template: deploy.Notifier, sid: "DecryptSecrets", unseen: onlyIf},
	{template: deploy.Notifier, sid: "TLSOnly", unseen: secure},
	{template: deploy.Bucket, sid: "FunctionsWriteJournals", names: "s3:PutObject"},
	{template: deploy.Bucket, sid: "OnlyFunctionsWriteJournals", names: "s3:PutObject"},
	{template: deploy.Bucket, sid: "JournalsAreNotOverwritten", unseen: "the role of the function refuses it too"},
	{template: deploy.Bucket, sid: "JournalsAreNotDeleted", names: "s3:DeleteObject"},
	{template: deploy.Bucket, sid: "TLSOnly", unseen: secure},
	{template: deploy.Member, sid: "Role", names: "sts:AssumeRole"},
	{template: deploy.Member, sid: "ForwarderRole", unseen: onlyIf},
	{template: deploy.Member, sid: "ForceMFAForwarder", unseen: onlyIf},
	{template: deploy.Notifier, sid: "Role", names: "sts:AssumeRole"},
	{template: deploy.Notifier, sid: "BusPolicy", names: "events:PutEvents"},
}

// conditions are the statements whose conditions refuse something.
var conditions = []mutation{
	{template: deploy.Member, sid: "Attach", names: "iam:AttachUserPolicy"},
	{template: deploy.Member, sid: "Window", names: "iam:TagUser"},
	{template: deploy.Member, sid: "Mark", names: "iam:TagUser"},
	{template: deploy.Member, sid: "Journal", unseen: "the bucket refuses to overwrite a journal too"},
	{template: deploy.Member, sid: "KeepUndelivered", names: "sqs:SendMessage"},
	{template: deploy.Member, sid: "TLSOnly", unseen: secure},
	{template: deploy.Member, sid: "ForwarderRole", unseen: "aws:SourceAccount refuses rules of other accounts, which cannot name this role"},
	{template: deploy.Notifier, sid: "BusPolicy", names: "events:PutEvents"},
	{template: deploy.Notifier, sid: "RulesMaySend", names: "sqs:SendMessage"},
	{template: deploy.Notifier, sid: "TLSOnly", unseen: secure},
	{template: deploy.Bucket, sid: "OnlyFunctionsWriteJournals", names: "s3:PutObject"},
	{template: deploy.Bucket, sid: "JournalsAreNotOverwritten", names: "s3:PutObject"},
	{template: deploy.Bucket, sid: "StackSetsReadPackage", names: "s3:GetObject"},
	{template: deploy.Bucket, sid: "FunctionsWriteJournals", unseen: "OnlyFunctionsWriteJournals refuses the others too"},
	{template: deploy.Bucket, sid: "TLSOnly", unseen: secure},
}

// cut splits a template before and behind the line that begins the statement.
func (m *mutation) cut(name string, template []byte) (before, statement string, found bool) {
	for _, line := range []string{"Sid: " + m.sid + "\n", "\n  " + m.sid + ":\n", "PolicyName: " + m.sid + "\n"} {
		if before, statement, found = strings.Cut(string(template), line); found {
			return before + line, statement, name == m.template
		}
	}
	return "", "", false
}

// action is the action of a statement, up to its resource or principal.
var action = regexp.MustCompile(`(?s)Action:.*?(\n\s+(?:Resource|Principal):)`)

// trustAction is the start of a resource up to the action of its trust policy.
var trustAction = regexp.MustCompile(`(?s)^    Type: AWS::IAM::Role\n.*?AssumeRolePolicyDocument:.*?Action: sts:AssumeRole\n`)

// withoutRight changes the action of the statement.
func (m *mutation) withoutRight(name string, template []byte) []byte {
	before, statement, found := m.cut(name, template)
	if !found {
		return template
	}
	if trust := trustAction.FindStringIndex(statement); trust != nil {
		return []byte(before + statement[:trust[0]] + strings.Replace(statement[trust[0]:trust[1]], "sts:AssumeRole", "sts:TagSession", 1) + statement[trust[1]:])
	}
	at := action.FindStringIndex(statement)
	changed := action.ReplaceAllString(statement[at[0]:at[1]], "Action: sts:DecodeAuthorizationMessage$1")
	return []byte(before + statement[:at[0]] + changed + statement[at[1]:])
}

// withoutCondition removes the condition of the statement.
func (m *mutation) withoutCondition(name string, template []byte) []byte {
	before, statement, found := m.cut(name, template)
	if !found {
		return template
	}
	var kept []string
	state, indent := 0, 0 // before, in and behind the condition
	for line := range strings.Lines(statement) {
		now := len(line) - len(strings.TrimLeft(line, " "))
		if strings.HasPrefix(line[now:], "Condition:") && state == 0 {
			state, indent = 1, now
			continue
		}
		if state == 1 && now > indent {
			continue
		}
		if state == 1 {
			state = 2
		}
		kept = append(kept, line)
	}
	return []byte(before + strings.Join(kept, ""))
}

// chosen are the mutations to try: some, or all with -whole.
func chosen(all []mutation, n int) (some []mutation) {
	for _, m := range all {
		if m.unseen == "" && (*whole || len(some) < n) {
			some = append(some, m)
		}
	}
	return some
}

// expect plays the story with a changed template: it must fail, with a message that names
// the right.
func (m *mutation) expect(t *testing.T, o Options, change func(string, []byte) []byte) {
	t.Helper()
	changed := false
	o.Template = func(name string, template []byte) []byte {
		got := change(name, template)
		changed = changed || !bytes.Equal(got, template)
		return got
	}
	story := played(t, o)
	last := story.Chapters[len(story.Chapters)-1]
	if why := strings.Join(last.Why, "\n"); !changed || last.Passed || !strings.Contains(why, m.names) {
		t.Errorf("changed: %v; part %s passed: %v; the message does not name %s: %s", changed, last.Name, last.Passed, m.names, why)
	}
}

// A template without one of its rights fails, with a message that names the right.
func TestAMissingRightIsNamed(t *testing.T) {
	for _, m := range chosen(rights, 3/testdepth.Each(3)) {
		t.Run(m.template+"/"+m.sid, func(t *testing.T) { m.expect(t, Options{}, m.withoutRight) })
	}
}

// A template without one of its conditions fails: somebody may do what nobody should.
func TestADroppedConditionIsNamed(t *testing.T) {
	testdepth.Need(t)
	for _, m := range chosen(conditions, 1) {
		t.Run(m.template+"/"+m.sid, func(t *testing.T) {
			m.expect(t, Options{Only: []string{"plan", "deploy", "schedule", "limits"}}, m.withoutCondition)
		})
	}
}

var sid = regexp.MustCompile(`Sid: (\w+)\n`)

// Every statement of the templates of the story is mutated, or has a reason.
func TestEveryStatementOfTheTemplatesIsMutated(t *testing.T) {
	b, err := baseline.Parse("the sample's forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{deploy.Bucket, deploy.Notifier, deploy.Member} {
		text, err := deploy.Render(name, b, "aws")
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range unnamed(string(text)) {
			if m := (mutation{template: name, sid: place}); !listed(rights, &m) {
				t.Errorf("no right is taken from the statement of %s in template %s", m.sid, name)
			}
		}
		for _, found := range sid.FindAllSubmatch(text, -1) {
			m := mutation{template: name, sid: string(found[1])}
			if !listed(rights, &m) {
				t.Errorf("no right is taken from statement %s of template %s", m.sid, name)
			}
			if conditioned := !bytes.Equal(m.withoutCondition(name, ownStatement(&m, text)), ownStatement(&m, text)); conditioned && !listed(conditions, &m) {
				t.Errorf("the condition of statement %s of template %s is not dropped", m.sid, name)
			}
		}
	}
}

var (
	resourceLine = regexp.MustCompile(`^  (\w+):\n$`)
	policyLine   = regexp.MustCompile(`^ +- PolicyName: (\w+)\n$`)
)

// unnamed returns where the statements of a template are that have no Sid: the resource, or
// the policy in it.
func unnamed(template string) (places []string) {
	place, named := "", false
	for line := range strings.Lines(template) {
		text := strings.TrimLeft(strings.TrimSpace(line), "- ")
		switch found, policy := resourceLine.FindStringSubmatch(line), policyLine.FindStringSubmatch(line); {
		case found != nil:
			place = found[1]
		case policy != nil:
			place = policy[1]
		case strings.HasPrefix(text, "Sid:"):
			named = true
		case strings.HasPrefix(text, "Effect:"):
			if !named {
				places = append(places, place)
			}
			named = false
		}
	}
	return places
}

// ownStatement is a template up to the end of a statement.
func ownStatement(m *mutation, template []byte) []byte {
	before, statement, _ := m.cut(m.template, template)
	if next := sid.FindStringIndex(statement); next != nil {
		statement = statement[:next[0]]
	}
	if end := strings.Index(statement, "\n\n"); end >= 0 {
		statement = statement[:end+1]
	}
	return []byte(before + statement)
}

func listed(all []mutation, m *mutation) bool {
	for i := range all {
		if all[i].template == m.template && all[i].sid == m.sid {
			return true
		}
	}
	return false
}
