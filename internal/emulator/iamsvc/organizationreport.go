package iamsvc

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

func organizationsPolicyID(ctx *policy.Context, in input, _ found) {
	if id, ok := in.text("OrganizationsPolicyId"); ok {
		ctx.Set("iam:OrganizationsPolicyId", id)
	}
}

// generateOrganizationsAccessReport reports about a root, unit or account of the
// organization. Only the management account may ask.
// Source: IAM API Reference, GenerateOrganizationsAccessReport.
func generateOrganizationsAccessReport(c *operation.Call, in *iam.GenerateOrganizationsAccessReportInput) (*iam.GenerateOrganizationsAccessReportOutput, error) {
	if !c.World.IsManagement(c.Caller.Account) {
		return nil, accessDenied("You must call this operation with credentials of the management account of an organization.")
	}
	accounts := accountsUnder(c.World, *in.EntityPath)
	if len(accounts) == 0 {
		return nil, validationError("The entity path %s is not in the organization.", *in.EntityPath)
	}
	services, err := reportedServices(c, accounts, in.OrganizationsPolicyId)
	if err != nil {
		return nil, err
	}
	job := &world.AccessJob{Created: c.Now}
	for _, service := range services {
		job.Services = append(job.Services, world.AccessedService{Namespace: service, Entities: usedIn(c.World, accounts, service)})
	}
	return &iam.GenerateOrganizationsAccessReportOutput{JobId: newJob(c, job)}, nil
}

// accountsUnder returns the accounts in a root or unit, or one account, by an entity
// path such as o-…/r-…/ou-…/111122223333.
func accountsUnder(w *world.World, path string) []string {
	var ids []string
	for _, id := range w.Accounts() {
		whole := w.OrgPath(id) + id
		if whole == path || strings.HasPrefix(whole, strings.TrimSuffix(path, "/")+"/") {
			ids = append(ids, id)
		}
	}
	return ids
}

// reportedServices returns the services that one service control policy allows, or
// that all levels above the first account allow.
func reportedServices(c *operation.Call, accounts []string, policyID *string) ([]string, error) {
	if policyID != nil {
		scp, ok := c.World.Organization.SCPs[*policyID]
		if !ok {
			return nil, validationError("The policy %s cannot be found.", *policyID)
		}
		return granted(c.World.Parse("SCP "+scp.Name, policy.SCP, scp.Document)), nil
	}
	services := granted(c.World.Parse("everything", policy.Identity, allowAll))
	for _, level := range c.World.SCPs(accounts[0]) {
		allowed := granted(level...)
		services = slices.DeleteFunc(services, func(s string) bool { return !slices.Contains(allowed, s) })
	}
	return services, nil
}

// usedIn returns the last use of a service in each account that used it.
func usedIn(w *world.World, accounts []string, service string) []world.AccessedEntity {
	var entities []world.AccessedEntity
	for _, id := range accounts {
		last := world.AccessedEntity{Name: w.OrgPath(id) + id}
		w.ServiceUses(id, func(_, used string, use world.Use) {
			if used == service && use.At.After(last.Use.At) {
				last.Use = use
			}
		})
		if !last.Use.At.IsZero() {
			entities = append(entities, last)
		}
	}
	latestFirst(entities)
	return entities
}

func getOrganizationsAccessReport(c *operation.Call, in *iam.GetOrganizationsAccessReportInput) (*iam.GetOrganizationsAccessReportOutput, error) {
	job, err := jobOf(c, *in.JobId, true)
	if err != nil {
		return nil, err
	}
	l := byNamespace("GetOrganizationsAccessReport "+string(in.SortKey), job.Services)
	l.key = sortKey(in.SortKey)
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetOrganizationsAccessReportOutput{
		JobStatus: types.JobStatusTypeCompleted, JobCreationDate: aws.Time(job.Created), JobCompletionDate: aws.Time(job.Created),
		NumberOfServicesAccessible: aws.Int32(int32(len(job.Services))), NumberOfServicesNotAccessed: aws.Int32(0),
		AccessDetails: []types.AccessDetail{}, IsTruncated: p.truncated(), Marker: p.marker,
	}
	for _, s := range job.Services {
		if len(s.Entities) == 0 {
			*out.NumberOfServicesNotAccessed++
		}
	}
	for _, s := range p.items {
		out.AccessDetails = append(out.AccessDetails, accessDetail(s))
	}
	return out, nil
}

func accessDetail(s world.AccessedService) types.AccessDetail {
	d := types.AccessDetail{
		ServiceName: aws.String(s.Namespace), ServiceNamespace: aws.String(s.Namespace), TotalAuthenticatedEntities: aws.Int32(int32(len(s.Entities))),
	}
	if len(s.Entities) > 0 {
		last := s.Entities[0]
		d.EntityPath, d.LastAuthenticatedTime, d.Region = aws.String(last.Name), aws.Time(last.Use.At), orNil(last.Use.Region)
	}
	return d
}

// sortKey orders services by name or by last use; those without use come last.
func sortKey(order types.SortKeyType) func(world.AccessedService) string {
	return func(s world.AccessedService) string {
		switch order {
		case types.SortKeyTypeServiceNamespaceDescending:
			return inverted(s.Namespace)
		case types.SortKeyTypeLastAuthenticatedTimeAscending, types.SortKeyTypeLastAuthenticatedTimeDescending:
			if len(s.Entities) == 0 {
				return "~" + s.Namespace
			}
			at := s.Entities[0].Use.At.UTC().Format(time.RFC3339)
			if order == types.SortKeyTypeLastAuthenticatedTimeDescending {
				at = inverted(at)
			}
			return at + s.Namespace
		}
		return s.Namespace
	}
}

// inverted returns a key that sorts in the opposite order.
func inverted(text string) string {
	key := []byte(text + "\x00")
	for i := range key {
		key[i] = 0x7d - key[i]
	}
	return string(key)
}
