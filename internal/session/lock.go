package session

import (
	"context"
	"time"

	"github.com/gofrs/flock"
)

const (
	lockPoll = 25 * time.Millisecond
	// lockPatience is how long somebody may take to type a code.
	lockPatience = 5 * time.Minute
	lockNotice   = 2 * time.Second
)

// lock waits until nobody else makes the session of this name. The system
// frees the lock when its holder ends, however it ends.
func (m *Manager) lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := m.Cache.Make(); err != nil {
		return nil, &Problem{Sentence: "cannot store sessions: " + err.Error(), Next: "make it a directory that only you can use, or set XDG_CACHE_HOME", Err: err}
	}
	path := m.Cache.LockPath(name)
	file := flock.New(path, flock.SetPermissions(0o600))
	waiting, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	notice := time.AfterFunc(lockNotice, func() { m.say("waiting for another forcemfa process that creates this session") })
	defer notice.Stop()
	locked, err := file.TryLockContext(waiting, lockPoll)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case waiting.Err() != nil:
		return nil, &Problem{
			Sentence: "another forcemfa process holds " + path + " and did not finish within 5 minutes",
			Next:     "answer its prompt or end it, then run this again", Err: waiting.Err(),
		}
	case err != nil || !locked:
		return nil, &Problem{Sentence: "lock " + path + ": " + errorText(err), Next: "check that the file system of " + m.Cache.Path + " supports locks", Err: err}
	}
	return func() { _ = file.Unlock() }, nil
}

func errorText(err error) string {
	if err == nil {
		return "not granted"
	}
	return err.Error()
}
