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

// requestReport makes AWS generate a credential report, unless one of the last
// four hours exists. The error matters only when no report can be fetched:
// another caller may have requested one.
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
			// The requested report does not exist or is already too old. A quota
			// error on the request is final, as for the first request.
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

// reportIsComing reports whether to wait for the report, and whether to request
// it again.
func reportIsComing(err error) (again, wait bool) {
	var inProgress *types.CredentialReportNotReadyException
	var absent *types.CredentialReportNotPresentException
	var expired *types.CredentialReportExpiredException
	again = errors.As(err, &absent) || errors.As(err, &expired)
	return again, again || errors.As(err, &inProgress)
}
