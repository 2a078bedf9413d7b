package iamsvc

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

func accessAdvisorOperations() []operation.Operation {
	return []operation.Operation{
		write("GenerateServiceLastAccessedDetails", spec{on: anEntity}, generateServiceLastAccessedDetails),
		read("GetServiceLastAccessedDetails", spec{on: anything}, getServiceLastAccessedDetails),
		read("GetServiceLastAccessedDetailsWithEntities", spec{on: anything}, getServiceLastAccessedDetailsWithEntities),
		read("ListPoliciesGrantingServiceAccess", spec{on: anEntity}, listPoliciesGrantingServiceAccess),
		write("GenerateOrganizationsAccessReport", spec{on: anything, keys: []key{organizationsPolicyID}}, generateOrganizationsAccessReport),
		read("GetOrganizationsAccessReport", spec{on: anything}, getOrganizationsAccessReport),
	}
}

// anEntity is the user, group, role or policy in Arn.
func anEntity(_ *operation.Call, in input) (found, error) {
	named, _ := in.text("Arn")
	return found{arn: named}, nil
}

// jobLife is how long IAM keeps a report.
// Source: IAM API Reference, GenerateServiceLastAccessedDetails, JobId: 7 days.
const jobLife = 7 * 24 * time.Hour

// An accessor is a user, group, role or policy: the principals behind it, and the
// documents that grant it access.
type accessor struct {
	principals []string // ARNs
	policies   []policy.Source
}

// accessorOf returns the entity with an ARN.
func accessorOf(c *operation.Call, named string) (*accessor, error) {
	a := account(c)
	parsed, err := arn.Parse(named)
	if err != nil || parsed.Service != "iam" {
		return nil, invalidInput("Invalid ARN: %s", named)
	}
	name := parsed.Name()
	switch {
	case parsed.Kind() == "policy":
		return policyAccessor(c, a, named)
	case parsed.Account != a.ID:
		return nil, noSuchEntity("ARN %s was not found.", named)
	case parsed.Kind() == "user":
		if u, err := userOf(a, &name); err == nil {
			return &accessor{[]string{named}, c.World.UserSet(a.ID, u).Identity}, nil
		}
	case parsed.Kind() == "role":
		if r, err := roleOf(a, &name); err == nil {
			return &accessor{[]string{named}, c.World.RoleSet(a.ID, r).Identity}, nil
		}
	case parsed.Kind() == "group":
		if g, err := groupOf(a, &name); err == nil {
			only := &world.User{Groups: map[string]bool{world.Fold(g.Name): true}}
			return &accessor{userARNs(c, members(a, g)), c.World.UserSet(a.ID, only).Identity}, nil
		}
	}
	return nil, noSuchEntity("ARN %s was not found.", named)
}

func userARNs(c *operation.Call, users []*world.User) []string {
	var all []string
	for _, u := range users {
		all = append(all, c.World.UserARN(c.Caller.Account, u))
	}
	return all
}

// policyAccessor is a managed policy with everybody to whom it is attached.
func policyAccessor(c *operation.Call, a *world.Account, named string) (*accessor, error) {
	p, err := policyOf(c, &named)
	if err != nil {
		return nil, err
	}
	text, _ := p.Document()
	of := &accessor{policies: []policy.Source{c.World.Parse("policy "+named, policy.Identity, text)}}
	for _, u := range a.Users {
		direct := slices.Contains(u.Attached, named)
		if direct || slices.ContainsFunc(groupsOf(a, u), func(g *world.Group) bool { return slices.Contains(g.Attached, named) }) {
			of.principals = append(of.principals, c.World.UserARN(a.ID, u))
		}
	}
	for _, r := range a.ListedRoles() {
		if slices.Contains(r.Attached, named) {
			of.principals = append(of.principals, c.World.RoleARN(a.ID, r))
		}
	}
	return of, nil
}

// generateServiceLastAccessedDetails makes the report at once.
func generateServiceLastAccessedDetails(c *operation.Call, in *iam.GenerateServiceLastAccessedDetailsInput) (*iam.GenerateServiceLastAccessedDetailsOutput, error) {
	of, err := accessorOf(c, *in.Arn)
	if err != nil {
		return nil, err
	}
	job := &world.AccessJob{Kind: cmp.Or(string(in.Granularity), string(types.AccessAdvisorUsageGranularityTypeServiceLevel)), Created: c.Now}
	for _, service := range granted(of.policies...) {
		job.Services = append(job.Services, accessedBy(c, service, of.principals))
	}
	return &iam.GenerateServiceLastAccessedDetailsOutput{JobId: newJob(c, job)}, nil
}

func newJob(c *operation.Call, job *world.AccessJob) *string {
	id := c.World.NewUUID()
	edit(c).AccessJobs[id] = job
	return &id
}

func accessedBy(c *operation.Call, service string, principals []string) world.AccessedService {
	s := world.AccessedService{Namespace: service}
	for _, p := range principals {
		if use := c.World.ServiceUse(p, service); !use.At.IsZero() {
			s.Entities = append(s.Entities, world.AccessedEntity{Name: p, Use: use})
		}
	}
	latestFirst(s.Entities)
	return s
}

func latestFirst(entities []world.AccessedEntity) {
	slices.SortFunc(entities, func(x, y world.AccessedEntity) int {
		return cmp.Or(y.Use.At.Compare(x.Use.At), strings.Compare(x.Name, y.Name))
	})
}

// jobOf returns a job about one entity, or with organization one about the
// organization.
func jobOf(c *operation.Call, id string, organization bool) (*world.AccessJob, error) {
	job := account(c).AccessJobs[id]
	if job == nil || (job.Kind == "") != organization || c.Now.Sub(job.Created) > jobLife {
		return nil, noSuchEntity("The job %s cannot be found.", id)
	}
	return job, nil
}

func byNamespace(operation string, services []world.AccessedService) listing[world.AccessedService] {
	return listing[world.AccessedService]{operation, slices.Clone(services), func(s world.AccessedService) string { return s.Namespace }}
}

func getServiceLastAccessedDetails(c *operation.Call, in *iam.GetServiceLastAccessedDetailsInput) (*iam.GetServiceLastAccessedDetailsOutput, error) {
	job, err := jobOf(c, *in.JobId, false)
	if err != nil {
		return nil, err
	}
	p, err := byNamespace("GetServiceLastAccessedDetails", job.Services).page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetServiceLastAccessedDetailsOutput{
		JobStatus: types.JobStatusTypeCompleted, JobType: types.AccessAdvisorUsageGranularityType(job.Kind),
		JobCreationDate: aws.Time(job.Created), JobCompletionDate: aws.Time(job.Created),
		ServicesLastAccessed: []types.ServiceLastAccessed{}, IsTruncated: p.truncated(), Marker: p.marker,
	}
	for _, s := range p.items {
		t := types.ServiceLastAccessed{
			ServiceName: aws.String(s.Namespace), ServiceNamespace: aws.String(s.Namespace), TotalAuthenticatedEntities: aws.Int32(int32(len(s.Entities))),
		}
		if len(s.Entities) > 0 {
			last := s.Entities[0]
			t.LastAuthenticated, t.LastAuthenticatedEntity, t.LastAuthenticatedRegion = aws.Time(last.Use.At), aws.String(last.Name), orNil(last.Use.Region)
		}
		out.ServicesLastAccessed = append(out.ServicesLastAccessed, t)
	}
	return out, nil
}

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func getServiceLastAccessedDetailsWithEntities(c *operation.Call, in *iam.GetServiceLastAccessedDetailsWithEntitiesInput) (*iam.GetServiceLastAccessedDetailsWithEntitiesOutput, error) {
	job, err := jobOf(c, *in.JobId, false)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(job.Services, func(s world.AccessedService) bool { return s.Namespace == *in.ServiceNamespace })
	if i < 0 {
		return nil, noSuchEntity("The service %s is not in the report.", *in.ServiceNamespace)
	}
	l := listing[world.AccessedEntity]{"GetServiceLastAccessedDetailsWithEntities", slices.Clone(job.Services[i].Entities), func(e world.AccessedEntity) string { return e.Name }}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetServiceLastAccessedDetailsWithEntitiesOutput{
		JobStatus: types.JobStatusTypeCompleted, JobCreationDate: aws.Time(job.Created), JobCompletionDate: aws.Time(job.Created),
		EntityDetailsList: []types.EntityDetails{}, IsTruncated: p.truncated(), Marker: p.marker,
	}
	for _, e := range p.items {
		if info := entityInfo(c, e.Name); info != nil {
			out.EntityDetailsList = append(out.EntityDetailsList, types.EntityDetails{EntityInfo: info, LastAuthenticated: aws.Time(e.Use.At)})
		}
	}
	return out, nil
}

// entityInfo describes a user or role of the account; nil when it is deleted.
func entityInfo(c *operation.Call, named string) *types.EntityInfo {
	parsed, err := arn.Parse(named)
	if err != nil {
		return nil
	}
	a, name := account(c), world.Fold(parsed.Name())
	if u := a.Users[name]; u != nil && parsed.Kind() == "user" {
		return &types.EntityInfo{Arn: &named, Id: aws.String(u.ID), Name: aws.String(u.Name), Path: aws.String(u.Path), Type: types.PolicyOwnerEntityTypeUser}
	}
	if r := a.Roles[name]; r != nil && parsed.Kind() == "role" {
		return &types.EntityInfo{Arn: &named, Id: aws.String(r.ID), Name: aws.String(r.Name), Path: aws.String(r.Path), Type: types.PolicyOwnerEntityTypeRole}
	}
	return nil
}
