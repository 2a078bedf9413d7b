package collect

import (
	"context"
	"maps"
	"slices"
	"sync"

	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
)

// A policyCache holds AWS managed policies, which are the same in every account:
// the first account that uses one reads it, once in a run.
type policyCache struct {
	mu    sync.Mutex
	read  map[string]org.Policy // by ARN
	group singleflight.Group
}

// policy reads a policy that is not in the cache. A failure is not cached,
// because another account may have permission to read the policy.
func (l *policyCache) policy(ctx context.Context, client *iam.Client, arn string) (org.Policy, error) {
	if p, ok := l.get(arn); ok {
		return p, nil
	}
	p, err, shared := l.group.Do(arn, func() (any, error) { return l.fetch(ctx, client, arn) })
	if err != nil && shared {
		return l.fetch(ctx, client, arn)
	}
	if err != nil {
		return org.Policy{}, err
	}
	return p.(org.Policy), nil
}

func (l *policyCache) get(arn string) (org.Policy, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.read[arn]
	return p, ok
}

func (l *policyCache) fetch(ctx context.Context, client *iam.Client, arn string) (org.Policy, error) {
	if p, ok := l.get(arn); ok {
		return p, nil
	}
	out, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return org.Policy{}, err
	}
	if _, err := fleet.Whole(out.Policy, "GetPolicy"); err != nil {
		return org.Policy{}, err
	}
	p := org.Policy{
		ARN:     arn,
		Name:    aws.ToString(out.Policy.PolicyName),
		Path:    aws.ToString(out.Policy.Path),
		ID:      aws.ToString(out.Policy.PolicyId),
		Default: aws.ToString(out.Policy.DefaultVersionId),
	}
	version, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: &p.Default})
	if err != nil {
		return org.Policy{}, err
	}
	if _, err := fleet.Whole(version.PolicyVersion, "GetPolicyVersion"); err != nil {
		return org.Policy{}, err
	}
	text, err := decodeDocument(aws.ToString(version.PolicyVersion.Document))
	if err != nil {
		return org.Policy{}, err
	}
	p.Versions = []org.Version{{ID: p.Default, Created: aws.ToTime(version.PolicyVersion.CreateDate), Document: text}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read == nil {
		l.read = map[string]org.Policy{}
	}
	l.read[arn] = p
	return p, nil
}

// fingerprint reads the tags of the policy with the name of the ForceMFA policy, if there
// is one: GetAccountAuthorizationDetails does not return them.
// Source: IAM API Reference, ManagedPolicyDetail.
func (r *reader) fingerprint(ctx context.Context) {
	i := slices.IndexFunc(r.to.Policies, func(p org.Policy) bool { return baseline.NamedForceMFA(&p) })
	if i < 0 {
		return
	}
	ours := r.to.Policies[i].ARN
	out, err := r.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &ours})
	if err == nil {
		_, err = fleet.Whole(out.Policy, "GetPolicy")
	}
	if err != nil {
		r.gap("iam:GetPolicy "+ours, err)
		return
	}
	r.to.Policies[i].Tags = tags(out.Policy.Tags)
}

// documentsAtOnce is how many policies of an account are read at the same time.
const documentsAtOnce = 4

// awsManaged adds the AWS managed policies that the account uses. One that
// cannot be read becomes a gap and stays missing.
func (r *reader) awsManaged(ctx context.Context, l *policyCache) {
	arns := slices.Sorted(maps.Keys(r.used()))
	read := make([]org.Policy, len(arns))
	errs := make([]error, len(arns))
	var g errgroup.Group
	g.SetLimit(documentsAtOnce)
	for i, arn := range arns {
		g.Go(func() error {
			read[i], errs[i] = l.policy(ctx, r.iam, arn)
			return nil
		})
	}
	g.Wait()
	for i, arn := range arns {
		if errs[i] != nil {
			r.gap("iam:GetPolicyVersion "+arn, errs[i])
			continue
		}
		r.to.Policies = append(r.to.Policies, read[i])
	}
}

// used returns the ARNs of the AWS managed policies that are attached or serve
// as a boundary.
func (r *reader) used() map[string]bool {
	used := map[string]bool{}
	note := func(arns ...string) {
		for _, arn := range arns {
			if org.ByAWS(arn) {
				used[arn] = true
			}
		}
	}
	for _, u := range r.to.Users {
		note(u.Attached...)
		note(u.Boundary)
	}
	for _, g := range r.to.Groups {
		note(g.Attached...)
	}
	for _, role := range r.to.Roles {
		note(role.Attached...)
		note(role.Boundary)
	}
	return used
}
