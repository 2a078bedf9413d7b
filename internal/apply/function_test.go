package apply_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/plan"
)

const (
	functionRun = "20261102T090000Z-123456789"
	homeAccount = "111122223333"
)

var (
	windowTag = baseline.Default().Window.Tag

	absent  = plan.State{}
	present = plan.State{Present: true}
)

// functionSteps are one step of each kind that the function makes.
func functionSteps() []plan.Step {
	user := func(name string) string { return "arn:aws:iam::" + homeAccount + ":user/team/" + name }
	policy := baseline.PolicyARN("aws", homeAccount)
	return []plan.Step{
		plan.NewStep(plan.TagUser, homeAccount, user("ann"), windowTag, absent, plan.State{Present: true, Value: "2026-11-09"}),
		plan.NewStep(plan.AttachGroupPolicy, homeAccount, baseline.GroupARN("aws", homeAccount), policy, absent, present),
		plan.NewStep(plan.AddUserToGroup, homeAccount, user("bea"), baseline.GroupName, absent, present),
		plan.NewStep(plan.AttachUserPolicy, homeAccount, user("cal"), policy, absent, present),
		plan.NewStep(plan.UntagUser, homeAccount, user("dan"), windowTag, plan.State{Present: true, Value: "2026-11-05"}, absent),
	}
}

// written is the journal of a run that did the steps.
func written(steps ...plan.Step) *apply.Record {
	r := &apply.Record{Run: functionRun, Entries: []apply.Entry{{Kind: apply.Begin, Time: start, Format: apply.Format, Steps: len(steps), Home: "999999999999"}}}
	for i := range steps {
		before := steps[i].Expect
		r.Entries = append(r.Entries,
			apply.Entry{Kind: apply.Intent, Time: start.Add(time.Second), Step: &steps[i], Before: &before},
			apply.Entry{Kind: apply.Ended, Time: start.Add(2 * time.Second), ID: steps[i].ID, Status: apply.Done})
	}
	r.Entries = append(r.Entries, apply.Entry{Kind: apply.End, Time: start.Add(3 * time.Second)})
	return r
}

func checkFunction(r *apply.Record) error {
	return r.CheckFunction(homeAccount, baseline.Default(), start.Add(time.Hour))
}

func TestTheJournalOfTheFunctionIsAccepted(t *testing.T) {
	whole := written(functionSteps()...)
	for last := 1; last <= len(whole.Entries); last++ { // also of a run that was killed
		r := &apply.Record{Run: functionRun, Entries: whole.Entries[:last]}
		if err := checkFunction(r); err != nil {
			t.Errorf("%d entries: %v", last, err)
		}
	}
	if n := len(whole.Undo()); n != len(functionSteps()) {
		t.Errorf("%d steps to undo", n)
	}
}

// Everybody who can write to the bucket can write a journal. Each of these differs from a
// journal of the function in one thing.
func TestAForgedJournalIsRefused(t *testing.T) {
	user := "arn:aws:iam::" + homeAccount + ":user/bob"
	member := func(change func(*plan.Step)) *apply.Record {
		s := plan.NewStep(plan.AddUserToGroup, homeAccount, user, baseline.GroupName, absent, present)
		change(&s)
		return written(s)
	}
	renamed := func(account, subject, object string) *apply.Record {
		return written(plan.NewStep(plan.AddUserToGroup, account, subject, object, absent, present))
	}
	step := func(op plan.Op, subject, object string, expect, want plan.State) *apply.Record {
		return written(plan.NewStep(op, homeAccount, subject, object, expect, want))
	}
	entry := func(change func(r *apply.Record)) *apply.Record {
		r := written(functionSteps()...)
		change(r)
		return r
	}
	document := plan.State{Present: true, Document: `{"Statement":[]}`}
	for name, row := range map[string]struct {
		journal *apply.Record
		want    string
	}{
		"another account":                 {renamed("444455556666", "arn:aws:iam::444455556666:user/bob", "ForceMFA"), `in account "444455556666"`},
		"a subject of another account":    {member(func(s *plan.Step) { s.Subject = "arn:aws:iam::444455556666:user/bob" }), "subject: "},
		"an ID of another step":           {member(func(s *plan.Step) { s.ID += "x" }), "id: "},
		"no account":                      {renamed("", user, "ForceMFA"), `in account ""`},
		"another group":                   {renamed(homeAccount, user, "Admins"), "does not make the change AddUserToGroup Admins"},
		"a name with a path traversal":    {renamed(homeAccount, "arn:aws:iam::"+homeAccount+":user/../../x y", "ForceMFA"), "subject: "},
		"a name with a control character": {renamed(homeAccount, user+"\x1b[2J", "ForceMFA"), "subject: "},
		"no name":                         {renamed(homeAccount, "arn:aws:iam::"+homeAccount+":user/", "ForceMFA"), "subject: "},
		"an unknown partition":            {renamed(homeAccount, "arn:aws-moon:iam::"+homeAccount+":user/bob", "ForceMFA"), "subject: "},
		"an unknown operation":            {step("DeleteUser", user, "", present, absent), "unknown operation"},
		"a policy":                        {step(plan.UpdatePolicy, baseline.PolicyARN("aws", homeAccount), "", document, document), "does not make the change"},
		"an inline policy":                {step(plan.PutUserPolicy, user, "ForceMFA", document, document), "does not make the change"},
		"a trust policy":                  {step(plan.UpdateTrust, "arn:aws:iam::"+homeAccount+":role/Admin", "", document, document), "does not make the change"},
		"an SCP":                          {step(plan.DetachSCP, "arn:aws:organizations::"+homeAccount+":policy/o-x/service_control_policy/p-x", "r-root", present, absent), "does not make the change"},
		"the deletion of a policy":        {step(plan.DeletePolicy, baseline.PolicyARN("aws", homeAccount), "", present, absent), "does not make the change"},
		"a removal from the group":        {step(plan.RemoveUserFromGroup, user, "ForceMFA", present, absent), "does not make the change"},
		"another policy":                  {step(plan.AttachUserPolicy, user, "arn:aws:iam::aws:policy/AdministratorAccess", absent, present), "does not make the change"},
		"the policy of another account":   {step(plan.AttachUserPolicy, user, baseline.PolicyARN("aws", "444455556666"), absent, present), "does not make the change"},
		"another group's policy":          {step(plan.AttachGroupPolicy, "arn:aws:iam::"+homeAccount+":group/Admins", baseline.PolicyARN("aws", homeAccount), absent, present), "does not make the change"},
		"another tag":                     {step(plan.UntagUser, user, "userType", plan.State{Present: true, Value: "Service"}, absent), "does not make the change"},
		"an endless enrollment window":    {step(plan.UntagUser, user, windowTag, plan.State{Present: true, Value: "2099-01-01"}, absent), "open for more than 31 days"},
		"a window that was longer":        {step(plan.TagUser, user, windowTag, plan.State{Present: true, Value: "2099-01-01"}, plan.State{Present: true, Value: "2026-11-09"}), "open for more than 31 days"},
		"a reversed step":                 {step(plan.AddUserToGroup, user, "ForceMFA", present, absent), "states are not those"},
		"a step that changes nothing":     {step(plan.AddUserToGroup, user, "ForceMFA", present, present), "states are not those"},
		"a document in the state":         {step(plan.AddUserToGroup, user, "ForceMFA", absent, document), "more than the change has"},
		"texts in the state":              {step(plan.AddUserToGroup, user, "ForceMFA", plan.State{Texts: []string{"{}"}}, present), "more than the change has"},
		"a blocked step":                  {member(func(s *plan.Step) { s.Blocked = "x" }), "blocked"},
		"a step twice":                    {written(append(functionSteps(), functionSteps()[4])...), "given twice"},
		"steps out of order":              {written(functionSteps()[2], functionSteps()[0]), "out of order"},
		"more steps than it began":        {entry(func(r *apply.Record) { r.Entries[0].Steps = 4 }), "more than its 4 steps"},
		"no steps":                        {entry(func(r *apply.Record) { r.Entries[0].Steps = 0 }), "a run has steps"},
		"no home":                         {entry(func(r *apply.Record) { r.Entries[0].Home = "" }), `home ""`},
		"a rollback":                      {entry(func(r *apply.Record) { r.Entries[0].Undoes = functionRun }), "undoes no run"},
		"the run ID of another run":       {entry(func(r *apply.Record) { r.Run = "20261103T090000Z-123456789" }), "those of another run"},
		"a run ID without a time":         {entry(func(r *apply.Record) { r.Run = "------------------" }), "not the ID of a run"},
		"a run in the future":             {entry(func(r *apply.Record) { r.Run, r.Entries[0].Time = "20361102T090000Z-1", start.AddDate(10, 0, 0) }), "in the future"},
		"an entry in the future":          {entry(func(r *apply.Record) { r.Entries[1].Time = start.AddDate(10, 0, 0) }), "outside the run"},
		"an entry of an earlier day":      {entry(func(r *apply.Record) { r.Entries[1].Time = start.AddDate(0, 0, -1) }), "outside the run"},
		"a second beginning":              {entry(func(r *apply.Record) { r.Entries[1] = r.Entries[0] }), `unexpected entry "begin"`},
		"a result without a step":         {entry(func(r *apply.Record) { r.Entries[1] = r.Entries[2] }), "not in progress"},
		"a result of another step":        {entry(func(r *apply.Record) { r.Entries[2].ID = r.Entries[4].ID }), "not in progress"},
		"an invented result":              {entry(func(r *apply.Record) { r.Entries[2].Status = "fine" }), "not in progress"},
		"a step without its result":       {entry(func(r *apply.Record) { r.Entries = append(r.Entries[:2], r.Entries[3:]...) }), "within another"},
		"an end within a step":            {entry(func(r *apply.Record) { r.Entries[2] = apply.Entry{Kind: apply.End, Time: start} }), "ends within a step"},
		"an entry after the end":          {entry(func(r *apply.Record) { r.Entries = append(r.Entries, r.Entries[1]) }), "follows the end"},
		"another state before":            {entry(func(r *apply.Record) { r.Entries[1].Before = &present }), "state before the change"},
		"no state before":                 {entry(func(r *apply.Record) { r.Entries[1].Before = nil }), "state before the change"},
		"deleted versions":                {entry(func(r *apply.Record) { r.Entries[1].Dropped = []apply.Version{{ID: "v1", Document: "{}"}} }), "deletes no policy versions"},
	} {
		if err := checkFunction(row.journal); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
}

// The function marks users who enrolled a device by access key. A journal that says so is accepted, but undoing it leaves
// the mark to a person, because the journal may be forged. Everything else in it is undone.
func TestUndoingTheFunctionKeepsTheMarkOfADevice(t *testing.T) {
	user := "arn:aws:iam::" + homeAccount + ":user/team/eve"
	for _, key := range []string{baseline.DeviceByKeyTag, strings.ToUpper(baseline.DeviceByKeyTag)} {
		r := written(plan.NewStep(plan.TagUser, homeAccount, user, key, absent, plan.State{Present: true, Value: "2026-11-02"}),
			plan.NewStep(plan.UntagUser, homeAccount, user, windowTag, plan.State{Present: true, Value: "2026-11-05"}, absent))
		if err := checkFunction(r); key == baseline.DeviceByKeyTag && err != nil {
			t.Fatal(err)
		}
		undo := r.UndoFunction()
		if len(undo) != 2 || undo[0].Blocked != "" || undo[1].Op != plan.UntagUser || undo[1].Blocked == "" || undo[1].Remedy != "forcemfa enroll --confirm eve" {
			t.Errorf("%s: %+v", key, undo)
		}
	}
}

func TestAnEditedJournalIsRefused(t *testing.T) {
	r := written(functionSteps()...)
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	r.Entries[3].Step.Account = "444455556666"
	if err := r.Check(); err == nil || !strings.Contains(err.Error(), "entry 4 of run "+functionRun+": step.subject: ") {
		t.Error(err)
	}
}
