package offline

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
)

// deliverEvery is how often records are written. AWS takes about five minutes.
const deliverEvery = time.Second

// A trailFolder writes CloudTrail's records as files, in the layout of a trail's bucket.
// Source: CloudTrail User Guide, "Finding your CloudTrail log files".
type trailFolder struct {
	name         string
	organization string // ID; empty: an account without organization
	now          func() time.Time
	stderr       io.Writer
	stop         context.CancelFunc
	ended        chan struct{}

	mu      sync.Mutex
	records map[trailPlace][]*trail.Record // that were not written yet
	err     error                          // of the first file that could not be written
}

// A trailPlace is the account, Region and day of a log file.
type trailPlace struct{ account, region, day string }

func (p trailPlace) compare(o trailPlace) int {
	return cmp.Or(cmp.Compare(p.account, o.account), cmp.Compare(p.region, o.region), cmp.Compare(p.day, o.day))
}

// writeTrail writes the records of every call from now on to the folder of --trail; nil
// without one.
func writeTrail(e *command.Env, cloud *emulator.Cloud, name string) (*trailFolder, error) {
	if name == "" {
		return nil, nil
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, command.WithHint(fmt.Errorf("--trail %s: %w", name, command.FileReason(err)), "name a folder that you may write to")
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &trailFolder{name: name, now: cloud.Now, stderr: e.Stderr, stop: stop, ended: make(chan struct{}), records: map[trailPlace][]*trail.Record{}}
	cloud.View(func(w *world.World) {
		if w.Organization != nil {
			f.organization = w.Organization.ID
		}
	})
	cloud.OnRecord(f.add)
	go f.run(ctx)
	return f, nil
}

func (f *trailFolder) add(r *trail.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := trailPlace{r.RecipientAccountID, r.Region, r.EventTime.UTC().Format("2006/01/02")}
	f.records[at] = append(f.records[at], r)
}

// run delivers until ctx ends.
func (f *trailFolder) run(ctx context.Context) {
	defer close(f.ended)
	tick := time.NewTicker(deliverEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.deliver()
		case <-ctx.Done():
			f.deliver()
			return
		}
	}
}

// deliver writes a file for each account, Region and day with new records.
func (f *trailFolder) deliver() {
	f.mu.Lock()
	records := f.records
	f.records = map[trailPlace][]*trail.Record{}
	f.mu.Unlock()
	for _, at := range slices.SortedFunc(maps.Keys(records), trailPlace.compare) {
		if err := f.write(at, records[at]); err != nil && f.err == nil {
			f.err = fmt.Errorf("--trail: %w: records are missing from it", err)
			fmt.Fprintln(f.stderr, "WARNING:", f.err)
		}
	}
}

func (f *trailFolder) write(at trailPlace, records []*trail.Record) error {
	var text bytes.Buffer
	zip := gzip.NewWriter(&text)
	if err := errors.Join(json.NewEncoder(zip).Encode(map[string][]*trail.Record{"Records": records}), zip.Close()); err != nil {
		return err
	}
	dir := filepath.Join(f.name, "AWSLogs", f.organization, at.account, "CloudTrail", at.region, filepath.FromSlash(at.day))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return command.FileError("write records", err)
	}
	name := fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", at.account, at.region, f.now().UTC().Format("20060102T1504Z"), rand.Text()[:16])
	return command.WriteFile(filepath.Join(dir, name), text.Bytes(), 0o600)
}

// Close writes the rest. The error is that of the first file that could not be written.
func (f *trailFolder) Close() error {
	if f == nil {
		return nil
	}
	f.stop()
	<-f.ended
	return f.err
}
