package world

import (
	"cmp"
	"maps"
	"slices"

	"forcemfa/internal/org"
)

// loadProviders adds the instance profiles, identity providers and server certificates
// of a snapshot; nil: none.
func (w *World) loadProviders(a *Account, from *org.Providers) {
	if from == nil {
		return
	}
	for _, p := range from.InstanceProfiles {
		a.InstanceProfiles[Fold(p.Name)] = &InstanceProfile{
			Name: p.Name, Path: p.Path, ID: w.idOr(p.ID, "AIPA"), Created: p.Created, Tags: slices.Clone(p.Tags), Role: Fold(p.Role),
		}
	}
	for _, p := range from.OIDC {
		a.OIDCProviders[p.ARN] = &OIDCProvider{
			ARN: p.ARN, URL: p.URL, ClientIDs: slices.Clone(p.ClientIDs), Thumbprints: slices.Clone(p.Thumbprints), Created: p.Created, Tags: slices.Clone(p.Tags),
		}
	}
	for _, p := range from.SAML {
		a.SAMLProviders[p.ARN] = &SAMLProvider{
			ARN: p.ARN, Name: p.Name, UUID: w.idOr(p.UUID, "SAMLSP"), Metadata: p.Metadata, Created: p.Created, ValidUntil: p.ValidUntil, Tags: slices.Clone(p.Tags),
		}
	}
	for _, c := range from.ServerCertificates {
		a.ServerCertificates[Fold(c.Name)] = &ServerCertificate{
			Name: c.Name, Path: c.Path, ID: w.idOr(c.ID, "ASCA"), Body: c.Body, Chain: c.Chain, Uploaded: c.Uploaded, Expires: c.Expires, Tags: slices.Clone(c.Tags),
		}
	}
}

// snapshotProviders returns what loadProviders reads; nil when there is nothing.
func (a *Account) snapshotProviders() *org.Providers {
	if len(a.InstanceProfiles)+len(a.OIDCProviders)+len(a.SAMLProviders)+len(a.ServerCertificates) == 0 {
		return nil
	}
	s := &org.Providers{}
	for _, p := range a.InstanceProfiles {
		profile := org.InstanceProfile{Name: p.Name, Path: p.Path, ID: p.ID, Created: p.Created, Tags: someTags(p.Tags)}
		if r := a.Roles[p.Role]; r != nil {
			profile.Role = r.Name
		}
		s.InstanceProfiles = append(s.InstanceProfiles, profile)
	}
	for _, named := range slices.Sorted(maps.Keys(a.OIDCProviders)) {
		p := a.OIDCProviders[named]
		s.OIDC = append(s.OIDC, org.OIDCProvider{
			ARN: p.ARN, URL: p.URL, ClientIDs: slices.Clone(p.ClientIDs), Thumbprints: slices.Clone(p.Thumbprints), Created: p.Created, Tags: someTags(p.Tags),
		})
	}
	for _, named := range slices.Sorted(maps.Keys(a.SAMLProviders)) {
		p := a.SAMLProviders[named]
		s.SAML = append(s.SAML, org.SAMLProvider{
			ARN: p.ARN, Name: p.Name, UUID: p.UUID, Metadata: p.Metadata, Created: p.Created, ValidUntil: p.ValidUntil, Tags: someTags(p.Tags),
		})
	}
	for _, c := range a.ServerCertificates {
		s.ServerCertificates = append(s.ServerCertificates, org.ServerCertificate{
			Name: c.Name, Path: c.Path, ID: c.ID, Body: c.Body, Chain: c.Chain, Uploaded: c.Uploaded, Expires: c.Expires, Tags: someTags(c.Tags),
		})
	}
	slices.SortFunc(s.InstanceProfiles, func(x, y org.InstanceProfile) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortFunc(s.ServerCertificates, func(x, y org.ServerCertificate) int { return cmp.Compare(x.Name, y.Name) })
	return s
}
