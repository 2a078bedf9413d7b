package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"forcemfa/internal/audit"
	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// mostFindings is the maximum number of findings in one call.
// Source: AWS Security Hub API Reference, BatchImportFindings.
const mostFindings = 100

// A securityHub imports each message into Security Hub as a finding. A finding
// keeps its ID: it is created, updated, and archived when it is fixed. Security
// Hub ignores an update that is older than the finding, so messages may arrive
// in any order.
type securityHub struct {
	client *securityhub.Client
	region string
	whoami *sts.Client
	caller arn.ARN // zero: not read yet
}

func newSecurityHub(cfg aws.Config) *securityHub {
	return &securityHub{client: securityhub.NewFromConfig(cfg), region: cfg.Region, whoami: sts.NewFromConfig(cfg)}
}

func (h *securityHub) Name() string { return "security hub" }

// Send imports the messages. Those that Security Hub rejects are returned as
// [Unsent].
func (h *securityHub) Send(ctx context.Context, d *Summary) error {
	if err := h.identify(ctx); err != nil {
		return err
	}
	var unsent []Message
	var errs []error
	for all := latest(d.Messages); len(all) > 0; {
		n := min(mostFindings, len(all))
		refused, err := h.put(ctx, all[:n])
		unsent = append(unsent, refused...)
		if err != nil {
			errs = append(errs, err)
		}
		all = all[n:]
	}
	if len(unsent) == 0 {
		return nil
	}
	return &Unsent{Messages: unsent, Err: errors.Join(errs...)}
}

// identify reads the caller's account: a finding in the product of an account
// can only be about that account.
// Source: AWS Security Hub API Reference, BatchImportFindings.
func (h *securityHub) identify(ctx context.Context) error {
	if h.caller.Account != "" {
		return nil
	}
	out, err := h.whoami.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("identify the caller: %w", err)
	}
	if h.caller, err = arn.Parse(aws.ToString(out.Arn)); err != nil {
		return fmt.Errorf("identify the caller: %w", err)
	}
	return nil
}

// latest returns the last message of each ID, because a call accepts an ID only
// once. The order is kept.
func latest(messages []Message) []Message {
	last := map[string]int{}
	for i := range messages {
		j, known := last[messages[i].ID]
		if !known || !messages[i].At.Before(messages[j].At) {
			last[messages[i].ID] = i
		}
	}
	var kept []Message
	for i := range messages {
		if last[messages[i].ID] == i {
			kept = append(kept, messages[i])
		}
	}
	return kept
}

// put imports at most a hundred messages and returns the rejected ones.
func (h *securityHub) put(ctx context.Context, messages []Message) ([]Message, error) {
	of := map[string]Message{}
	var in securityhub.BatchImportFindingsInput
	for i := range messages {
		f := h.finding(&messages[i])
		of[*f.Id] = messages[i]
		in.Findings = append(in.Findings, f)
	}
	out, err := h.client.BatchImportFindings(ctx, &in)
	if err != nil {
		return messages, fmt.Errorf("import findings: %w", err)
	}
	var refused []Message
	var first error
	for _, f := range out.FailedFindings {
		if first == nil {
			first = fmt.Errorf("import finding %s: %s: %s", aws.ToString(f.Id), aws.ToString(f.ErrorCode), quote(aws.ToString(f.ErrorMessage)))
		}
		if m, known := of[aws.ToString(f.Id)]; known {
			refused = append(refused, m)
			delete(of, aws.ToString(f.Id))
		}
	}
	if first == nil && aws.ToInt32(out.FailedCount) > 0 {
		return messages, fmt.Errorf("import findings: %d failed, and AWS does not name them", *out.FailedCount)
	}
	return refused, first
}

// finding converts a message to the AWS Security Finding Format.
// Source of required members and lengths: AWS Security Hub API Reference,
// AwsSecurityFinding.
func (h *securityHub) finding(m *Message) types.AwsSecurityFinding {
	partition := cmp.Or(h.caller.Partition, "aws")
	at := m.At.UTC().Format("2006-01-02T15:04:05.000Z")
	severity := &types.Severity{Label: label(m.severity())}
	kind := []string{"Software and Configuration Checks/AWS Security Best Practices"}
	if m.Kind == KindTampering {
		kind = []string{"TTPs/Defense Evasion"}
	}
	f := types.AwsSecurityFinding{
		SchemaVersion: aws.String("2018-10-08"),
		Id:            aws.String(findingID(m.ID)),
		ProductArn:    aws.String(fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%[3]s/default", partition, h.region, h.caller.Account)),
		GeneratorId:   aws.String("forcemfa/" + clip(m.Rule(), 400, "…")),
		AwsAccountId:  aws.String(h.caller.Account),
		CreatedAt:     &at,
		UpdatedAt:     &at,
		Title:         aws.String(clip(m.title(), 256, "…")),
		Description:   aws.String(cmp.Or(clip(m.What, 1024, ""), m.title())),
		Severity:      severity,
		Types:         kind,
		FindingProviderFields: &types.FindingProviderFields{
			Severity: &types.FindingProviderSeverity{Label: severity.Label}, Types: kind,
		},
		Resources:   []types.Resource{h.resource(m)},
		Compliance:  &types.Compliance{Status: compliance(m.Kind)},
		RecordState: types.RecordStateActive,
		ProductFields: map[string]string{
			"ProviderName": "forcemfa", "forcemfa/kind": clip(string(m.Kind), 100, "…"), "forcemfa/account": m.Account,
		},
	}
	if m.Alias != "" {
		f.ProductFields["forcemfa/alias"] = clip(m.Alias, 100, "…")
	}
	if m.Remedy != "" {
		f.Remediation = &types.Remediation{Recommendation: &types.Recommendation{Text: aws.String(clip(m.Remedy, 512, ""))}}
	}
	if m.Kind == KindFixed || m.Kind == KindEnforced || m.isTest() {
		f.RecordState = types.RecordStateArchived
	}
	return f
}

// findingID limits an ID to 512 characters.
func findingID(id string) string {
	if len(id) <= 400 {
		return "forcemfa/" + clip(id, 400, "")
	}
	sum := sha256.Sum256([]byte(id))
	return "forcemfa/" + clip(id, 300, "/") + hex.EncodeToString(sum[:])
}

// resource returns the subject of the finding. Its ARN contains the account.
func (h *securityHub) resource(m *Message) types.Resource {
	r := types.Resource{
		Type: aws.String("Other"), Id: aws.String(clip(m.ARN, 512, "…")),
		Partition: types.Partition(cmp.Or(m.Partition, h.caller.Partition, "aws")), Region: aws.String(cmp.Or(m.Region, h.region)),
	}
	switch a, err := arn.Parse(m.ARN); {
	case m.ARN == "":
		r.Type, r.Id = aws.String("AwsAccount"), aws.String("AWS::::Account:"+m.Account)
	case err == nil && a.Service == "iam" && a.Kind() == "user":
		r.Type = aws.String("AwsIamUser")
	case err == nil && a.Service == "iam" && a.Kind() == "role":
		r.Type = aws.String("AwsIamRole")
	case err == nil && a.Service == "iam" && a.Kind() == "policy":
		r.Type = aws.String("AwsIamPolicy")
	case err == nil && a.Service == "iam" && a.Kind() == "group":
		r.Type = aws.String("AwsIamGroup")
	}
	return r
}

func label(s audit.Severity) types.SeverityLabel {
	switch s {
	case audit.Critical:
		return types.SeverityLabelCritical
	case audit.High:
		return types.SeverityLabelHigh
	case audit.Medium:
		return types.SeverityLabelMedium
	case audit.Low:
		return types.SeverityLabelLow
	}
	return types.SeverityLabelInformational
}

// compliance is PASSED only for a state that was achieved and confirmed.
func compliance(k Kind) types.ComplianceStatus {
	switch k {
	case KindEnforced, KindFixed:
		return types.ComplianceStatusPassed
	case KindWorkaround, KindWindow:
		return types.ComplianceStatusWarning
	case KindUnread, KindTest:
		return types.ComplianceStatusNotAvailable
	}
	return types.ComplianceStatusFailed
}
