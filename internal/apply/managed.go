package apply

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/plan"
)

// maxVersions is how many versions a managed policy can have.
// Source: IAM User Guide, "IAM and AWS STS quotas"; it cannot be raised.
const maxVersions = 5

// description is what the policy says of itself in the console.
const description = "Denies everything without MFA but enrolling a device. Kept by forcemfa."

// A Version is a version of a managed policy that a step deletes for good,
// in full, so that its text is not lost.
type Version struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Document string    `json:"document"`
}

func readPolicy(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	out, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &s.Subject})
	if gone(err) {
		return plan.State{}, nil
	}
	if err != nil {
		return plan.State{}, err
	}
	versions, err := listVersions(ctx, c, s.Subject)
	if err != nil {
		return plan.State{}, err
	}
	v, err := getVersion(ctx, c, s.Subject, aws.ToString(out.Policy.DefaultVersionId))
	if err != nil {
		return plan.State{}, err
	}
	now := plan.State{Present: true, Document: v.Document}
	for _, v := range versions {
		now.Versions = append(now.Versions, aws.ToString(v.VersionId))
	}
	return now, nil
}

// listVersions are the versions of a policy without their documents, oldest
// first.
func listVersions(ctx context.Context, c *iam.Client, policyARN string) ([]types.PolicyVersion, error) {
	var all []types.PolicyVersion
	pages := iam.NewListPolicyVersionsPaginator(c, &iam.ListPolicyVersionsInput{PolicyArn: &policyARN})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Versions...)
	}
	slices.SortFunc(all, func(a, b types.PolicyVersion) int {
		return plan.CompareVersions(aws.ToString(a.VersionId), aws.ToString(b.VersionId))
	})
	return all, nil
}

func getVersion(ctx context.Context, c *iam.Client, policyARN, id string) (Version, error) {
	out, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &policyARN, VersionId: &id})
	if err != nil {
		return Version{}, err
	}
	text, err := document(out.PolicyVersion.Document)
	return Version{ID: id, Created: aws.ToTime(out.PolicyVersion.CreateDate).UTC(), Document: text}, err
}

// oldestVersion is the version that makes room for a new one; none when there
// is room. The default version is never it.
func oldestVersion(ctx context.Context, c *iam.Client, s *plan.Step) ([]Version, error) {
	versions, err := listVersions(ctx, c, s.Subject)
	if err != nil || len(versions) < maxVersions {
		return nil, err
	}
	i := slices.IndexFunc(versions, func(v types.PolicyVersion) bool { return !v.IsDefaultVersion })
	if i < 0 {
		return nil, nil
	}
	v, err := getVersion(ctx, c, s.Subject, aws.ToString(versions[i].VersionId))
	return []Version{v}, err
}

// otherVersions are all versions but the default, which have to go before the
// policy can.
// Source: IAM API Reference, DeletePolicy.
func otherVersions(ctx context.Context, c *iam.Client, s *plan.Step) ([]Version, error) {
	versions, err := listVersions(ctx, c, s.Subject)
	if err != nil {
		return nil, err
	}
	var others []Version
	for _, v := range versions {
		if v.IsDefaultVersion {
			continue
		}
		full, err := getVersion(ctx, c, s.Subject, aws.ToString(v.VersionId))
		if err != nil {
			return nil, err
		}
		others = append(others, full)
	}
	return others, nil
}

func createPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	path, name := entity(s)
	_, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: &name, Path: &path, PolicyDocument: &s.Want.Document, Description: aws.String(description),
	})
	return err
}

func updatePolicy(ctx context.Context, c *iam.Client, s *plan.Step, drop []Version) error {
	if err := deleteVersions(ctx, c, s, drop); err != nil {
		return err
	}
	_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
		PolicyArn: &s.Subject, PolicyDocument: &s.Want.Document, SetAsDefault: true,
	})
	return err
}

func deletePolicy(ctx context.Context, c *iam.Client, s *plan.Step, drop []Version) error {
	if err := deleteVersions(ctx, c, s, drop); err != nil {
		return err
	}
	_, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &s.Subject})
	return err
}

// deleteVersions deletes versions that are there; one that is gone was deleted
// by an earlier try.
func deleteVersions(ctx context.Context, c *iam.Client, s *plan.Step, drop []Version) error {
	for i := range drop {
		_, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &s.Subject, VersionId: &drop[i].ID})
		if err != nil && !gone(err) {
			return err
		}
	}
	return nil
}
