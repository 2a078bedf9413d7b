package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
)

// journals are the journals of runs in one place: a directory of this machine, or a
// place in S3 where the Lambda keeps its own.
type journals struct {
	name string
	read func(run string) (*apply.Record, error)
	list func() ([]string, error) // IDs of runs, oldest first

	account string // whose function writes here; empty for this machine
	// check returns why the function cannot have written a journal. Others can write here,
	// too. nil for this machine.
	check func(*apply.Record) error
}

// openJournals is the place that --journal names, or the directory of this machine.
func (o *rollbackOptions) openJournals(ctx context.Context) (*journals, error) {
	if o.journal == "" {
		dir := o.Env.JournalDir()
		return &journals{
			name: dir,
			read: func(run string) (*apply.Record, error) { return apply.ReadJournal(dir, run) },
			list: func() ([]string, error) { return apply.RunIDs(dir) },
		}, nil
	}
	place, err := apply.ParseS3Place(o.journal)
	if err != nil {
		return nil, command.WithHint(fmt.Errorf("--journal: journal place %w", err), "forcemfa deploy plan shows the bucket; the prefix ends with the account ID")
	}
	if place.Account() == "" {
		return nil, command.WithHint(fmt.Errorf("--journal %s: the prefix does not end with the ID of the account whose function wrote the journals", place),
			"use s3://BUCKET/journal/ACCOUNT, as in the environment variable FORCEMFA_JOURNAL of the function")
	}
	client, err := o.bucketClient(ctx)
	if err != nil {
		return nil, err
	}
	t, err := o.opened(ctx)
	if err != nil {
		return nil, err
	}
	return &journals{
		name: place.String(),
		read: func(run string) (*apply.Record, error) { return apply.ReadS3Journal(ctx, client, place, run) },
		list: func() ([]string, error) { return apply.S3RunIDs(ctx, client, place) },

		account: place.Account(),
		check:   func(r *apply.Record) error { return r.CheckFunction(place.Account(), t.Baseline, t.Env.Now()) },
	}, nil
}

// bucketClient is a client of S3 with the caller's own credentials.
func (o *rollbackOptions) bucketClient(ctx context.Context) (*s3.Client, error) {
	t, err := o.opened(ctx)
	if err != nil {
		return nil, err
	}
	caller, err := t.Fleet.Identify(ctx)
	if err != nil {
		return nil, fmt.Errorf("find out the account: %w", err)
	}
	cfg, _, err := t.Fleet.Enter(ctx, caller.Account)
	if err != nil {
		return nil, err
	}
	return apply.S3Client(cfg), nil
}

// opened is the target, opened when it is first asked for.
func (o *rollbackOptions) opened(ctx context.Context) (*organization.Target, error) {
	if o.target == nil {
		t, err := o.Open(ctx)
		if err != nil {
			return nil, err
		}
		o.target = t
	}
	return o.target, nil
}

// record reads the journal of a run.
func (j *journals) record(run string) (*apply.Record, error) {
	const remedy = `list the runs with "forcemfa rollback --list"`
	record, err := j.read(run)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, command.WithHint(fmt.Errorf("no journal of run %s", run), remedy)
	case err != nil:
		return nil, command.WithHint(err, remedy)
	}
	return record, nil
}

// verify refuses a journal with contradictory steps, and one in S3 that the function
// cannot have written. A journal of this machine is a file that only its owner can write.
func (j *journals) verify(record *apply.Record) error {
	if j.check == nil {
		if err := record.Check(); err != nil {
			return command.WithHint(err, "the journal was edited: restore the file, or undo the changes by hand")
		}
		return nil
	}
	if err := j.check(record); err != nil {
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("%w: nothing was changed", err),
			Hint: "find out who wrote to " + j.name + ": CloudTrail records s3:PutObject with data events, and the bucket keeps every version"}
	}
	return nil
}
