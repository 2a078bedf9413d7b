package trail

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Log is what several places hold.
type Log struct {
	Places  []Place
	Files   []LogFile // in addition to those of the places
	Workers int       // files read at the same time
	Latest  time.Time // records after it are skipped, and named; zero: none is
	// Progress is called after each file, possibly concurrently; nil: never.
	Progress func(done, total int)
}

// A Summary says how much of a log was read.
type Summary struct {
	Files      int
	Records    int
	Duplicates int       // records that were delivered twice
	Unordered  bool      // duplicates that are far apart were not found: the files are not in CloudTrail's layout
	Problems   []Problem // files and parts of files that were not read
}

// Read reads all files. It calls open once for each worker; what open returns is
// called with each record, once, and by one goroutine at a time. CloudTrail can
// deliver a record twice: records are compared within an account, Region and day
// in CloudTrail's layout, and with the recent ones in other files.
// Source: CloudTrail User Guide, "eventID" and delivery of log files.
func (l *Log) Read(ctx context.Context, open func() func(*Call)) (Summary, error) {
	files := slices.Clone(l.Files)
	var s Summary
	for _, p := range l.Places {
		found, problems := p.Files()
		files = append(files, found...)
		s.Problems = append(s.Problems, problems...)
	}
	groups := byDay(files)
	queue := make(chan []LogFile)
	workers := make([]*worker, max(1, min(l.Workers, len(groups))))
	shared := &recent{}
	var done atomic.Int64
	var running sync.WaitGroup
	for i := range workers {
		w := &worker{each: open(), recent: shared, read: func() {
			if n := int(done.Add(1)); l.Progress != nil {
				l.Progress(n, len(files))
			}
		}}
		workers[i] = w
		running.Go(func() { w.run(ctx, queue, l.Latest) })
	}
	for _, g := range groups {
		queue <- g
	}
	close(queue)
	running.Wait()
	for _, w := range workers {
		s.Files += w.Files
		s.Records += w.Records
		s.Duplicates += w.Duplicates
		s.Unordered = s.Unordered || w.Unordered
		s.Problems = append(s.Problems, w.Problems...)
	}
	return s, ctx.Err()
}

// byDay groups the files of each account, Region and day; other files are alone.
func byDay(files []LogFile) (groups [][]LogFile) {
	day := ""
	for _, f := range files {
		if d := f.Day(); d == "" || d != day {
			groups = append(groups, nil)
			day = d
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], f)
	}
	return groups
}

// A worker reads groups of files.
type worker struct {
	Summary
	each   func(*Call)
	recent *recent
	read   func()
}

func (w *worker) run(ctx context.Context, queue <-chan []LogFile, latest time.Time) {
	r := newFileReader(func(p Problem) { w.Problems = append(w.Problems, p) })
	if !latest.IsZero() {
		r.records.Latest = latest.Unix()
	}
	seen := map[uint64]struct{}{}
	for files := range queue {
		clear(seen)
		ordered := files[0].Day() != ""
		w.Unordered = w.Unordered || !ordered
		for _, f := range files {
			if ctx.Err() != nil {
				break
			}
			w.Files++
			_ = r.read(f, func(c *Call) error { // its only errors are those of this function
				w.add(c, seen, ordered)
				return ctx.Err()
			})
			w.read()
		}
	}
}

func (w *worker) add(c *Call, seen map[uint64]struct{}, ordered bool) {
	if c.ID != 0 {
		twice := false
		if ordered {
			_, twice = seen[c.ID]
			seen[c.ID] = struct{}{}
		} else {
			twice = w.recent.seen(c.ID)
		}
		if twice {
			w.Duplicates++
			return
		}
	}
	w.Records++
	w.each(c)
}

// recent finds duplicates among some millions of records. A new record takes the
// place of an older one, so that its memory is bounded.
type recent struct {
	once sync.Once
	ids  []atomic.Uint64
}

// seen notes a record and reports whether it was there already.
func (r *recent) seen(id uint64) bool {
	r.once.Do(func() { r.ids = make([]atomic.Uint64, 1<<21) })
	return r.ids[(id>>1)%uint64(len(r.ids))].Swap(id) == id
}
