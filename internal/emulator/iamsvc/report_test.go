package iamsvc

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
)

func (s *stand) generate() types.ReportStateType {
	s.t.Helper()
	return do[iam.GenerateCredentialReportOutput](s, &iam.GenerateCredentialReportInput{}).State
}

// report is the credential report, by user.
func (s *stand) report() map[string]map[string]string {
	s.t.Helper()
	content := do[iam.GetCredentialReportOutput](s, &iam.GetCredentialReportInput{}).Content
	rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	byUser := map[string]map[string]string{}
	for _, row := range rows[1:] {
		cells := map[string]string{}
		for i, column := range rows[0] {
			cells[column] = row[i]
		}
		byUser[row[0]] = cells
	}
	return byUser
}

func TestReportIsStartedThenInProgressThenComplete(t *testing.T) {
	s := populated(t)
	s.wantRefused(&iam.GetCredentialReportInput{}, "ReportNotPresent: ")
	if got := s.generate(); got != types.ReportStateTypeStarted {
		t.Errorf("first: %s", got)
	}
	s.wantRefused(&iam.GetCredentialReportInput{}, "ReportInProgress: ")
	if got := s.generate(); got != types.ReportStateTypeInprogress {
		t.Errorf("second, at once: %s", got)
	}
	s.call.Now = noon.Add(reportTime)
	if got := s.generate(); got != types.ReportStateTypeComplete {
		t.Errorf("when it is ready: %s", got)
	}
	if got := do[iam.GetCredentialReportOutput](s, &iam.GetCredentialReportInput{}); !got.GeneratedTime.Equal(noon) || got.ReportFormat != types.ReportFormatTypeTextCsv {
		t.Errorf("the report is of %v in %s", got.GeneratedTime, got.ReportFormat)
	}
}

func TestReportIsCompleteAfterSomePollsOfAStoppedClock(t *testing.T) {
	s := populated(t)
	for _, want := range []types.ReportStateType{types.ReportStateTypeStarted, types.ReportStateTypeInprogress, types.ReportStateTypeComplete} {
		if got := s.generate(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestReportOfAReportedAccountIsOfTheMomentWhenItIsFirstAskedFor(t *testing.T) {
	s := populated(t)
	s.call.World.Edit(s.call.Caller.Account).Reported = true
	s.call.ReportStuck = true
	s.wantRefused(&iam.GetCredentialReportInput{}, "ReportInProgress: ")
	s.call.ReportStuck = false
	s.call.Now = noon.Add(time.Minute)
	if got := do[iam.GetCredentialReportOutput](s, &iam.GetCredentialReportInput{}); !got.GeneratedTime.Equal(s.call.Now) || len(got.Content) == 0 {
		t.Errorf("the report is of %v", got.GeneratedTime)
	}
	if got := s.generate(); got != types.ReportStateTypeComplete {
		t.Errorf("first: %s", got)
	}
	s.call.Now = noon.Add(time.Hour)
	if got := do[iam.GetCredentialReportOutput](s, &iam.GetCredentialReportInput{}); !got.GeneratedTime.Equal(noon.Add(time.Minute)) {
		t.Errorf("an hour later it is of %v", got.GeneratedTime)
	}
	s.call.Now = noon.Add(5 * time.Hour)
	if got := s.generate(); got != types.ReportStateTypeStarted {
		t.Errorf("after four hours: %s", got)
	}
}

func TestReportIsUpToFourHoursOld(t *testing.T) {
	s := populated(t)
	s.generate()
	s.did(&iam.DeleteLoginProfileInput{UserName: str("bob")})
	s.call.Now = noon.Add(4*time.Hour - time.Second)
	if got := s.generate(); got != types.ReportStateTypeComplete {
		t.Errorf("within four hours: %s", got)
	}
	if got := s.report()["bob"]["password_enabled"]; got != "true" {
		t.Errorf("the old report says password_enabled %s, want true as it was then", got)
	}
	s.call.Now = noon.Add(4 * time.Hour)
	s.wantRefused(&iam.GetCredentialReportInput{}, "ReportExpired: ")
	if got := s.generate(); got != types.ReportStateTypeStarted {
		t.Errorf("after four hours: %s", got)
	}
	s.call.Now = s.call.Now.Add(reportTime)
	if got := s.report()["bob"]["password_enabled"]; got != "false" {
		t.Errorf("the new report says password_enabled %s", got)
	}
}

func TestReportHasARowForRootAndEachUser(t *testing.T) {
	s := populated(t)
	s.did(
		&iam.UpdateAccountPasswordPolicyInput{MaxPasswordAge: aws.Int32(90)},
		&iam.CreateAccessKeyInput{UserName: str("Alice")}, &iam.CreateAccessKeyInput{UserName: str("Alice")},
		&iam.CreateLoginProfileInput{UserName: str("Alice"), Password: str("Correct-Horse-1")},
		&iam.UploadSigningCertificateInput{UserName: str("Alice"), CertificateBody: str(certificate(t, 1, noon.AddDate(1, 0, 0)))},
	)
	a := s.call.World.Edit(here)
	a.Root = world.Root{MFA: true, Password: true, PasswordUsed: noon, AccessKeys: 1}
	a.Users["alice"].Login.Used = noon
	a.Users["alice"].Keys[0].Active = false
	s.call.World.UseKey(a.Users["alice"].Keys[1].ID, world.Use{At: noon, Region: "eu-west-1", Service: "s3"})
	s.did(&iam.DeleteAccessKeyInput{UserName: str("Alice"), AccessKeyId: &a.Users["alice"].Keys[0].ID})
	s.generate()
	s.call.Now = noon.Add(reportTime)

	const then, na = "2026-11-20T12:00:00+00:00", "N/A"
	want := map[string]map[string]string{
		"<root_account>": row("<root_account>", "arn:aws:iam::111122223333:root", "2025-11-20T12:00:00+00:00", "not_supported", then, "not_supported", "not_supported", "true",
			"true", na, na, na, na, "false", na, na, na, na, "false", na, "false", na, na),
		"Alice": row("Alice", "arn:aws:iam::111122223333:user/team/Alice", then, "true", then, then, "2027-02-18T12:00:00+00:00", "false",
			"false", na, na, na, na, "true", then, then, "eu-west-1", "s3", "true", then, "false", na, na),
		"bob": row("bob", "arn:aws:iam::111122223333:user/bob", then, "true", "no_information", then, "2027-02-18T12:00:00+00:00", "true",
			"true", then, na, na, na, "false", na, na, na, na, "false", na, "false", na, na),
	}
	if diff := cmp.Diff(want, s.report()); diff != "" {
		t.Error(diff)
	}
}

func row(cells ...string) map[string]string {
	m := map[string]string{}
	for i, column := range []string{
		"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
		"access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
		"access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
		"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated", "additional_credentials_info",
	} {
		m[column] = cells[i]
	}
	return m
}
