package prove

import (
	"slices"
	"strings"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A harm ranks what a request can do, the worst first.
type harm uint8

const (
	administers harm = iota // changes who may do what
	reads                   // reads data
	other
)

// onOwnCredentials lists the actions that give the caller's own user another
// credential, and administer IAM only on other users.
var onOwnCredentials = set("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:EnableMFADevice", "iam:DeactivateMFADevice",
	"iam:CreateServiceSpecificCredential")

// harmOf ranks an action on a resource, which may be a template.
func harmOf(action, resource string) harm {
	switch {
	case onOwnCredentials[strings.ToLower(action)] && !strings.Contains(resource, otherUser) && resource != "*":
		return other
	case slices.Contains(administering, action):
		return administers
	case slices.Contains(reading, action):
		return reads
	}
	return other
}

// fixed lists the probes of the table, the worst first.
var fixed = sync.OnceValue(func() []probe {
	var out []probe
	for _, action := range append(telling[:len(telling):len(telling)], invented) {
		for _, resource := range natural(action) {
			out = append(out, probe{action, resource})
		}
	}
	slices.SortStableFunc(out, func(a, b probe) int {
		return int(harmOf(a.action, a.resource)) - int(harmOf(b.action, b.resource))
	})
	return out
})

// maxPlaces limits the resources of documents that are tried with one action.
const maxPlaces = 32

// places are resources that a subject's documents name. An example on one of
// them can be replayed; one on a made-up resource often cannot.
type places struct {
	byService map[string][]string // ARN templates
	buckets   []string
}

// placesOf collects what the Allows of a set name. A resource that is nothing but
// a wildcard names nothing.
func placesOf(set *policy.Set) *places {
	p := &places{byService: map[string][]string{}}
	for _, source := range set.Sources() {
		if source.Document == nil {
			continue
		}
		for i := range source.Document.Statements {
			if s := &source.Document.Statements[i]; s.Effect == policy.Allow {
				for _, pattern := range s.Resources {
					p.add(pattern)
				}
			}
		}
	}
	return p
}

func (p *places) add(pattern string) {
	a, ok := arn.Split(pattern)
	if !ok || strings.ContainsAny(a.Service, "*?") || namesNothing(a) || len(p.byService[a.Service]) >= maxPlaces {
		return
	}
	for part, variable := range map[*string]string{&a.Partition: "${Partition}", &a.Region: "${Region}", &a.Account: "${Account}"} {
		if strings.ContainsAny(*part, "*?") {
			*part = variable
		}
	}
	bucket, _, _ := strings.Cut(a.Resource, "/")
	if a.Service == "s3" && a.Account == "" && strings.Trim(bucket, "*?") != "" {
		if bucket = fill(bucket, unnamed); !slices.Contains(p.buckets, bucket) {
			p.buckets = append(p.buckets, bucket)
		}
	}
	a.Resource = fill(a.Resource, unnamed)
	if text := a.String(); !slices.Contains(p.byService[a.Service], text) {
		p.byService[a.Service] = append(p.byService[a.Service], text)
	}
}

// namesNothing reports whether the resource part of a pattern is a wildcard, at
// most behind a type such as user/ or table/.
func namesNothing(a arn.ARN) bool {
	name := a.Resource
	if i := strings.IndexAny(name, "/:"); i >= 0 && a.Service != "s3" {
		name = name[i+1:]
	}
	return strings.Trim(name, "*?/:") == ""
}

// probes returns the probes of the table with the resources that the documents
// name before the made-up ones.
func (s *Subject) probes() []probe {
	p := placesOf(s.Set)
	if len(p.byService) == 0 {
		return fixed()
	}
	out := make([]probe, 0, len(fixed())+maxPlaces)
	for _, t := range fixed() {
		self := harmOf(t.action, t.resource) == administers && onOwnCredentials[strings.ToLower(t.action)]
		for _, resource := range s.named(p, t.resource) {
			if !self || s.expand(resource) != s.Principal.ARN {
				out = append(out, probe{t.action, resource})
			}
		}
		out = append(out, t)
	}
	return out
}

// named returns the resources of a kind that the documents name.
func (s *Subject) named(p *places, template string) (out []string) {
	kind, ok := arn.Split(template)
	if !ok {
		return nil
	}
	own := p.byService[kind.Service]
	if len(own) == 0 {
		return nil
	}
	language := ofTemplate(kind.Resource)
	for _, text := range own {
		a, _ := arn.Split(text)
		if language.match(s.expand(a.Resource)) && (kind.Account == "") == (a.Account == "") && (kind.Region == "") == (a.Region == "") {
			out = append(out, text)
		}
	}
	if strings.Contains(template, "${BucketName}") {
		for _, bucket := range p.buckets {
			out = append(out, strings.Replace(template, "${BucketName}", bucket, 1))
		}
	}
	return out
}
