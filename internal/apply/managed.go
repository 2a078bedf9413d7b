package apply

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
	"forcemfa/internal/plan"
)

// maxVersions is how many versions a managed policy can have.
// Source: IAM User Guide, "IAM and AWS STS quotas"; it cannot be raised.
const maxVersions = 5

// description is the description of the policy in the console.
const description = "Denies everything without MFA except enrolling an MFA device. Managed by forcemfa."

// A Version is a version of a managed policy that a step deletes permanently, with its
// document, so that it can be restored.
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
	managed, err := fleet.Whole(out.Policy, "GetPolicy")
	if err != nil {
		return plan.State{}, err
	}
	versions, err := listVersions(ctx, c, s.Subject)
	if err != nil {
		return plan.State{}, err
	}
	v, err := getVersion(ctx, c, s.Subject, aws.ToString(managed.DefaultVersionId))
	if err != nil {
		return plan.State{}, err
	}
	now := plan.State{Present: true, Document: v.Document}
	for _, other := range versions {
		now.Versions = append(now.Versions, aws.ToString(other.VersionId))
		if s.Want.Texts == nil || other.IsDefaultVersion {
			continue
		}
		full, err := getVersion(ctx, c, s.Subject, aws.ToString(other.VersionId))
		if err != nil {
			return plan.State{}, err
		}
		now.Texts = append(now.Texts, full.Document)
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
	version, err := fleet.Whole(out.PolicyVersion, "GetPolicyVersion")
	if err != nil {
		return Version{}, err
	}
	text, err := document(version.Document)
	return Version{ID: id, Created: aws.ToTime(version.CreateDate).UTC(), Document: text}, err
}

// oldestVersion is the version to delete before a new one can be created: the oldest
// that is not the default; none when there is room.
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

// otherVersions are all versions except the default. They must be deleted before the
// policy.
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
		PolicyName: &name, Path: &path, PolicyDocument: &s.Want.Document, Description: aws.String(description), Tags: tagsOf(s),
	})
	switch {
	case err == nil:
		return addTexts(ctx, c, s, nil)
	case len(s.Want.Texts) == 0 || code(err) != "EntityAlreadyExists":
		return err
	}
	now, err := readPolicy(ctx, c, s) // an earlier request created it
	if err != nil {
		return err
	}
	return addTexts(ctx, c, s, now.Texts)
}

// tagsOf are the tags of the managed policy.
func tagsOf(s *plan.Step) []types.Tag {
	tags := []types.Tag{{Key: aws.String(baseline.ManagedByTag), Value: aws.String(cmp.Or(s.Want.ManagedBy, baseline.ManagedBy))}}
	if s.Want.Fingerprint == "" {
		return tags
	}
	return append(tags, types.Tag{Key: aws.String(baseline.FingerprintTag), Value: &s.Want.Fingerprint})
}

// putFingerprint sets or removes the tags of a managed policy where the step changes the
// fingerprint: after a rollback, a policy that was adopted has no fingerprint and its former
// tag managed-by, if it had one. That comes before the change of the document, so that a
// run that is killed between them repeats the step.
func putFingerprint(ctx context.Context, c *iam.Client, s *plan.Step) error {
	switch s.Want.Fingerprint {
	case s.Expect.Fingerprint:
		return nil
	case "":
		leave := []string{baseline.FingerprintTag, baseline.ManagedByTag}
		if s.Want.ManagedBy != "" {
			if _, err := c.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &s.Subject, Tags: tagsOf(s)}); err != nil {
				return err
			}
			leave = leave[:1]
		}
		_, err := c.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: &s.Subject, TagKeys: leave})
		return err
	}
	_, err := c.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &s.Subject, Tags: tagsOf(s)})
	return err
}

func updatePolicy(ctx context.Context, c *iam.Client, s *plan.Step, drop []Version) error {
	if err := putFingerprint(ctx, c, s); err != nil {
		return err
	}
	if err := deleteVersions(ctx, c, s, drop); err != nil {
		return err
	}
	_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
		PolicyArn: &s.Subject, PolicyDocument: &s.Want.Document, SetAsDefault: true,
	})
	return err
}

// replacedVersions are the versions that restoring a policy deletes: the default
// version, which was created by the run that is undone, and the oldest one when the
// former default no longer exists and there is no room for it.
func replacedVersions(ctx context.Context, c *iam.Client, s *plan.Step) ([]Version, error) {
	all, current, err := wholeVersions(ctx, c, s.Subject)
	if err != nil {
		return nil, err
	}
	var replaced []Version
	if i := slices.IndexFunc(all, func(v Version) bool { return v.ID == current }); i >= 0 {
		if plan.SameDocument(all[i].Document, s.Want.Document) {
			return nil, nil // an earlier attempt set it, and only other versions are missing
		}
		replaced = append(replaced, all[i])
	}
	if former(all, current, s.Want.Document) == "" && len(all) >= maxVersions {
		oldest := slices.IndexFunc(all, func(v Version) bool { return v.ID != current })
		replaced = append(replaced, all[oldest])
	}
	return replaced, nil
}

// restorePolicy sets the former default version, or a new one with the same document,
// and restores deleted versions as far as there is room. Their IDs differ, because AWS
// does not reuse IDs. It relies on the state that it read first, because a read after a
// change may return an older state.
func restorePolicy(ctx context.Context, c *iam.Client, s *plan.Step, drop []Version) error {
	all, current, err := wholeVersions(ctx, c, s.Subject)
	if err != nil {
		return err
	}
	if err := putFingerprint(ctx, c, s); err != nil {
		return err
	}
	chosen, err := makeDefault(ctx, c, s, all, current, drop)
	if err != nil {
		return err
	}
	if err := deleteVersions(ctx, c, s, drop); err != nil {
		return err
	}
	var others []string
	for _, v := range all {
		if v.ID != chosen && !slices.ContainsFunc(drop, func(d Version) bool { return d.ID == v.ID }) {
			others = append(others, v.Document)
		}
	}
	return addTexts(ctx, c, s, others)
}

// makeDefault makes the wanted document the default version and returns its ID.
func makeDefault(ctx context.Context, c *iam.Client, s *plan.Step, all []Version, current string, drop []Version) (chosen string, err error) {
	if i := slices.IndexFunc(all, func(v Version) bool { return v.ID == current }); i >= 0 && plan.SameDocument(all[i].Document, s.Want.Document) {
		return current, nil
	}
	if chosen = former(all, current, s.Want.Document); chosen != "" {
		_, err = c.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &s.Subject, VersionId: &chosen})
		return chosen, err
	}
	room := slices.DeleteFunc(slices.Clone(drop), func(v Version) bool { return v.ID == current })
	if err := deleteVersions(ctx, c, s, room); err != nil {
		return "", err
	}
	out, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
		PolicyArn: &s.Subject, PolicyDocument: &s.Want.Document, SetAsDefault: true,
	})
	if err != nil {
		return "", err
	}
	created, err := fleet.Whole(out.PolicyVersion, "CreatePolicyVersion")
	if err != nil {
		return "", err
	}
	return aws.ToString(created.VersionId), nil
}

// former is the ID of the newest version with this text that is not the default; empty
// when there is none.
func former(all []Version, current, text string) string {
	for _, v := range slices.Backward(all) {
		if v.ID != current && plan.SameDocument(v.Document, text) {
			return v.ID
		}
	}
	return ""
}

// wholeVersions returns all versions with their documents, oldest first, and the ID of
// the default.
func wholeVersions(ctx context.Context, c *iam.Client, policyARN string) (all []Version, current string, err error) {
	versions, err := listVersions(ctx, c, policyARN)
	if err != nil {
		return nil, "", err
	}
	for _, v := range versions {
		full, err := getVersion(ctx, c, policyARN, aws.ToString(v.VersionId))
		if err != nil {
			return nil, "", err
		}
		if v.IsDefaultVersion {
			current = full.ID
		}
		all = append(all, full)
	}
	return all, current, nil
}

// addTexts creates a version for each wanted text that no version in have contains.
func addTexts(ctx context.Context, c *iam.Client, s *plan.Step, have []string) error {
	for _, text := range plan.Missing(s.Want.Texts, have) {
		_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &s.Subject, PolicyDocument: &text})
		if code(err) == "LimitExceeded" {
			return thinOut(ctx, c, s, err)
		}
		if err != nil {
			return fmt.Errorf("restore a deleted policy version: %w", err)
		}
	}
	return nil
}

// thinOut deletes duplicate versions, so that there is room for the next attempt. Earlier
// attempts create them when a response is lost or a read returns an older state. Versions
// with any other text stay. The error is the one to return for this attempt.
func thinOut(ctx context.Context, c *iam.Client, s *plan.Step, full error) error {
	all, current, err := wholeVersions(ctx, c, s.Subject)
	if err != nil {
		return err
	}
	wanted := slices.Clone(s.Want.Texts)
	var twice []Version
	for _, v := range all {
		same := func(text string) bool { return plan.SameDocument(text, v.Document) }
		i := slices.IndexFunc(wanted, same)
		switch {
		case v.ID == current:
		case i >= 0:
			wanted = slices.Delete(wanted, i, i+1)
		case slices.ContainsFunc(s.Want.Texts, same):
			twice = append(twice, v)
		}
	}
	if err := deleteVersions(ctx, c, s, twice); err != nil {
		return err
	}
	return &crowdedError{full}
}

func deletePolicy(ctx context.Context, c *iam.Client, s *plan.Step, drop []Version) error {
	if err := deleteVersions(ctx, c, s, drop); err != nil {
		return err
	}
	_, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &s.Subject})
	return err
}

// deleteVersions deletes versions. One that does not exist was deleted by an earlier
// attempt.
func deleteVersions(ctx context.Context, c *iam.Client, s *plan.Step, drop []Version) error {
	for i := range drop {
		_, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &s.Subject, VersionId: &drop[i].ID})
		if err != nil && !gone(err) {
			return err
		}
	}
	return nil
}
