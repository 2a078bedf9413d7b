package session_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

const (
	legacy   = "111111111111"
	identity = "222222222222"
)

// threeRoles are profiles of the same role in three accounts, all from jonas.
const threeRoles = `[default]
region = eu-west-1
[profile dev]
role_arn = arn:aws:iam::333333333333:role/PrivilegedActionsRole
source_profile = jonas
region = eu-central-1
[profile staging]
role_arn = arn:aws:iam::444444444444:role/PrivilegedActionsRole
source_profile = jonas
[profile prod]
role_arn = arn:aws:iam::555555555555:role/PrivilegedActionsRole
source_profile = jonas
`

func TestOneCodeServesThreeRolesInThreeAccounts(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	for _, row := range []struct{ profile, want string }{
		{"dev", "arn:aws:sts::333333333333:assumed-role/PrivilegedActionsRole/bob"},
		{"staging", "arn:aws:sts::444444444444:assumed-role/PrivilegedActionsRole/bob"},
		{"prod", "arn:aws:sts::555555555555:assumed-role/PrivilegedActionsRole/bob"},
		{"jonas", "arn:aws:iam::222222222222:user/jonas"},
	} {
		if got := r.who(r.session(row.profile)); got != row.want {
			t.Errorf("session of %s is %s, want %s", row.profile, got, row.want)
		}
	}
	if len(r.asked) != 1 || r.count("GetSessionToken") != 1 || r.count("AssumeRole") != 3 {
		t.Errorf("%d prompts, %d sessions, %d roles; want 1, 1, 3", len(r.asked), r.count("GetSessionToken"), r.count("AssumeRole"))
	}
	if e := r.session("dev"); e.Region != "eu-central-1" {
		t.Errorf("region of dev is %q", e.Region)
	}
}

func TestWarmSessionsCallNobody(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	first := r.session("prod")
	calls := len(r.calls)
	if again := r.session("prod"); again.AccessKeyID != first.AccessKeyID || len(r.calls) != calls {
		t.Errorf("a warm session made %d calls", len(r.calls)-calls)
	}
}

func TestRoleIsRenewedWithoutAPersonUntilTheMFASessionEnds(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	first := r.session("prod")
	r.cloud.Advance(50 * time.Minute)
	second := r.session("prod")
	if second.AccessKeyID == first.AccessKeyID || len(r.asked) != 1 {
		t.Errorf("10 minutes before its end the role was not renewed silently: %d prompts", len(r.asked))
	}
	r.cloud.Advance(11*time.Hour + 5*time.Minute)
	k := r.manager()
	k.Codes = session.CodeSource{}
	third, err := k.Session(t.Context(), session.Request{Profile: "prod"})
	if err != nil || r.who(third) == "" {
		t.Errorf("five minutes before the end of the MFA session: %v", err)
	}
	r.cloud.Advance(time.Hour)
	if _, err := k.Session(t.Context(), session.Request{Profile: "prod"}); !session.NeedsPerson(err) {
		t.Errorf("after the end of both sessions: %v, want a call for a person", err)
	}
}

func TestRoleThatCannotBeRenewedIsServedWhileItLasts(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	r.session("jonas")
	r.cloud.Advance(11*time.Hour + 30*time.Minute)
	role := r.session("prod") // lasts half an hour longer than its source
	r.cloud.Advance(50 * time.Minute)
	k := r.manager()
	k.Codes = session.CodeSource{}
	e, err := k.Session(t.Context(), session.Request{Profile: "prod"})
	if err != nil || e.AccessKeyID != role.AccessKeyID {
		t.Errorf("got %v, %v; want the session that has ten minutes left", e, err)
	}
}

func TestManyColdCallersNeedOneCodeAndOneCall(t *testing.T) {
	for _, profile := range []string{"jonas", "prod"} {
		r := newRig(t)
		r.settings(identity, threeRoles, "jonas")
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := r.manager().Session(context.Background(), session.Request{Profile: profile}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(r.asked) != 1 || r.count("GetSessionToken") != 1 || r.count("AssumeRole") > 1 {
			t.Errorf("%s: %d prompts, %d GetSessionToken, %d AssumeRole", profile, len(r.asked), r.count("GetSessionToken"), r.count("AssumeRole"))
		}
	}
}

func TestWhoWaitedForAPromptThatFailedDoesNotPromptAgain(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas", "deepak")
	asked, mu := 0, sync.Mutex{}
	open := make(chan struct{})
	var all sync.WaitGroup
	for range 6 {
		k := r.manager()
		k.Now = time.Now
		k.Codes.Code = func(context.Context, string) (string, error) {
			mu.Lock()
			asked++
			mu.Unlock()
			<-open
			return "", context.DeadlineExceeded
		}
		all.Go(func() {
			if _, err := k.Session(context.Background(), session.Request{Profile: "jonas"}); !session.NeedsPerson(err) {
				t.Errorf("got %v", err)
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	close(open)
	all.Wait()
	if asked != 1 {
		t.Errorf("%d prompts, want 1", asked)
	}
}

func TestLongRoleTakesItsOwnCodeAndSaysSo(t *testing.T) {
	r := newRig(t)
	r.settings(identity, `[profile long]
role_arn = arn:aws:iam::333333333333:role/Long
source_profile = jonas
duration_seconds = 14400
`, "jonas")
	r.cloud.Update(func(w *world.World) {
		roles := w.Edit("333333333333").Roles
		long := *roles[world.Fold("PrivilegedActionsRole")]
		long.Name, long.ID, long.MaxSession = "Long", w.NewID("AROA"), 12*time.Hour
		roles["long"] = &long
	})
	e := r.session("long")
	if got := e.Expires.Sub(r.cloud.Now()).Round(time.Minute); got != 4*time.Hour || e.Kind != cache.DirectRole || r.count("GetSessionToken") != 0 {
		t.Errorf("a session of %s, kind %s", got, e.Kind)
	}
	route, err := r.manager().Route(t.Context(), session.Request{Profile: "long"})
	if err != nil || len(route.Remarks()) != 1 || !strings.Contains(route.Remarks()[0], "separate code") {
		t.Errorf("remarks %q, %v", route.Remarks(), err)
	}
}

func TestChainIsCappedAtAnHourAndSaysSo(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles+`[profile chained]
role_arn = arn:aws:iam::333333333333:role/Second
source_profile = dev
duration_seconds = 43200
`, "jonas")
	r.cloud.Update(func(w *world.World) {
		a := w.Edit("333333333333")
		first := *a.Roles[world.Fold("PrivilegedActionsRole")]
		first.Attached = append(first.Attached[:len(first.Attached):len(first.Attached)], "arn:aws:iam::aws:policy/AdministratorAccess")
		a.Roles[world.Fold("PrivilegedActionsRole")] = &first
		second := first
		second.Name, second.ID, second.MaxSession = "Second", w.NewID("AROA"), 12*time.Hour
		second.Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::333333333333:root"},"Action":"sts:AssumeRole"}]}`
		a.Roles["second"] = &second
	})
	e := r.session("chained")
	if got := e.Expires.Sub(r.cloud.Now()).Round(time.Minute); got != time.Hour {
		t.Errorf("the chained session lasts %s", got)
	}
	route, err := r.manager().Route(t.Context(), session.Request{Profile: "chained"})
	if err != nil || len(route.Remarks()) != 1 || !strings.Contains(route.Remarks()[0], "an hour at most") {
		t.Errorf("remarks %q, %v", route.Remarks(), err)
	}
}

func TestRoleSettingsReachAWS(t *testing.T) {
	r := newRig(t)
	r.settings(identity, `[profile common]
role_session_name = from-include
external_id = acme-4711
[profile full]
role_arn = arn:aws:iam::333333333333:role/Full
source_profile = jonas
include_profile = common
duration_seconds = 900
session_tags = team=web, cost = 42
transitive_session_tags = team
source_identity = jonas@example.com
session_policy = {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}
session_policy_arns = arn:aws:iam::aws:policy/AdministratorAccess
`, "jonas")
	r.cloud.Update(func(w *world.World) {
		roles := w.Edit("333333333333").Roles
		full := *roles[world.Fold("PrivilegedActionsRole")]
		full.Name, full.ID = "Full", w.NewID("AROA")
		full.Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:ExternalId":"acme-4711","aws:RequestTag/team":"web"}}}]}`
		roles["full"] = &full
	})
	e := r.session("full")
	if got, want := r.who(e), "arn:aws:sts::333333333333:assumed-role/Full/from-include"; got != want {
		t.Errorf("the session is %s, want %s", got, want)
	}
	c, err := r.cloud.Caller(e.AccessKeyID)
	if err != nil || c.Session.SourceIdentity != "jonas@example.com" || len(c.Session.Tags) != 2 || len(c.Session.TransitiveTags) != 1 || len(c.Session.Policies) != 2 {
		t.Errorf("the session is %+v, %v", c.Session, err)
	}
	if got := e.Expires.Sub(r.cloud.Now()).Round(time.Minute); got != 15*time.Minute {
		t.Errorf("it lasts %s", got)
	}
}

func TestOwnCredentialProcessLeadsToTheProfileItNames(t *testing.T) {
	r := newRig(t)
	r.settings(identity, `[profile mfa]
credential_process = "/opt/my tools/forcemfa-credential-process" --profile jonas
[profile prod]
role_arn = arn:aws:iam::555555555555:role/PrivilegedActionsRole
source_profile = mfa
[profile circle]
credential_process = forcemfa credential-process circle2
[profile circle2]
role_arn = arn:aws:iam::555555555555:role/PrivilegedActionsRole
source_profile = circle
`, "jonas")
	if got := r.who(r.session("prod")); !strings.Contains(got, "PrivilegedActionsRole") {
		t.Errorf("the session is %s", got)
	}
	if p := r.refused(r.manager(), session.Request{Profile: "circle"}); !strings.Contains(p.Sentence, "circle → circle2 → circle") {
		t.Errorf("got %q", p.Sentence)
	}
}

func TestDeviceIsFoundChosenOrExplained(t *testing.T) {
	r := newRig(t)
	r.settings(legacy, "", "beth", "bob", "arjun", "kofi")
	if e := r.session("arjun"); !strings.HasSuffix(e.Serial, "mfa/arjun-phone") {
		t.Errorf("arjun's device is %s", e.Serial)
	}
	if e := r.session("kofi"); e.Serial != "GAHT12345678" {
		t.Errorf("kofi's token is %s", e.Serial)
	}
	if p := r.refused(r.manager(), session.Request{Profile: "beth"}); !strings.Contains(p.Sentence, "mfa/beth-laptop, arn:aws:iam::111111111111:mfa/phones/beth") {
		t.Errorf("got %q", p.Sentence)
	}
	k := r.manager()
	k.Choose = func(_ context.Context, _ string, from []string) (string, error) { return from[1], nil }
	if e, err := k.Session(t.Context(), session.Request{Profile: "beth"}); err != nil || !strings.HasSuffix(e.Serial, "phones/beth") {
		t.Errorf("got %v, %v", e, err)
	}
	if p := r.refused(r.manager(), session.Request{Profile: "bob"}); !strings.Contains(p.Next, "forcemfa enroll bob") {
		t.Errorf("got %q, next %q", p.Sentence, p.Next)
	}
	r.settings(identity, "", "farid", "Maya")
	if p := r.refused(r.manager(), session.Request{Profile: "farid"}); !strings.Contains(p.Sentence, "security key or passkey") {
		t.Errorf("got %q", p.Sentence)
	}
	if e := r.session("Maya"); !strings.HasSuffix(e.Serial, "mfa/Maya") {
		t.Errorf("beside a security key the phone is taken: got %s", e.Serial)
	}
}

func TestSerialComesFromTheRequestTheEnvironmentAndTheProfiles(t *testing.T) {
	r := newRig(t)
	const phone = "arn:aws:iam::111111111111:mfa/phones/beth"
	for _, row := range []struct {
		story, config, env, flag string
	}{
		{"flag", "", "", phone},
		{"environment", "", phone, ""},
		{"own profile", "[profile beth]\nmfa_serial = " + phone + "\n", "", ""},
		{"flag before the rest", "[profile beth]\nmfa_serial = arn:aws:iam::111111111111:mfa/none\n", "arn:aws:iam::111111111111:mfa/nothing", phone},
	} {
		r.settings(legacy, row.config, "beth")
		r.env["AWS_MFA_SERIAL"] = row.env
		route, err := r.manager().Route(t.Context(), session.Request{Profile: "beth", Serial: row.flag})
		if err != nil || route.Serial != phone {
			t.Errorf("%s: %v, %v", row.story, route, err)
		}
	}
}
