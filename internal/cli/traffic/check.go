package traffic

import (
	"context"
	"errors"
	"fmt"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// runCheck compares the forecast of --check with the log since it was made.
func runCheck(ctx context.Context, o *impactOptions) error {
	if o.redact || o.by != "" || o.user != "" {
		return errors.New("--check prints the comparison alone: give no --by, --user or --redact")
	}
	forecast, f, err := stream.ReadImpact(o.check)
	if err != nil {
		return err
	}
	if o.since == "" {
		o.after = forecast.Head.Time.Unix()
	}
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	o.audit = func(s *organization.Survey) audit.Sink {
		sinks := audit.Sinks{o.judge.States()}
		if run := o.auditInto(ctx, results)(s); run != nil {
			sinks = append(sinks, run)
		}
		return sinks
	}
	s, report, err := o.read(ctx, func(*org.Account) {})
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	if err := sameOrganization(o.check, forecast, s); err != nil {
		return err
	}
	outcome, err := o.judge.Check(f, o.tally)
	if err != nil {
		return err
	}
	results.Forecast(forecast.Head.Time, outcome)
	if err := results.Finish(s.RunEnd(0)); err != nil {
		return err
	}
	if o.JSON() {
		o.printUnread(o.Stderr(), report)
		err = view.JSON(o.Stdout(), outcome)
	} else {
		view.Outcome(o.Stdout(), o.Style(), outcome)
		o.printUnread(o.Stdout(), report)
	}
	if err != nil {
		return err
	}
	return incomplete(report)
}

func sameOrganization(name string, f *run.Run, s *organization.Survey) error {
	if f.Head.Organization == s.ID() {
		return nil
	}
	return command.WithHint(fmt.Errorf("%s is about the organization %q, and the log about %q", name, f.Head.Organization, s.ID()), "make it with forcemfa impact --save in this organization")
}
