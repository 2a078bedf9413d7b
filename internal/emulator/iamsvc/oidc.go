package iamsvc

import (
	"crypto/sha1"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

func oidcOperations() []operation.Operation {
	create := spec{on: newOIDCProvider, keys: []key{requestTags}, also: "iam:TagOpenIDConnectProvider"}
	tagged := spec{on: anOIDCProvider, keys: []key{requestTags}}
	plain := spec{on: anOIDCProvider}
	return []operation.Operation{
		write("CreateOpenIDConnectProvider", create, createOpenIDConnectProvider),
		read("GetOpenIDConnectProvider", plain, getOpenIDConnectProvider),
		read("ListOpenIDConnectProviders", spec{on: anything}, listOpenIDConnectProviders),
		write("AddClientIDToOpenIDConnectProvider", plain, addClientIDToOpenIDConnectProvider),
		write("RemoveClientIDFromOpenIDConnectProvider", plain, removeClientIDFromOpenIDConnectProvider),
		write("UpdateOpenIDConnectProviderThumbprint", plain, updateOpenIDConnectProviderThumbprint),
		write("DeleteOpenIDConnectProvider", plain, deleteOpenIDConnectProvider),
		write("TagOpenIDConnectProvider", tagged, tagOpenIDConnectProvider),
		write("UntagOpenIDConnectProvider", tagged, untagOpenIDConnectProvider),
		read("ListOpenIDConnectProviderTags", plain, listOpenIDConnectProviderTags),
	}
}

// newOIDCProvider is the provider that Url names.
func newOIDCProvider(c *operation.Call, in input) (found, error) {
	text, _ := in.text("Url")
	host, err := issuer(text)
	if err != nil {
		return found{}, err
	}
	return found{arn: oidcARN(c, host)}, nil
}

func oidcARN(c *operation.Call, host string) string {
	return "arn:" + c.World.Partition + ":iam::" + c.Caller.Account + ":oidc-provider/" + host
}

// issuer returns the URL of an identity provider without its scheme.
// Source: IAM API Reference, CreateOpenIDConnectProvider, Url: it begins with https://,
// and has neither a port nor a query.
func issuer(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Port() != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return "", validationError("Invalid Open ID Connect Provider URL")
	}
	return strings.TrimSuffix(u.Host+u.EscapedPath(), "/"), nil
}

// anOIDCProvider is the provider in OpenIDConnectProviderArn.
func anOIDCProvider(c *operation.Call, in input) (found, error) {
	named, _ := in.text("OpenIDConnectProviderArn")
	f := found{arn: named}
	if p := account(c).OIDCProviders[named]; p != nil {
		f.tags = tagMap(p.Tags)
	}
	return f, providerARN(c, named, "oidc-provider")
}

// providerARN refuses an ARN that is not that of an identity provider of the account.
func providerARN(c *operation.Call, text, kind string) error {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "iam" || a.Partition != c.World.Partition || a.Kind() != kind {
		return invalidInput("Invalid ARN:  Could not be parsed!")
	}
	if a.Account != c.Caller.Account {
		return accessDenied("The provider %s is not in account %s.", text, c.Caller.Account)
	}
	return nil
}

func oidcProviderOf(a *world.Account, named *string) (*world.OIDCProvider, error) {
	p := a.OIDCProviders[*named]
	if p == nil {
		return nil, noSuchEntity("OpenIDConnect Provider not found for arn %s", *named)
	}
	return p, nil
}

func createOpenIDConnectProvider(c *operation.Call, in *iam.CreateOpenIDConnectProviderInput) (*iam.CreateOpenIDConnectProviderOutput, error) {
	a := edit(c)
	host, err := issuer(*in.Url)
	if err != nil {
		return nil, err
	}
	p := &world.OIDCProvider{ARN: oidcARN(c, host), URL: host, Created: c.Now, ClientIDs: once(in.ClientIDList)}
	if a.OIDCProviders[p.ARN] != nil {
		return nil, alreadyExists("Provider with url %s already exists.", *in.Url)
	}
	if quota := a.Quota(world.QuotaOIDCProviders); len(a.OIDCProviders) >= quota {
		return nil, overQuota("OpenIdConnectProvidersPerAccount", quota)
	}
	if quota := a.Quota(world.QuotaClientIDs); len(p.ClientIDs) > quota {
		return nil, overQuota("ClientIdsPerOpenIdConnectProvider", quota)
	}
	if p.Thumbprints, err = thumbprints(a, host, in.ThumbprintList); err != nil {
		return nil, err
	}
	if p.Tags, err = mergeTags(a, nil, in.Tags); err != nil {
		return nil, err
	}
	a.OIDCProviders[p.ARN] = p
	return &iam.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: aws.String(p.ARN), Tags: tagTypes(p.Tags)}, nil
}

// once returns the values without repetitions, in their order.
func once(values []string) []string {
	var distinct []string
	for _, v := range values {
		if !slices.Contains(distinct, v) {
			distinct = append(distinct, v)
		}
	}
	return distinct
}

// thumbprints checks the thumbprints of certificates. AWS fetches a missing one from the
// provider. Nothing is fetched here: it is the SHA-1 of the provider's name.
func thumbprints(a *world.Account, host string, list []string) ([]string, error) {
	if quota := a.Quota(world.QuotaThumbprints); len(list) > quota {
		return nil, invalidInput("Thumbprint list must contain fewer than %d entries.", quota+1)
	}
	for _, t := range list {
		if _, err := hex.DecodeString(t); err != nil {
			return nil, validationError("Thumbprint must be a hexadecimal string: %s", t)
		}
	}
	if len(list) == 0 {
		sum := sha1.Sum([]byte(host))
		return []string{hex.EncodeToString(sum[:])}, nil
	}
	return slices.Clone(list), nil
}

func getOpenIDConnectProvider(c *operation.Call, in *iam.GetOpenIDConnectProviderInput) (*iam.GetOpenIDConnectProviderOutput, error) {
	p, err := oidcProviderOf(account(c), in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &iam.GetOpenIDConnectProviderOutput{
		Url: aws.String(p.URL), ClientIDList: slices.Clone(p.ClientIDs), ThumbprintList: slices.Clone(p.Thumbprints),
		CreateDate: aws.Time(p.Created), Tags: tagTypes(p.Tags),
	}, nil
}

func listOpenIDConnectProviders(c *operation.Call, _ *iam.ListOpenIDConnectProvidersInput) (*iam.ListOpenIDConnectProvidersOutput, error) {
	out := &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []types.OpenIDConnectProviderListEntry{}}
	for _, named := range slices.Sorted(maps.Keys(account(c).OIDCProviders)) {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, types.OpenIDConnectProviderListEntry{Arn: aws.String(named)})
	}
	return out, nil
}

// addClientIDToOpenIDConnectProvider succeeds for a client ID that the provider has.
func addClientIDToOpenIDConnectProvider(c *operation.Call, in *iam.AddClientIDToOpenIDConnectProviderInput) (*iam.AddClientIDToOpenIDConnectProviderOutput, error) {
	a := edit(c)
	p, err := oidcProviderOf(a, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	ids := once(append(slices.Clone(p.ClientIDs), *in.ClientID))
	if quota := a.Quota(world.QuotaClientIDs); len(ids) > quota {
		return nil, overQuota("ClientIdsPerOpenIdConnectProvider", quota)
	}
	p.ClientIDs = ids
	return &iam.AddClientIDToOpenIDConnectProviderOutput{}, nil
}

// removeClientIDFromOpenIDConnectProvider succeeds for a client ID that the provider
// does not have.
// Source: IAM API Reference.
func removeClientIDFromOpenIDConnectProvider(c *operation.Call, in *iam.RemoveClientIDFromOpenIDConnectProviderInput) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	p, err := oidcProviderOf(edit(c), in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	p.ClientIDs = slices.DeleteFunc(p.ClientIDs, func(id string) bool { return id == *in.ClientID })
	return &iam.RemoveClientIDFromOpenIDConnectProviderOutput{}, nil
}

func updateOpenIDConnectProviderThumbprint(c *operation.Call, in *iam.UpdateOpenIDConnectProviderThumbprintInput) (*iam.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	a := edit(c)
	p, err := oidcProviderOf(a, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	list, err := thumbprints(a, p.URL, in.ThumbprintList)
	if err != nil {
		return nil, err
	}
	p.Thumbprints = list
	return &iam.UpdateOpenIDConnectProviderThumbprintOutput{}, nil
}

// deleteOpenIDConnectProvider succeeds for a provider that does not exist.
// Source: IAM API Reference.
func deleteOpenIDConnectProvider(c *operation.Call, in *iam.DeleteOpenIDConnectProviderInput) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	delete(edit(c).OIDCProviders, *in.OpenIDConnectProviderArn)
	return &iam.DeleteOpenIDConnectProviderOutput{}, nil
}

func tagOpenIDConnectProvider(c *operation.Call, in *iam.TagOpenIDConnectProviderInput) (*iam.TagOpenIDConnectProviderOutput, error) {
	a := edit(c)
	p, err := oidcProviderOf(a, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &iam.TagOpenIDConnectProviderOutput{}, addTags(a, &p.Tags, in.Tags)
}

func untagOpenIDConnectProvider(c *operation.Call, in *iam.UntagOpenIDConnectProviderInput) (*iam.UntagOpenIDConnectProviderOutput, error) {
	p, err := oidcProviderOf(edit(c), in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	p.Tags = withoutTags(p.Tags, in.TagKeys)
	return &iam.UntagOpenIDConnectProviderOutput{}, nil
}

func listOpenIDConnectProviderTags(c *operation.Call, in *iam.ListOpenIDConnectProviderTagsInput) (*iam.ListOpenIDConnectProviderTagsOutput, error) {
	p, err := oidcProviderOf(account(c), in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	tags, found, err := tagPage(c, "ListOpenIDConnectProviderTags", p.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListOpenIDConnectProviderTagsOutput{Tags: tags, IsTruncated: found.truncated(), Marker: found.marker}, nil
}
