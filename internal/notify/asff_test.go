package notify_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
)

func TestASFFIsWhatSecurityHubImports(t *testing.T) {
	var out bytes.Buffer
	a := notify.NewASFF(&out, &run.Head{Partition: "aws-cn", Management: "111111111111", Time: time.Date(2026, 11, 28, 14, 2, 0, 0, time.UTC)})
	a.Finding(audit.Finding{ID: "user-open/222222222222/user/bob", Rule: "user-open", Severity: audit.Critical, Account: "222222222222", Subject: "user/bob",
		ARN: "arn:aws-cn:iam::222222222222:user/bob", What: "allowed: s3:GetObject", Remedy: strings.Repeat("x", 600)})
	a.Gap(org.Gap{Account: "222222222222", What: "users", Why: "AccessDenied"})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("null")) || bytes.Contains(out.Bytes(), []byte(`""`)) {
		t.Errorf("a member has no value: %s", out.Bytes())
	}
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	var list []types.AwsSecurityFinding
	if err := d.Decode(&list); err != nil || len(list) != 2 {
		t.Fatalf("%d findings, %v", len(list), err)
	}
	f := list[0]
	if *f.Id != "forcemfa/user-open/222222222222/user/bob" || *f.AwsAccountId != "111111111111" ||
		*f.ProductArn != "arn:aws-cn:securityhub:cn-north-1:111111111111:product/111111111111/default" || f.Severity.Label != types.SeverityLabelCritical ||
		len(f.Resources) != 1 || *f.Resources[0].Type != "AwsIamUser" || *f.CreatedAt != "2026-11-28T14:02:00.000Z" || len(*f.Remediation.Recommendation.Text) > 512 {
		t.Errorf("%+v", f)
	}
	if list[1].Compliance.Status != types.ComplianceStatusNotAvailable {
		t.Errorf("%+v", list[1])
	}
	var none bytes.Buffer
	if err := notify.NewASFF(&none, &run.Head{}).Close(); err != nil || !json.Valid(none.Bytes()) {
		t.Errorf("no findings: %q, %v", none.Bytes(), err)
	}
}
