package rehearse

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/attack"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

const labID = "123456789012"

// labAccount has two administrators: carol has a password and a key but no device, dave
// has all three. The others are targets.
func labAccount() *org.Account {
	admin := []string{"arn:aws:iam::aws:policy/AdministratorAccess"}
	user := func(name string, password bool, keys []org.AccessKey, devices ...org.Device) org.User {
		return org.User{
			Name: name, Path: "/", ARN: arn.IAM("aws", labID, "user", "/", name), Created: time.Unix(1700000000, 0).UTC(),
			Attached: admin, Password: org.TriOf(password), PasswordReset: org.No, MFA: org.TriOf(len(devices) > 0), Keys: keys, Devices: devices,
		}
	}
	active := func() []org.AccessKey { return []org.AccessKey{{Slot: 1, Active: true}} }
	phone := func(name string) org.Device {
		return org.Device{Serial: arn.IAM("aws", labID, "mfa", "/", name), Kind: org.VirtualMFA}
	}
	role := func(name, condition string) org.Role {
		return org.Role{
			Name: name, Path: "/", ARN: arn.IAM("aws", labID, "role", "/", name), Attached: admin, MaxSession: time.Hour,
			Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + labID + `"},"Action":"sts:AssumeRole"` + condition + `}}`,
		}
	}
	return &org.Account{
		ID: labID, Name: "lab", Partition: "aws", State: "ACTIVE", Read: true,
		Users: []org.User{
			user("bert", false, nil),
			user("carol", true, active()),
			user("dave", true, active(), phone("dave")),
			user("erin", true, nil, phone("erin")),
		},
		Groups: []org.Group{{Name: "admins", Path: "/", ARN: arn.IAM("aws", labID, "group", "/", "admins"), Attached: admin}},
		Roles: []org.Role{
			role("Guarded", `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`),
			role("Open", ""),
			role("Weak", `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`),
		},
		Policies: []org.Policy{{
			ARN: admin[0], Name: "AdministratorAccess", Path: "/", Default: "v1",
			Versions: []org.Version{{ID: "v1", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}},
		}},
	}
}

// A lab is a rehearsal of the one account, between its stages.
type lab struct {
	rehearsal
	fixture *fixture
}

// newLab attaches the document to every user; empty: to none.
func newLab(t *testing.T, document string) *lab {
	t.Helper()
	w, err := world.Load(org.Header{Partition: "aws"}, stream([]org.Account{*labAccount()}), 1)
	if err != nil {
		t.Fatal(err)
	}
	addRoles(w)
	if document != "" {
		attachEverywhere(w, document)
	}
	box, err := NewSandbox(w, emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	box.CompleteReports()
	none := func(string, int, int) {}
	l := &lab{rehearsal: rehearsal{box: box, Options: Options{Baseline: baseline.Default(), Now: time.Now, Progress: none}}}
	l.fixture = newFixture(box, l.Baseline)
	return l
}

func attachEverywhere(w *world.World, document string) {
	a := w.Edit(labID)
	policyARN := baseline.PolicyARN("aws", labID)
	a.Policies[policyARN] = &world.Policy{
		ARN: policyARN, Name: baseline.PolicyName, Path: baseline.Path, ID: "ANPA1", Default: "v1", NextVersion: 2,
		Versions: []org.Version{{ID: "v1", Document: document}},
	}
	for _, u := range a.Users {
		u.Attached = append(u.Attached, policyARN)
	}
}

// subjects audits the lab and collects the credentials of its users.
func (l *lab) subjects(t *testing.T) (*audited, []*attack.Subject) {
	t.Helper()
	ctx := context.Background()
	a, err := l.audit(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := l.fixture.collectCredentials(ctx, a.users)
	if err != nil {
		t.Fatal(err)
	}
	return a, l.fixture.subjects(l.box.Cloud, a, stolen)
}

func try(table []attack.Scenario, subjects []*attack.Subject) []attack.Result {
	return attack.Try(context.Background(), attack.Cases(table, subjects), nil)
}

// attacks tries every attack on carol, dave and erin. None may be inconclusive.
func (l *lab) attacks(t *testing.T) []attack.Result {
	t.Helper()
	_, subjects := l.subjects(t)
	results := try(attack.Attacks, subjects)
	for _, result := range results {
		if result.Outcome == attack.Failed {
			t.Errorf("%s: %s", result.ID(), result.Why)
		}
	}
	return results
}

// named are the scenarios with this outcome, as user: scenario, without duplicates.
func named(results []attack.Result, outcome attack.Outcome) []string {
	var names []string
	for _, r := range results {
		if r.Outcome == outcome {
			names = append(names, r.Subject.User.Name+": "+r.Scenario.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestWithoutEnforcementOnlyAWSItselfRefusesAttacks(t *testing.T) {
	results := newLab(t, "").attacks(t)
	want := []string{
		"carol: key/foreign-device",
		"carol: key/role-mfa",
		"carol: session/list-users",
		"carol: session/web-identity-token",
		"dave: key/deactivate-device",
		"dave: key/foreign-device",
		"dave: key/reused-code",
		"dave: key/role-mfa",
		"dave: key/second-device",
		"dave: key/second-device-planted",
		"dave: key/wrong-code",
		"dave: password/sign-in",
		"dave: session/list-users",
		"dave: session/web-identity-token",
		"erin: password/sign-in",
	}
	open := named(results, attack.Succeeded)
	closed := slices.DeleteFunc(named(results, attack.Refused), func(name string) bool { return slices.Contains(open, name) })
	if diff := cmp.Diff(want, closed); diff != "" {
		t.Errorf("refused attacks (-want +got):\n%s", diff)
	}
	for _, d := range attack.Attacks {
		tried := slices.ContainsFunc(results, func(r attack.Result) bool { return r.Scenario.Name == d.Name })
		// The lab is one account without a guard SCP, and all its keys are of users with a
		// password.
		elsewhere := d.Name == "key/role-elsewhere" || d.Name == "key/root-session"
		if !tried && !elsewhere && !strings.HasPrefix(d.Name, "insider/") && d.Name != "key/create-own-password" {
			t.Errorf("%s was not tried", d.Name)
		}
	}
}

func TestForceMFARefusesEveryAttack(t *testing.T) {
	results := newLab(t, baseline.Default().Document("aws")).attacks(t)
	if open := named(results, attack.Succeeded); len(open) > 0 || len(results) < 100 {
		t.Errorf("%d tried, open: %v", len(results), open)
	}
}

// Each row is a flaw of policies in use. The attacks that succeed show that the scenarios
// detect it.
func TestFlawedDocumentsLetAttacksSucceed(t *testing.T) {
	good := baseline.Default().Document("aws")
	replaced := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the document has no %s:\n%s", old, good)
		}
		return strings.ReplaceAll(good, old, new)
	}
	exempting := func(action string) string { return replaced(`"NotAction":[`, `"NotAction":["`+action+`",`) }
	for _, row := range []struct {
		flaw     string
		document string
		open     []string
	}{
		{"DeactivateMFADevice is exempted", exempting("iam:DeactivateMFADevice"), []string{
			"carol: key/deactivate-device-of-other", "carol: password/deactivate-device-of-other", "dave: key/deactivate-device-of-other",
		}},
		{"CreateLoginProfile is exempted (seed 004)", exempting("iam:CreateLoginProfile"), []string{
			"carol: key/create-password-of-other", "carol: password/create-password-of-other", "dave: key/create-password-of-other",
		}},
		{"ChangePassword is exempted", exempting("iam:ChangePassword"), []string{
			"carol: key/change-password", "dave: key/change-password",
		}},
		{"AssumeRole is exempted", exempting("sts:AssumeRole"), []string{
			"carol: earlier-session/role", "carol: key/role", "carol: key/role-weak", "carol: password/role", "carol: session/role",
			"dave: earlier-session/role", "dave: key/role", "dave: key/role-weak", "dave: session/role",
		}},
		{"TagUser is exempted", exempting("iam:TagUser"), []string{
			"carol: key/open-window", "carol: key/tag-exempt", "carol: key/tag-exempt-other-case", "carol: password/tag-exempt",
			"dave: key/open-window", "dave: key/tag-exempt", "dave: key/tag-exempt-other-case",
		}},
		{"enrollment is open to access keys", without(t, good, "DenyEnrollmentByAccessKey"), []string{
			"carol: key/first-device", "carol: key/first-device-planted",
		}},
		{"the enrollment set is open for other users", without(t, good, "DenyOthersMFAWithoutMFA"), []string{
			"carol: key/resync-other", "carol: password/enable-on-other", "carol: password/resync-other", "dave: key/resync-other",
		}},
	} {
		t.Run(row.flaw, func(t *testing.T) {
			if diff := cmp.Diff(row.open, named(newLab(t, row.document).attacks(t), attack.Succeeded)); diff != "" {
				t.Errorf("attacks that succeed (-want +got):\n%s", diff)
			}
		})
	}
}

// Bool does not match a request that has no aws:MultiFactorAuthPresent at all,
// which is that of every access key; sessions without MFA are still refused.
func TestBoolInsteadOfBoolIfExistsMissesAccessKeysOnly(t *testing.T) {
	flawed := strings.ReplaceAll(baseline.Default().Document("aws"), `"BoolIfExists":{"aws:MultiFactorAuthPresent"`, `"Bool":{"aws:MultiFactorAuthPresent"`)
	open := named(newLab(t, flawed).attacks(t), attack.Succeeded)
	for _, name := range open {
		if !strings.Contains(name, ": key/") {
			t.Errorf("%s is open", name)
		}
	}
	unprotected := named(newLab(t, "").attacks(t), attack.Succeeded)
	for _, name := range unprotected {
		enrolls := strings.Contains(name, "/first-device") || strings.Contains(name, "/enable-on-other")
		if strings.Contains(name, ": key/") && !enrolls && !slices.Contains(open, name) {
			t.Errorf("%s is closed", name)
		}
	}
}

// Null true matches only where the key is absent.
func TestNullInsteadOfBoolIfExistsMissesSessionsWithoutMFA(t *testing.T) {
	flawed := strings.ReplaceAll(baseline.Default().Document("aws"), `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"`, `"Null":{"aws:MultiFactorAuthPresent":"true"},"BoolIfExists":{"aws:SecureTransport":"true"`)
	open := named(newLab(t, flawed).attacks(t), attack.Succeeded)
	for _, want := range []string{"carol: session/s3-read", "carol: earlier-session/s3-read", "carol: password/list-users", "dave: session/role"} {
		if !slices.Contains(open, want) {
			t.Errorf("%s is closed; open: %v", want, open)
		}
	}
	for _, name := range open {
		if strings.Contains(name, ": key/") {
			t.Errorf("%s is open", name)
		}
	}
}

func TestExpectedAccessWorksUnderForceMFA(t *testing.T) {
	_, subjects := newLab(t, baseline.Default().Document("aws")).subjects(t)
	results := try(attack.ExpectedAccess, subjects)
	for _, result := range results {
		if result.Outcome != attack.Succeeded {
			t.Errorf("%s: %s", result.ID(), result.Why)
		}
	}
	for _, want := range []string{"carol: enroll/console", "dave: code/s3-read", "dave: code/second-device", "dave: code/role-destroys", "dave: sign-in/list-users"} {
		if !slices.Contains(named(results, attack.Succeeded), want) {
			t.Errorf("%s was not tried", want)
		}
	}
}

// A Deny without the enrollment set refuses every attack, and enrollment with it.
func TestALockoutIsDetected(t *testing.T) {
	locked := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`
	_, subjects := newLab(t, locked).subjects(t)
	results := try(attack.ExpectedAccess, subjects)
	if got := named(results, attack.Refused); !slices.Contains(got, "carol: enroll/console") {
		t.Errorf("what does not work: %v; want carol: enroll/console among it", got)
	}
}

func TestEnrollmentInAnOpenWindowIsExpectedAccess(t *testing.T) {
	r := newLab(t, baseline.Default().Document("aws"))
	r.box.Cloud.Update(func(w *world.World) {
		carol := w.Edit(labID).Users["carol"]
		carol.Tags = append(carol.Tags, org.Tag{Key: r.Baseline.Window.Tag, Value: r.Baseline.Window.Value(time.Now())})
	})
	_, subjects := r.subjects(t)
	if names := named(try(attack.Attacks, subjects), attack.Succeeded); len(names) > 0 {
		t.Errorf("open: %v", names)
	}
	works := try(attack.ExpectedAccess, subjects)
	if got := named(works, attack.Succeeded); !slices.Contains(got, "carol: enroll/window") {
		t.Errorf("what works: %v; want carol: enroll/window among it", got)
	}
	end := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, r.Baseline.Window.Days+1) // the end of the last day
	want := []view.OpenWindow{{Account: labID, User: "carol", Until: end}}
	if diff := cmp.Diff(want, openWindows(subjects, time.Now())); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
}

// without is a document without one of its statements.
func without(t *testing.T, document, sid string) string {
	t.Helper()
	var d struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		t.Fatal(err)
	}
	n := len(d.Statement)
	d.Statement = slices.DeleteFunc(d.Statement, func(s map[string]any) bool { return s["Sid"] == sid })
	if len(d.Statement) != n-1 {
		t.Fatalf("the document has no statement %s", sid)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExemptUsersAreNotAttacked(t *testing.T) {
	r := newLab(t, "")
	r.box.Cloud.Update(func(w *world.World) {
		for _, u := range w.Edit(labID).Users {
			u.Tags = append(u.Tags, org.Tag{Key: "usertype", Value: "SERVICE"})
		}
	})
	s, subjects := r.subjects(t)
	if s.counts != (audit.Counts{Users: 4, Exempt: 4}) {
		t.Fatalf("states %+v, want 4 exempt", s.counts)
	}
	if cases := attack.Cases(attack.Attacks, subjects); len(cases) > 0 {
		t.Errorf("%d attacks, the first %s", len(cases), cases[0].ID())
	}
	works := named(try(attack.ExpectedAccess, subjects), attack.Succeeded)
	for _, want := range []string{"carol: exempt-key/s3-read", "carol: exempt-sign-in/list-users"} {
		if !slices.Contains(works, want) {
			t.Errorf("what works: %v; want %s among it", works, want)
		}
	}
}
