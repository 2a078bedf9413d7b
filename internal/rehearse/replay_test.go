package rehearse

import (
	"archive/zip"
	"bytes"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/trail"
)

// sampleReplay is a rehearsal of the sample with its month.
func sampleReplay(t *testing.T) *rehearsal {
	t.Helper()
	box, err := OpenSandbox("", emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := box.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := sample.Month(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	files, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	return &rehearsal{box: box, Options: Options{
		Baseline: b, Now: time.Now, Sample: 1, Log: func(string) {}, Progress: func(string, int, int) {}, Replay: []trail.Place{{FS: files, Root: ".", Name: "sample"}},
	}}
}

// The month sent again after the plan is refused exactly where impact forecasts it.
func TestTheMonthSentAgainIsRefusedWhereImpactSaysSo(t *testing.T) {
	r := sampleReplay(t)
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := r.out.Replay
	if len(got.Differences) != 0 || got.Denied == 0 || got.RefusedBefore != 0 || got.Denied+got.NotEnforced != got.Forecast {
		t.Errorf("%+v", got)
	}
	if got.Sent < 2*got.Decided || got.Decided == 0 || got.Calls <= got.Forecast || r.out.ReplayUnread != 0 {
		t.Errorf("most kinds are sent, some decided: %+v", got)
	}
}

// A plan that was not applied refuses nothing: every forecast call differs.
func TestAReplayFindsAPlanThatDoesNothing(t *testing.T) {
	r := sampleReplay(t)
	r.box.CompleteReports()
	before, err := r.audit(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	after := *before
	after.users = append([]audit.User{}, before.users...)
	for i := range after.users {
		after.users[i].State = audit.Enforced
	}
	if err := r.replay(t.Context(), before, &after, r.box.Cloud.Fork()); err != nil {
		t.Fatal(err)
	}
	if got := r.out.Replay; len(got.Differences) < 3 || got.Differences[0].Forecast != "denied" || got.Differences[0].Answer != "success" {
		t.Errorf("%+v", got)
	}
}
