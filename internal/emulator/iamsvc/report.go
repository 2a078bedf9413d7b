package iamsvc

import (
	"bytes"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

const (
	// reportLife is how long IAM returns the same credential report.
	// Source: IAM User Guide, "Getting credential reports".
	reportLife = 4 * time.Hour
	// reportTime is how long IAM takes to generate a report. AWS does not
	// publish it.
	reportTime = time.Second
	// reportPolls is how many calls of GenerateCredentialReport complete a
	// report even if the clock stands still.
	reportPolls = 3
)

// generateCredentialReport starts a report when there is none or it is four
// hours old, and otherwise returns the state of the last one. A report shows the
// account as of its start.
func generateCredentialReport(c *operation.Call, _ *iam.GenerateCredentialReportInput) (*iam.GenerateCredentialReportOutput, error) {
	a := edit(c)
	if a.Report == nil || c.Now.Sub(a.Report.Generated) >= reportLife {
		first := a.Report == nil && a.Reported
		content, err := reportOf(c, a)
		if err != nil {
			return nil, err
		}
		a.Report = &world.Report{Started: c.Now, Ready: c.Now.Add(reportTime), Generated: c.Now, Content: content, Polls: 1}
		if first {
			a.Report.Ready = c.Now
		}
		if first && ready(c, a.Report) {
			return &iam.GenerateCredentialReportOutput{State: types.ReportStateTypeComplete}, nil
		}
		return &iam.GenerateCredentialReportOutput{
			State:       types.ReportStateTypeStarted,
			Description: aws.String("No report exists. Starting a new report generation task"),
		}, nil
	}
	a.Report.Polls++
	if !ready(c, a.Report) {
		return &iam.GenerateCredentialReportOutput{State: types.ReportStateTypeInprogress}, nil
	}
	return &iam.GenerateCredentialReportOutput{State: types.ReportStateTypeComplete}, nil
}

func ready(c *operation.Call, r *world.Report) bool {
	return !c.ReportStuck && (!c.Now.Before(r.Ready) || r.Polls >= reportPolls)
}

func getCredentialReport(c *operation.Call, _ *iam.GetCredentialReportInput) (*iam.GetCredentialReportOutput, error) {
	a := account(c)
	r := a.Report
	if r == nil && a.Reported {
		content, err := reportOf(c, a)
		if err != nil {
			return nil, err
		}
		r = &world.Report{Ready: c.Now, Generated: c.Now, Content: content}
	}
	switch {
	case r == nil:
		return nil, &types.CredentialReportNotPresentException{Message: aws.String("No report is present. Use GenerateCredentialReport to generate one.")}
	case !ready(c, r):
		return nil, &types.CredentialReportNotReadyException{Message: aws.String("Report generation is in progress.")}
	case c.Now.Sub(r.Generated) >= reportLife:
		return nil, &types.CredentialReportExpiredException{Message: aws.String("The most recent report has expired. Use GenerateCredentialReport to generate a new one.")}
	}
	return &iam.GetCredentialReportOutput{
		Content: bytes.Clone(r.Content), GeneratedTime: aws.Time(r.Generated), ReportFormat: types.ReportFormatTypeTextCsv,
	}, nil
}

// reportColumns lists the columns of a credential report.
// Source: IAM User Guide, "Getting credential reports".
var reportColumns = []string{
	"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
	"access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
	"access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
	"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated", "additional_credentials_info",
}

// The texts for missing values.
const (
	notApplicable = "N/A"
	noInformation = "no_information"
	notSupported  = "not_supported"
)

// reportOf returns the account's credential report: the root user, then the
// users by name.
func reportOf(c *operation.Call, a *world.Account) ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	rows := [][]string{reportColumns, rootRow(c, a)}
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		rows = append(rows, userRow(c, a, a.Users[name]))
	}
	err := out.WriteAll(rows)
	return b.Bytes(), err
}

func rootRow(c *operation.Call, a *world.Account) []string {
	row := []string{"<root_account>", c.World.RootARN(a.ID), reportTimestamp(a.Joined)}
	if a.Root.Password {
		row = append(row, notSupported, orNoInformation(a.Root.PasswordUsed), notSupported, notSupported)
	} else {
		row = append(row, "false", notApplicable, notSupported, notSupported)
	}
	row = append(row, strconv.FormatBool(a.Root.MFA))
	for slot := 1; slot <= 2; slot++ {
		row = append(row, strconv.FormatBool(a.Root.AccessKeys >= slot), notApplicable, notApplicable, notApplicable, notApplicable)
	}
	return append(row, "false", notApplicable, "false", notApplicable, notApplicable)
}

func userRow(c *operation.Call, a *world.Account, u *world.User) []string {
	row := []string{u.Name, c.World.UserARN(a.ID, u), reportTimestamp(u.Created)}
	row = append(row, passwordCells(a, u)...)
	row = append(row, strconv.FormatBool(len(a.DevicesOf(u.Name)) > 0))
	for slot := 1; slot <= 2; slot++ {
		row = append(row, keyCells(c, u, slot)...)
	}
	for slot := range 2 {
		row = append(row, certificateCells(u, slot)...)
	}
	return append(row, notApplicable)
}

func passwordCells(a *world.Account, u *world.User) []string {
	if u.Login == nil {
		return []string{"false", notApplicable, notApplicable, notApplicable}
	}
	next := notApplicable
	if at := a.PasswordPolicy.Expires(u.Login); !at.IsZero() {
		next = reportTimestamp(at)
	}
	return []string{"true", orNoInformation(u.Login.Used), reportTimestamp(u.Login.Changed), next}
}

func keyCells(c *operation.Call, u *world.User, slot int) []string {
	i := slices.IndexFunc(u.Keys, func(k *world.Key) bool { return k.Slot == slot })
	if i < 0 {
		return []string{"false", notApplicable, notApplicable, notApplicable, notApplicable}
	}
	k := u.Keys[i]
	cells := []string{strconv.FormatBool(k.Active), reportTimestamp(k.Created)}
	use := c.World.KeyUse(k)
	if use.At.IsZero() {
		return append(cells, notApplicable, notApplicable, notApplicable)
	}
	return append(cells, reportTimestamp(use.At), *orNA(use.Region), *orNA(use.Service))
}

func certificateCells(u *world.User, i int) []string {
	if i >= len(u.Certificates) {
		return []string{"false", notApplicable}
	}
	return []string{strconv.FormatBool(u.Certificates[i].Active), reportTimestamp(u.Certificates[i].Uploaded)}
}

func reportTimestamp(t time.Time) string {
	if t.IsZero() {
		return notApplicable
	}
	return t.UTC().Format("2006-01-02T15:04:05+00:00")
}

func orNoInformation(t time.Time) string {
	if t.IsZero() {
		return noInformation
	}
	return reportTimestamp(t)
}
