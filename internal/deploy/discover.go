package deploy

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// An accountState is the state of one account before the deployment.
type accountState struct {
	account  *org.Account
	coverage TrailCoverage
	present  bool     // the policy or group exists
	adopted  string   // ARN of the policy that the config adopts and the account has; empty: none
	text     string   // of the policy's default version; empty without a policy
	taken    []string // ARNs of other policies and groups with the names of ForceMFA
}

// discover enters every account and reads its trails, policy and group. A failed
// read is a gap.
func (d *Deployment) discover(ctx context.Context) error {
	accounts := make([]accountState, len(d.found.Accounts))
	gaps := make([][]org.Gap, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(d.fleet.Concurrency())
	for i, a := range d.found.Accounts {
		accounts[i] = accountState{account: a, coverage: TrailCoverage{State: CoverageUnknown}}
		gaps[i] = append(gaps[i], a.Gaps...)
		if fleet.Enterable(a) {
			group.Go(func() error {
				gap := d.discoverAccount(ctx, &accounts[i])
				gaps[i] = append(gaps[i], gap...)
				return ctx.Err()
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	d.accounts, d.gaps = accounts, append(slices.Clone(d.found.Header.Gaps), slices.Concat(gaps...)...)
	return nil
}

func (d *Deployment) discoverAccount(ctx context.Context, l *accountState) []org.Gap {
	gap := func(what string, err error) []org.Gap {
		return []org.Gap{{Account: l.account.ID, What: what, Why: fleet.Reason(err)}}
	}
	cfg, err := d.config(ctx, l.account.ID, d.home)
	if err != nil {
		l.coverage.Why = fleet.Reason(err)
		return gap("account", err)
	}
	var gaps []org.Gap
	if l.coverage = coverageOf(ctx, cfg); l.coverage.State == CoverageUnknown {
		gaps = append(gaps, org.Gap{Account: l.account.ID, What: "trails", Why: l.coverage.Why})
	}
	client := iam.NewFromConfig(cfg, func(o *iam.Options) { o.APIOptions = append(o.APIOptions, fleet.WholeAnswers) })
	if err := d.readPolicy(ctx, client, l); err != nil {
		gaps = append(gaps, gap("policy", err)...)
	}
	if !l.present {
		if l.present, err = hasGroup(ctx, client); err != nil {
			gaps = append(gaps, gap("group", err)...)
		}
	}
	if !l.present {
		if l.taken, err = namesTaken(ctx, client); err != nil {
			gaps = append(gaps, gap("names of policies and groups", err)...)
		}
	}
	return gaps
}

// readPolicy reads the policy of an account: its own, or the first one of those that the
// config adopts.
func (d *Deployment) readPolicy(ctx context.Context, client *iam.Client, l *accountState) (err error) {
	for i, policyARN := range d.o.Baseline.PolicyARNs(d.partition, l.account.ID) {
		if l.text, l.present, err = managedPolicy(ctx, client, policyARN); err != nil {
			return err
		}
		if l.present {
			if i > 0 {
				l.adopted = policyARN
			}
			return nil
		}
	}
	return nil
}

// namesTaken returns the ARNs of the account's policy and group that have the name of
// ForceMFA and another path. A stack cannot create its own beside them, because IAM's
// names are unique in an account whatever their path and case.
// Source: IAM API Reference, CreatePolicy and CreateGroup; IAM User Guide, "IAM and AWS
// STS quotas".
func namesTaken(ctx context.Context, client *iam.Client) ([]string, error) {
	var taken []string
	pages := iam.NewListPoliciesPaginator(client, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Policies {
			if strings.EqualFold(aws.ToString(p.PolicyName), baseline.PolicyName) && aws.ToString(p.Path) != baseline.Path {
				taken = append(taken, aws.ToString(p.Arn))
			}
		}
	}
	group, err := managedGroup(ctx, client)
	if group != nil && aws.ToString(group.Path) != baseline.Path {
		taken = append(taken, aws.ToString(group.Arn))
	}
	return taken, err
}

// managedPolicy reads the default version of the ForceMFA policy.
func managedPolicy(ctx context.Context, client *iam.Client, policyARN string) (document string, there bool, err error) {
	out, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &policyARN})
	if errors.As(err, new(*types.NoSuchEntityException)) {
		return "", false, nil
	}
	if err == nil {
		_, err = fleet.Whole(out.Policy, "GetPolicy")
	}
	if err != nil {
		return "", false, err
	}
	version, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &policyARN, VersionId: out.Policy.DefaultVersionId})
	if err == nil {
		_, err = fleet.Whole(version.PolicyVersion, "GetPolicyVersion")
	}
	if err != nil {
		return "", true, err
	}
	document = aws.ToString(version.PolicyVersion.Document)
	if plain, err := url.PathUnescape(document); err == nil && !strings.HasPrefix(document, "{") {
		document = plain
	}
	return document, true, nil
}

func hasGroup(ctx context.Context, client *iam.Client) (bool, error) {
	group, err := managedGroup(ctx, client)
	return group != nil && aws.ToString(group.Path) == baseline.Path, err
}

// managedGroup is the group of the name ForceMFA, whatever its path; nil for none.
func managedGroup(ctx context.Context, client *iam.Client) (*types.Group, error) {
	out, err := client.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String(baseline.GroupName), MaxItems: aws.Int32(1)})
	if err == nil {
		return fleet.Whole(out.Group, "GetGroup")
	}
	if errors.As(err, new(*types.NoSuchEntityException)) {
		err = nil
	}
	return nil, err
}

// hasDocument reports whether the policy in force equals a document.
func (l *accountState) hasDocument(document string) bool {
	now, err := policy.Parse(policy.Identity, l.text)
	want, wrong := policy.Parse(policy.Identity, document)
	return err == nil && wrong == nil && now.Equal(want)
}
