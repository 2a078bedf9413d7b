package collect

import (
	"context"
	"sync/atomic"
	"testing"

	"forcemfa/internal/org"
)

func TestNoMoreUsersAreReadOnceTheRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	users := make([]*org.User, 20)
	var read atomic.Int32
	forEach(ctx, users, func(context.Context, *org.User) { read.Add(1) })
	if read.Load() != 20 {
		t.Errorf("%d of 20 users read", read.Load())
	}
	cancel()
	forEach(ctx, users, func(context.Context, *org.User) { read.Add(1) })
	if read.Load() != 20 {
		t.Errorf("%d users read after the end", read.Load()-20)
	}
}

func TestFailuresBecomeGapsOnce(t *testing.T) {
	r := &reader{to: &org.Account{ID: "111111111111"}, failed: map[failure]map[string]error{}}
	r.fail("iam:ListMFADevices", "bob", context.DeadlineExceeded)
	r.close()
	r.close()
	if len(r.to.Gaps) != 1 || r.to.Gaps[0].What != "iam:ListMFADevices of bob" {
		t.Errorf("gaps %v", r.to.Gaps)
	}
}

func TestAPolicyThatIsKnownIsNotReadAgain(t *testing.T) {
	const at = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	l := &policyCache{read: map[string]org.Policy{at: {ARN: at, Name: "ReadOnlyAccess"}}}
	if p, err := l.policy(t.Context(), nil, at); p.Name != "ReadOnlyAccess" || err != nil { // without a client, a call would panic
		t.Errorf("%+v, %v", p, err)
	}
}
