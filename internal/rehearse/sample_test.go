package rehearse

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
)

func TestSampleHasEveryKindOfUser(t *testing.T) {
	var users []audit.User
	for i := range 500 {
		users = append(users, audit.User{ARN: fmt.Sprintf("arn:aws:iam::111111111111:user/u%d", i), State: audit.Open, MFA: org.Yes, ActiveKeys: 1})
	}
	users = append(users, audit.User{ARN: "rare", State: audit.Exempt, Console: org.Yes}, audit.User{ARN: "device", State: audit.Open, Devices: []org.Device{{Kind: org.FIDO}}})
	got := sampled(users, 10)
	has := func(arn string) bool {
		return slices.ContainsFunc(got, func(u audit.User) bool { return u.ARN == arn })
	}
	if len(got) != 10 || !has("rare") || !has("device") {
		t.Errorf("%d users, of them rare: %v, device: %v", len(got), has("rare"), has("device"))
	}
	slices.Reverse(users)
	for _, u := range sampled(users, 10) {
		if !has(u.ARN) {
			t.Errorf("another order gives another sample: %s", u.ARN)
		}
	}
	if len(sampled(users, 0)) != len(users) || len(sampled(users, 10_000)) != len(users) {
		t.Error("without a limit it is not all users")
	}
}

func TestRehearsalOfASampleTriesFewerAttacks(t *testing.T) {
	run := func(n int) (tried, users int, of string) {
		box, err := OpenSandbox(snapshotFile(t), emulator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Run(context.Background(), box, Options{Baseline: baseline.Default(), Now: time.Now, Sample: n})
		if err != nil {
			t.Fatal(err)
		}
		if !got.Passed() {
			t.Errorf("not passed: %+v, %+v", got.NotRefused, got.NotWorking)
		}
		if got.Sample != nil {
			of = fmt.Sprintf("%d of %d", got.Sample.Users, got.Sample.Of)
		}
		return got.AttacksAfter.Tried, got.After.Users, of
	}
	all, users, of := run(0)
	if of != "" {
		t.Errorf("without a limit there is a sample: %s", of)
	}
	some, counted, of := run(3)
	if some == 0 || some >= all || counted != users || of != fmt.Sprintf("3 of %d", users) {
		t.Errorf("%d of %d attacks, %d of %d users in the audit, sample %q", some, all, counted, users, of)
	}
}
