package rollout

import (
	"archive/zip"
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/rehearse"
)

// What a client uploads is not run unless it is a package of forcemfa.
func TestAProgramOfSomebodyElseIsNotRun(t *testing.T) {
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	if _, err := z.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	box, err := rehearse.OpenSandbox("", emulator.Options{Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	started := false
	functions := NewFunctions(box.Cloud, func() *exec.Cmd {
		started = true
		return program()
	}, nil)
	defer functions.Close()
	f := &lambdasvc.Function{ARN: "arn:aws:lambda:us-east-1:" + home + ":function:f", Name: "f", Code: code.Bytes(), Reserved: lambdasvc.NoReservation}
	_, err = functions.Run(t.Context(), &engine.Invocation{Account: home, Region: "us-east-1", Function: f, RequestID: "1"})
	if err == nil || !strings.Contains(err.Error(), "only the functions of forcemfa run here") || started {
		t.Errorf("%v, started: %v", err, started)
	}
}

// A worker does what is due with a tick, and what becomes due when the clock is moved.
func TestAWorkerDoesWhatIsDue(t *testing.T) {
	box, err := rehearse.OpenSandbox("", emulator.Options{Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorker(box.Cloud, nil, func(p engine.Problem) { t.Errorf("%+v", p) })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	rules, name := eventbridge.NewFromConfig(box.Config), aws.String("often")
	if _, err := rules.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: name, ScheduleExpression: aws.String("rate(5 minutes)")}); err != nil {
		t.Fatal(err)
	}
	next := func() (at time.Time) {
		box.Cloud.View(func(w *world.World) {
			for _, r := range world.List[*eventssvc.Rule](w.Account(box.Home)) {
				if r.Name == *name {
					at = r.Next
				}
			}
		})
		return at
	}
	first, begin := next(), box.Cloud.Now()
	if err := w.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := next().Sub(first); got < time.Hour-5*time.Minute || !box.Cloud.Now().Equal(begin.Add(time.Hour)) {
		t.Errorf("after an hour the schedule is %s later, and the clock shows %s", got, box.Cloud.Now().Sub(begin))
	}
	box.Cloud.Advance(time.Hour) // as the clock of this machine does
	before := next()
	ctx, cancel := context.WithCancel(t.Context())
	ticks, done := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(done)
		w.Work(ctx, ticks)
	}()
	ticks <- time.Time{}
	ticks <- time.Time{} // taken when the work of the first is done
	cancel()
	<-done
	if got := next().Sub(before); got < time.Hour-5*time.Minute {
		t.Errorf("after a tick the schedule is %s later", got)
	}
}
