package reconcile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
)

// A tap intercepts each request of a transport. The client gets an error of on instead of
// a response.
type tap struct {
	next http.RoundTripper
	on   func(action string) error
}

func (t tap) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	action := r.Method // of S3
	if form, err := url.ParseQuery(string(body)); err == nil && form.Has("Action") {
		action = form.Get("Action")
	}
	if err := t.on(action); err != nil {
		return nil, err
	}
	return t.next.RoundTrip(r)
}

func writes(action string) bool {
	return action == http.MethodPut || strings.HasPrefix(action, "Add") || strings.HasPrefix(action, "Attach") || strings.HasPrefix(action, "Tag") || strings.HasPrefix(action, "Untag")
}

// eventsOf are the events of the changes in f, as the rule delivers them.
func (r *rig) eventsOf(f func()) (payloads [][]byte) {
	r.t.Helper()
	cancel, err := r.cloud.Subscribe(Pattern, func(e trail.Event) {
		payload, err := e.JSON()
		if err != nil {
			r.t.Fatal(err)
		}
		payloads = append(payloads, payload)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	f()
	cancel()
	return payloads
}

func (r *rig) removeFromGroup(name string) []byte {
	r.t.Helper()
	events := r.eventsOf(func() {
		if _, err := r.as(home).RemoveUserFromGroup(context.Background(), &iam.RemoveUserFromGroupInput{GroupName: aws.String(baseline.GroupName), UserName: &name}); err != nil {
			r.t.Fatal(err)
		}
	})
	return events[0]
}

// A deadSender sends nothing after its function was killed.
type deadSender struct {
	*told
	dead *atomic.Bool
}

func (s deadSender) Send(ctx context.Context, d *notify.Summary) error {
	if s.dead.Load() {
		return errors.New("killed")
	}
	return s.told.Send(ctx, d)
}

// After the function is killed at any of its writes, Lambda's retry of the event enforces
// the user, sends each message once, and all journals can be read.
func TestAKilledRunIsFinishedByTheNext(t *testing.T) {
	for at, killed := 1, true; killed; at++ { // until the function makes fewer writes
		synctest.Test(t, func(t *testing.T) { killed = killAtWrite(t, at) })
	}
}

// killAtWrite ends a run at one of its writes, runs the next, and reports whether
// there was such a write.
func killAtWrite(t *testing.T, at int) (killed bool) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName))
	payload := r.removeFromGroup("ann")
	var dead atomic.Bool
	var sent atomic.Int64
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(action string) error {
			if writes(action) && sent.Add(1) >= int64(at) {
				dead.Store(true)
			}
			if dead.Load() {
				return &aws.RequestCanceledError{Err: errors.New("killed")}
			}
			return nil
		}}
	}
	o := r.options(home)
	o.Sender = deadSender{r.told, &dead}
	_, _ = r.fresh(o, home).Handle(context.Background(), payload)
	r.wrap = nil
	if _, err := r.fresh(r.options(home), home).Handle(context.Background(), payload); err != nil {
		t.Fatalf("killed at write %d: the next try: %v", at, err)
	}
	if state := r.states(home)["ann"]; state != audit.Enforced {
		t.Errorf("killed at write %d: ann is %s", at, state)
	}
	alerts := map[string]int{}
	for _, m := range r.told.messages {
		if m.Kind == notify.KindTampering {
			alerts[m.ID]++
		}
	}
	if dead.Load() && (len(alerts) != 1 || slices.Max(values(alerts)) != 1) {
		t.Errorf("killed at write %d: told %v", at, alerts)
	}
	return dead.Load()
}

func values(m map[string]int) (all []int) {
	for _, n := range m {
		all = append(all, n)
	}
	return all
}

// unattached are n users with devices who are not in the group ForceMFA.
func unattached(n int) (users []org.User) {
	for i := range n {
		users = append(users, person(fmt.Sprintf("user-%02d", i)))
	}
	return users
}

func TestAScanThatRunsOutOfTimeIsFinishedByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = 40
		r := newRigAt(t, time.Now, 1, nil, unattached(users)...)
		r.wrap = func(next http.RoundTripper) http.RoundTripper {
			return tap{next, func(action string) error {
				if strings.HasPrefix(action, "Add") {
					time.Sleep(2 * time.Second)
				}
				return nil
			}}
		}
		done := 0
		for scan := 1; ; scan++ {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			began := time.Now()
			result, err := r.function(home).Handle(ctx, []byte(`{}`))
			cancel()
			if err != nil {
				t.Fatalf("scan %d: %v", scan, err)
			}
			if took := time.Since(began); took >= time.Minute {
				t.Errorf("scan %d took %s", scan, took)
			}
			if result.Done == 0 || result.Done+result.Left+done != users {
				t.Fatalf("scan %d: %+v after %d", scan, result, done)
			}
			done += result.Done
			if result.Left == 0 {
				if scan == 1 {
					t.Error("the time sufficed")
				}
				break
			}
			if want := fmt.Sprintf("%d steps are left", result.Left); !strings.Contains(strings.Join(r.told.lines(), "\n"), want) {
				t.Errorf("scan %d does not say that %s", scan, want)
			}
		}
		enforced := map[string]int{}
		for _, m := range r.told.messages {
			if m.Kind == notify.KindEnforced {
				enforced[m.Subject]++
			}
		}
		if len(enforced) != users || slices.Max(values(enforced)) != 1 {
			t.Errorf("told of: %v", enforced)
		}
	})
}

// The function enforces the users whose details it can read in time, and leaves the rest
// to the next scan.
func TestUsersThatWereNotReadInTimeAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = 120
		people := unattached(users)
		for i := range people {
			people[i].Devices, people[i].MFA = nil, org.No
		}
		r := newRigAt(t, time.Now, 1, nil, people...)
		r.wrap = func(next http.RoundTripper) http.RoundTripper {
			return tap{next, func(action string) error {
				if action == "GetLoginProfile" {
					time.Sleep(time.Second)
				}
				return nil
			}}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		result, err := r.function(home).Handle(ctx, []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if result.Done == 0 || result.Left == 0 || result.Done+result.Left != users {
			t.Errorf("result %+v", result)
		}
		for _, line := range r.told.lines() {
			if strings.HasPrefix(line, "blocked") {
				t.Errorf("told of who is only left: %s", line)
			}
		}
	})
}

func TestThrottlingFaultsAndLagOnlyDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := &emulator.Strict{PageSize: 3, Throttle: 0.30, Fail: 0.05, Lag: 2 * time.Second, LagShare: 0.5}
		r := newRigAt(t, time.Now, 1, strict, append(unattached(6), person("ann", baseline.GroupName))...)
		payload := r.removeFromGroup("ann")
		for try := 0; try < 3; try++ { // as many attempts as Lambda makes
			if _, err := r.function(home).Handle(context.Background(), payload); err == nil {
				break
			} else if try == 2 {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if state := r.states(home)["ann"]; state != audit.Enforced {
			t.Errorf("ann is %s", state)
		}
		time.Sleep(time.Minute)
		r.scan(home)
		for name, state := range r.states(home) {
			if state != audit.Enforced {
				t.Errorf("%s is %s", name, state)
			}
		}
		time.Sleep(time.Minute)
		if result := r.scan(home); result.Done != 0 || result.Open != 0 {
			t.Errorf("the next run is not clean: %+v", result)
		}
	})
}

func TestADeletedUserIsNoError(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName))
	gone := func(w *world.World) {
		a := w.Edit(home)
		delete(a.Users, "ann")
		clear(a.Devices)
	}
	removed := r.removeFromGroup("ann")
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(action string) error {
			if action == "ListGroupsForUser" { // the step reads before it writes
				r.cloud.Update(gone)
			}
			return nil
		}}
	}
	for _, when := range []string{"while it is repaired", "before"} {
		result, err := r.fresh(r.options(home), home).Handle(context.Background(), removed)
		if err != nil || result.Done != 0 {
			t.Errorf("gone %s: %+v, %v", when, result, err)
		}
	}
	want := []string{
		"tampering high user/ann: ann was removed from the group ForceMFA by arn:aws:iam::111111111111:role/Operator",
		"tampering low user/ann: ann was removed from the group ForceMFA by arn:aws:iam::111111111111:role/Operator; the user no longer exists",
	}
	if diff := cmp.Diff(want, r.told.lines()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestASuspendedAccountIsSkipped(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName))
	payload := r.removeFromGroup("ann")
	set := func(state string) {
		r.cloud.Update(func(w *world.World) { w.Edit(home).State = state })
	}
	f := r.function(home)
	set("SUSPENDED")
	if _, err := f.Handle(context.Background(), payload); err == nil {
		t.Error("no error, so the event is not tried again")
	}
	set("ACTIVE")
	if result, err := f.Handle(context.Background(), payload); err != nil || result.Done != 1 {
		t.Errorf("once it is back: %+v, %v", result, err)
	}
}

// A policy with five versions has no room for another. The function creates none, and
// its message names the stack that restores the document.
func TestAPolicyWithFiveVersionsIsNotWritten(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName), person("bea"))
	versions := func(current string) {
		r.cloud.Update(func(w *world.World) {
			p := w.Edit(home).Policies[baseline.PolicyARN("aws", home)]
			for n := len(p.Versions) + 1; n <= 5; n++ {
				p.Versions = append(p.Versions, org.Version{ID: fmt.Sprintf("v%d", n), Created: start, Document: s3All})
			}
			p.Default, p.NextVersion = current, 6
		})
	}
	versions("v5")
	before := r.digest()
	if result := r.scan(home); result.Done != 0 || r.digest() != before {
		t.Errorf("with another document in force: %+v", result)
	}
	drift := slices.ContainsFunc(r.told.messages, func(m notify.Message) bool {
		return m.ID == "policy-drift/"+home+"/policy/ForceMFA" && m.Severity == audit.High && strings.Contains(m.Remedy, "forcemfa deploy apply")
	})
	if !drift {
		t.Errorf("nothing is said of the document: %v", r.told.lines())
	}
	versions("v1")
	if result := r.scan(home); result.Done != 1 || r.states(home)["bea"] != audit.Enforced {
		t.Errorf("with ours in force: %+v", result)
	}
}

func (r *rig) digest() string {
	var digests []string
	r.cloud.View(func(w *world.World) {
		h, stream := w.Snapshot(r.cloud.Now())
		for a := range stream {
			digests = append(digests, a.Digest(&h))
		}
	})
	return strings.Join(digests, "\n")
}

// Two messages: the group could not be used because of a quota, and the policy was
// attached instead.
func TestAFullQuotaIsWorkedAroundAndReported(t *testing.T) {
	var nine []string
	full, fuller := person("full"), person("fuller")
	for n := range 9 {
		nine = append(nine, fmt.Sprintf("team-%d", n))
		fuller.Attached = append(fuller.Attached, fmt.Sprintf("arn:aws:iam::%s:policy/Own%d", home, n))
	}
	fuller.Attached = append(fuller.Attached, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	full.Groups, fuller.Groups = append(nine, "Developers"), append(nine, "Developers")
	r := newRig(t, 1, nil)
	r.cloud.Update(func(w *world.World) {
		a := w.Edit(home)
		for n, name := range nine {
			a.Groups[name] = &world.Group{Name: name, Path: "/", ID: "AGPA" + name, Inline: map[string]string{}}
			own := fmt.Sprintf("arn:aws:iam::%s:policy/Own%d", home, n)
			a.Policies[own] = &world.Policy{ARN: own, Name: fmt.Sprintf("Own%d", n), Path: "/", Default: "v1", Versions: []org.Version{{ID: "v1", Created: start, Document: s3All}}, NextVersion: 2}
		}
		for _, u := range []org.User{full, fuller} {
			groups := map[string]bool{}
			for _, g := range u.Groups {
				groups[world.Fold(g)] = true
			}
			a.Users[u.Name] = &world.User{Name: u.Name, Path: "/", ID: "AIDA" + u.Name, Created: start.AddDate(-1, 0, 0), Groups: groups, Inline: map[string]string{}, Attached: u.Attached}
		}
	})
	r.scan(home)
	got := slices.DeleteFunc(r.told.lines(), func(line string) bool {
		return !strings.HasPrefix(line, "workaround") && !strings.HasPrefix(line, "blocked")
	})
	want := []string{
		"blocked high user/fuller: PutUserPolicy is not applied: the quotas for groups and attached policies of the user are full, and the function writes no policy documents",
		"workaround medium user/full: MFA is enforced for full, but not through the group ForceMFA (the user is in 10 groups, and the quota GroupsPerUser is 10): ForceMFA is attached to the user instead",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if states := r.states(home); states["full"] != audit.Enforced || states["fuller"] != audit.Open {
		t.Errorf("states %v", states)
	}
}

func TestASlackOutageLosesAndDuplicatesNothing(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName), person("bea", baseline.GroupName))
	r.told.failing = errors.New("slack: 503")
	for _, name := range []string{"ann", "bea"} {
		payload := r.removeFromGroup(name)
		for range 3 { // as many attempts as Lambda makes
			if _, err := r.function(home).Handle(context.Background(), payload); err == nil {
				t.Fatal("no error, though nobody was told")
			}
			r.cloud.Advance(20 * time.Minute)
		}
		if state := r.states(home)[name]; state != audit.Enforced {
			t.Errorf("%s is %s: what is told must not hold up what is done", name, state)
		}
	}
	r.told.failing = nil
	r.scan(home)
	by := " by arn:aws:iam::111111111111:role/Operator"
	want := []string{
		"enforced info user/ann: MFA is enforced for ann through the group ForceMFA",
		"enforced info user/bea: MFA is enforced for bea through the group ForceMFA",
		"tampering high user/ann: ann was removed from the group ForceMFA" + by,
		"tampering high user/bea: bea was removed from the group ForceMFA" + by,
	}
	if diff := cmp.Diff(want, r.told.lines()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if r.scan(home); len(r.told.messages) != len(want) {
		t.Errorf("the next run says it again: %v", r.told.lines())
	}
}

func TestAnAlertLostWithItsInstanceIsSentByTheRetry(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName))
	payload := r.removeFromGroup("ann")
	r.told.failing = errors.New("slack: 503")
	if _, err := r.function(home).Handle(context.Background(), payload); err == nil {
		t.Fatal("no error, though nobody was told: Lambda would not try again")
	}
	if log := r.log.String(); !strings.Contains(log, `"kind":"enforced"`) || !strings.Contains(log, `"msg":"not sent"`) {
		t.Errorf("the log does not name what nobody was told: %s", log)
	}
	r.told.failing = nil
	r.cloud.Advance(time.Minute)
	if _, err := r.fresh(r.options(home), home).Handle(context.Background(), payload); err != nil {
		t.Fatal(err)
	}
	want := []string{"tampering high user/ann: ann was removed from the group ForceMFA by arn:aws:iam::111111111111:role/Operator"}
	if diff := cmp.Diff(want, r.told.lines()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if state := r.states(home)["ann"]; state != audit.Enforced {
		t.Errorf("ann is %s", state)
	}
}

// queued is a Keeper whose queue outlives the instances. Like a notifier, it drops a
// message whose ID, kind and time it has sent before.
type queued struct {
	*told
	kept []notify.Message
}

func (q *queued) Send(ctx context.Context, d *notify.Summary) error {
	fresh := *d
	fresh.Messages = nil
	for _, m := range d.Messages {
		same := func(old notify.Message) bool { return old.ID == m.ID && old.Kind == m.Kind && old.At.Equal(m.At) }
		if !slices.ContainsFunc(q.messages, same) && !slices.ContainsFunc(fresh.Messages, same) {
			fresh.Messages = append(fresh.Messages, m)
		}
	}
	return q.told.Send(ctx, &fresh)
}

func (q *queued) Keep(_ context.Context, messages []notify.Message) error {
	q.kept = append(q.kept, messages...)
	return nil
}

func (q *queued) Catch(ctx context.Context) error {
	err := q.Send(ctx, &notify.Summary{Messages: q.kept})
	if err == nil {
		q.kept = nil
	}
	return err
}

func TestUnsentMessagesOutliveTheInstance(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName))
	payload := r.removeFromGroup("ann")
	queue := &queued{told: r.told}
	options := r.options(home)
	options.Sender = queue
	r.told.failing = errors.New("slack: 503")
	for range 3 { // as many attempts as Lambda makes, each in another instance
		if _, err := r.fresh(options, home).Handle(context.Background(), payload); err == nil {
			t.Fatal("no error, though nobody was told")
		}
		r.cloud.Advance(20 * time.Minute)
	}
	if len(queue.kept) != 4 { // three times the alert, and once the change
		t.Errorf("kept: %v", queue.kept)
	}
	r.told.failing = nil
	want := []string{
		"enforced info user/ann: MFA is enforced for ann through the group ForceMFA",
		"tampering high user/ann: ann was removed from the group ForceMFA by arn:aws:iam::111111111111:role/Operator",
	}
	for range 2 { // the first scan sends a message, and the second has none
		if _, err := r.fresh(options, home).Scan(context.Background()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.told.lines()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}
}

// A notifier drops a message whose ID, kind and time it has sent before.
func TestAllInstancesGiveAnAlertTheSameID(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", baseline.GroupName))
	payload := r.removeFromGroup("ann")
	for range 2 { // delivered twice, to two instances
		if _, err := r.fresh(r.options(home), home).Handle(context.Background(), payload); err != nil {
			t.Fatal(err)
		}
		r.cloud.Advance(time.Minute)
	}
	type identity struct {
		id   string
		kind notify.Kind
		at   time.Time
	}
	alerts := map[identity]int{}
	for _, m := range r.told.messages {
		if m.Kind == notify.KindTampering {
			alerts[identity{m.ID, m.Kind, m.At}]++
		}
	}
	if len(alerts) != 1 || len(r.told.messages) != 3 {
		t.Errorf("%d identities of alerts in %v", len(alerts), r.told.lines())
	}
}

// The function uses every action of its role, and no call is denied.
func TestTheRoleHasTheLeastPrivileges(t *testing.T) {
	key := person("key")
	key.Devices, key.MFA, key.Password, key.Keys = nil, org.No, org.No, []org.AccessKey{{Slot: 1, Active: true}}
	late := person("late")
	late.Devices, late.MFA = nil, org.No
	late.Inline = []org.InlinePolicy{{Name: "s3", Document: s3All}}
	windowed := person("windowed", baseline.GroupName)
	windowed.Attached = []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}
	windowed.Tags = []org.Tag{{Key: baseline.Default().Window.Tag, Value: "2026-11-01"}}
	r := newRig(t, 1, nil, person("ann", baseline.GroupName), key, windowed, late)
	var mu sync.Mutex
	used := map[string]bool{}
	observe := func(call emulator.Record) {
		if call.Operation == "GenerateCredentialReport" {
			r.cloud.Advance(10 * time.Second)
		}
		if call.Caller.Role == nil || call.Caller.Role.Name != executor {
			return
		}
		mu.Lock()
		used[call.Service+":"+call.Operation] = true
		mu.Unlock()
		if call.Err != nil && strings.Contains(call.Err.Error(), "AccessDenied") {
			t.Errorf("%s:%s: %v", call.Service, call.Operation, call.Err)
		}
	}
	r.cloud.OnCall(observe)
	r.cloud.Update(func(w *world.World) {
		w.Edit(home).Groups["forcemfa"].Attached = nil
		w.Edit(home).PasswordPolicy = &world.PasswordPolicy{MaxAge: 90}
	})
	r.scan(home)
	r.cloud.Update(func(w *world.World) {
		a := w.Edit(home)
		delete(a.Groups, "forcemfa")
		for _, u := range a.Users {
			delete(u.Groups, "forcemfa")
		}
		a.Users["late"].Attached = nil
	})
	r.scan(home)
	// A user who is not in the list of the account yet is read by name.
	var hidden *world.User
	r.cloud.Update(func(w *world.World) {
		hidden = w.Edit(home).Users["late"]
		delete(w.Edit(home).Users, "late")
	})
	r.cloud.OnCall(func(call emulator.Record) {
		observe(call)
		if call.Operation == "ListAccountAliases" {
			r.cloud.Update(func(w *world.World) { w.Edit(home).Users["late"] = hidden })
		}
	})
	created := []byte(`{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"` + home + `","time":"2026-11-20T09:00:00Z","detail":{
		"eventSource":"iam.amazonaws.com","eventName":"CreateUser","eventTime":"2026-11-20T09:00:00Z","eventID":"x","requestParameters":{"userName":"late"},
		"userIdentity":{"type":"Root","arn":"arn:aws:iam::` + home + `:root"}}}`)
	if _, err := r.function(home).Handle(context.Background(), created); err != nil {
		t.Fatal(err)
	}
	for _, action := range Actions {
		if !used[action] {
			t.Errorf("%s is among the actions, and nothing used it", action)
		}
		delete(used, action)
	}
	delete(used, "sts:GetCallerIdentity") // needs no permission
	if len(used) > 0 {
		t.Errorf("used, and not among the actions: %v", used)
	}
	for name, state := range r.states(home) {
		if state != audit.Enforced {
			t.Errorf("%s is %s", name, state)
		}
	}
}
