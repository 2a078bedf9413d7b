package session

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"forcemfa/internal/filefault"
	"forcemfa/internal/filelock"
)

const (
	// lockPatience is how long somebody may take to type a code.
	lockPatience = 5 * time.Minute
	lockNotice   = 2 * time.Second
)

// cacheRemedy returns the next step after an error of the cache.
func (m *Manager) cacheRemedy(err error) string {
	return cmp.Or(filefault.Next(err, m.Cache.Path), "make "+m.Cache.Path+" a directory that only you can use") + "; XDG_CACHE_HOME selects another one"
}

// lock waits until no other process creates the session of this name.
func (m *Manager) lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := m.Cache.Make(); err != nil {
		return nil, &Problem{Sentence: "cannot store sessions: " + err.Error(), Next: m.cacheRemedy(err), Err: err}
	}
	path := m.Cache.LockPath(name)
	notice := time.AfterFunc(lockNotice, func() {
		m.say("waiting for %s, which creates this session", filelock.Process(filelock.Holder(path)))
	})
	defer notice.Stop()
	unlock, err = filelock.Take(ctx, path, lockPatience)
	var held *filelock.HeldError
	switch {
	case err == nil:
		return unlock, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &held):
		return nil, &Problem{
			Sentence: held.Error() + " and did not finish within 5 minutes",
			Next:     "answer its prompt or end it, then run this again", Err: err,
		}
	}
	reason := err
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		reason = file.Err // its path is in the sentence
	}
	return nil, &Problem{Sentence: "lock " + path + ": " + reason.Error(), Next: cmp.Or(filefault.Next(err, m.Cache.Path), "check that the file system of "+m.Cache.Path+" supports locks"), Err: err}
}
