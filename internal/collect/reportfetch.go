package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"forcemfa/internal/fleet"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// requestReport has AWS generate a credential report, unless it has one of the
// last four hours. The error is told only when no report can be had after all:
// there may be one that somebody else asked for.
func (r *reader) requestReport(ctx context.Context) error {
	_, err := r.iam.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
	return err
}

// report waits for the credential report; nil, with a gap, when there is none.
func (r *reader) report(ctx context.Context, requested error, patience time.Duration) *credentialReport {
	out, err := r.awaitReport(ctx, requested, patience)
	if err != nil {
		what := "iam:GetCredentialReport"
		if requested != nil {
			what, err = "iam:GenerateCredentialReport", requested
		}
		r.gap(what, err)
		return nil
	}
	report, err := parseReport(string(out.Content))
	if err != nil {
		r.gap("iam:GetCredentialReport", err)
		return nil
	}
	report.generated = aws.ToTime(out.GeneratedTime).UTC()
	r.to.Report = report.generated
	return report
}

func (r *reader) awaitReport(ctx context.Context, requested error, patience time.Duration) (*iam.GetCredentialReportOutput, error) {
	var waited time.Duration
	for pause := time.Second; ; pause = min(2*pause, 8*time.Second) {
		out, err := r.iam.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
		again, wait := reportIsComing(err)
		if !wait || requested != nil && again {
			return out, err
		}
		if waited+pause > patience {
			return nil, fmt.Errorf("no report after %s: %s", waited, fleet.Reason(err))
		}
		if again {
			// What was asked for is not there or too old already; a quota on
			// asking is as final as it is the first time.
			if err := r.requestReport(ctx); err != nil {
				return nil, err
			}
		}
		select {
		case <-time.After(pause):
			waited += pause
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// reportIsComing tells whether to wait for the report, and whether it has to
// be asked for again.
func reportIsComing(err error) (again, wait bool) {
	var inProgress *types.CredentialReportNotReadyException
	var absent *types.CredentialReportNotPresentException
	var expired *types.CredentialReportExpiredException
	again = errors.As(err, &absent) || errors.As(err, &expired)
	return again, again || errors.As(err, &inProgress)
}
