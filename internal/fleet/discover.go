package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// A Discovery holds the organization as read from AWS Organizations and the
// selected accounts.
type Discovery struct {
	Header org.Header
	// Accounts are sorted by ID and hold the data that Organizations returns.
	// An account that is not ACTIVE cannot be entered. Unless it is suspended or
	// closed (see [org.Account.Skipped]), it has a gap with the reason.
	Accounts []*org.Account
	// Listed are all accounts of the organization, also those that the filters leave
	// out; nil if they could not be listed.
	Listed []Listed
}

// A Listed is an account in the list of the organization.
type Listed struct {
	ID, Name string
	Closing  bool // AWS has suspended or closed it, or is closing it
}

// Discover reads the organization. Without an organization, or without
// permission to read it, the accounts are the caller's own account and those that
// [Options] names; the header's gaps list the reads that failed. An error means
// that the credentials, the network or the context failed, or that a filter names
// an account or unit that does not exist.
func (f *Fleet) Discover(ctx context.Context) (*Discovery, error) {
	c, err := f.identify(ctx)
	if err != nil {
		return nil, err
	}
	e := &explorer{
		client: newOrganizations(f.organizations),
		caller: c, targets: map[string][]string{},
		d: &Discovery{Header: org.Header{
			Format: org.Format, Partition: c.partition, Caller: c.arn.String(),
		}},
	}
	e.organization(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	listed := len(e.d.Accounts) > 0
	if !listed {
		e.alone(f.options.Accounts)
	}
	for _, a := range e.d.Accounts {
		note(a)
	}
	if listed {
		e.d.list()
	}
	tags := func(account string) (map[string]string, error) { return e.tags(ctx, account) }
	if err := e.d.filter(f.options, tags); err != nil {
		return nil, err
	}
	return e.d, nil
}

// list keeps the accounts before they are filtered. A list without the management account
// is not the list of the whole organization.
func (d *Discovery) list() {
	if !slices.ContainsFunc(d.Accounts, func(a *org.Account) bool { return a.Management }) {
		return
	}
	for _, a := range d.Accounts {
		d.Listed = append(d.Listed, Listed{ID: a.ID, Name: a.Name, Closing: a.Skipped() != ""})
	}
}

// List reads only the organization's ID and its accounts, which takes one call for twenty
// accounts. The accounts are as in [Discovery], unfiltered. The error is that of the
// first call that fails.
func (f *Fleet) List(ctx context.Context) (*Discovery, error) {
	c, err := f.identify(ctx)
	if err != nil {
		return nil, err
	}
	e := &explorer{
		client: newOrganizations(f.organizations), caller: c,
		d: &Discovery{Header: org.Header{Format: org.Format, Partition: c.partition, Caller: c.arn.String()}},
	}
	if err := e.describe(ctx); err != nil {
		return nil, fmt.Errorf("describe the organization: %w", err)
	}
	if err := e.accounts(ctx, func() {}); err != nil {
		return nil, fmt.Errorf("list the accounts: %w", err)
	}
	for _, a := range e.d.Accounts {
		note(a)
	}
	return e.d, nil
}

func newOrganizations(cfg aws.Config) *organizations.Client {
	return organizations.NewFromConfig(cfg, func(o *organizations.Options) { o.APIOptions = append(o.APIOptions, WholeAnswers) })
}

// Enterable reports whether AWS accepts requests in the account. An account whose
// state is not known counts as enterable.
func Enterable(a *org.Account) bool {
	return a.State == "" || a.State == string(types.AccountStateActive)
}

// note adds a gap to an account that cannot be entered, unless AWS has suspended or
// closed it.
func note(a *org.Account) {
	if !Enterable(a) && a.Skipped() == "" {
		a.Gaps = append(a.Gaps, org.Gap{Account: a.ID, What: "account", Why: "the account is " + strings.ToLower(strings.ReplaceAll(a.State, "_", " "))})
	}
}

// An explorer reads an organization into a Discovery.
type explorer struct {
	client  *organizations.Client
	caller  *caller
	d       *Discovery
	targets map[string][]string // of an SCP or RCP, by its ID
}

func (e *explorer) gap(operation string, err error) {
	e.d.Header.Gaps = append(e.d.Header.Gaps, org.Gap{What: "organizations:" + operation, Why: Reason(err)})
}

// alone sets the accounts of a run that cannot read the organization.
func (e *explorer) alone(named []string) {
	ids := append([]string{e.caller.account}, named...)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		a := &org.Account{ID: id, Partition: e.caller.partition}
		if o := e.d.Header.Organization; o != nil {
			a.Management = id == o.ManagementAccount
		}
		e.d.Accounts = append(e.d.Accounts, a)
	}
}

func (e *explorer) organization(ctx context.Context) {
	err := e.describe(ctx)
	var none *types.AWSOrganizationsNotInUseException
	if errors.As(err, &none) {
		return // the account belongs to no organization
	}
	if err != nil {
		e.gap("DescribeOrganization", err)
		return
	}
	if !e.listings(ctx) {
		return
	}
	e.places(ctx)
	e.attach()
}

// describe reads which organization the caller belongs to.
func (e *explorer) describe(ctx context.Context) error {
	out, err := e.client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if err != nil {
		return err
	}
	o, err := Whole(out.Organization, "DescribeOrganization")
	if err != nil {
		return err
	}
	e.d.Header.Organization = &org.Organization{
		ID:                aws.ToString(o.Id),
		ManagementAccount: aws.ToString(o.MasterAccountId),
		FeatureSet:        string(o.FeatureSet),
	}
	return nil
}

// listings reads the accounts and, at the same time, the other lists of
// Organizations: each list has its own quota, and in a large organization the
// lists take most of the time. A caller without permission to list the accounts
// reads no other list.
func (e *explorer) listings(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var structure sync.WaitGroup
	err := e.accounts(ctx, func() {
		structure.Go(func() {
			e.delegated(ctx)
			if e.roots(ctx) {
				e.units(ctx)
				e.controlPolicies(ctx)
			}
		})
	})
	if err != nil {
		cancel()
	}
	structure.Wait()
	if err != nil {
		e.d.Accounts = nil
		h := &e.d.Header
		h.Units, h.SCPs, h.RCPs, h.Gaps = nil, nil, nil, nil
		h.Organization.DelegatedAdmins, h.Organization.SCPsEnabled, h.Organization.RCPsEnabled = nil, false, false
		e.gap("ListAccounts", err)
	}
	return err == nil
}

// accounts lists every account and calls allowed after the first page. Only this
// list is complete at any time: a walk through the units can miss an account that
// moves between them.
func (e *explorer) accounts(ctx context.Context, allowed func()) error {
	pages := organizations.NewListAccountsPaginator(e.client, &organizations.ListAccountsInput{})
	for first := true; pages.HasMorePages(); first = false {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if first {
			allowed()
		}
		for _, a := range page.Accounts {
			e.d.Accounts = append(e.d.Accounts, e.account(a))
		}
	}
	slices.SortFunc(e.d.Accounts, func(a, b *org.Account) int { return strings.Compare(a.ID, b.ID) })
	e.d.Accounts = slices.CompactFunc(e.d.Accounts, func(a, b *org.Account) bool { return a.ID == b.ID })
	return nil
}

func (e *explorer) account(a types.Account) *org.Account {
	id := aws.ToString(a.Id)
	return &org.Account{
		ID:         id,
		Name:       aws.ToString(a.Name),
		Partition:  e.caller.partition,
		State:      state(a),
		Unit:       lastUnit(a.Paths),
		Management: id == e.d.Header.Organization.ManagementAccount,
	}
}

// state returns the account's State, or its Status where AWS does not return a
// State. AWS retires Status on 2026-09-09. Source: Organizations API, Account.
func state(a types.Account) string {
	if a.State != "" {
		return string(a.State)
	}
	return string(a.Status)
}

// lastUnit returns the last root or unit of a path such as o-…/r-…/ou-…/ID/, or
// an empty string without a path.
func lastUnit(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	parts := strings.Split(paths[0], "/")
	for _, part := range slices.Backward(parts) {
		if strings.HasPrefix(part, "r-") || strings.HasPrefix(part, "ou-") {
			return part
		}
	}
	return ""
}

func (e *explorer) delegated(ctx context.Context) {
	pages := organizations.NewListDelegatedAdministratorsPaginator(e.client, &organizations.ListDelegatedAdministratorsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap("ListDelegatedAdministrators", err)
			return
		}
		for _, a := range page.DelegatedAdministrators {
			e.d.Header.Organization.DelegatedAdmins = append(e.d.Header.Organization.DelegatedAdmins, aws.ToString(a.Id))
		}
	}
	slices.Sort(e.d.Header.Organization.DelegatedAdmins)
}

func (e *explorer) roots(ctx context.Context) bool {
	pages := organizations.NewListRootsPaginator(e.client, &organizations.ListRootsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap("ListRoots", err)
			return false
		}
		for _, r := range page.Roots {
			e.d.Header.Units = append(e.d.Header.Units, org.Unit{ID: aws.ToString(r.Id), Name: aws.ToString(r.Name)})
			for _, p := range r.PolicyTypes {
				enabled := p.Status == types.PolicyTypeStatusEnabled
				switch o := e.d.Header.Organization; p.Type {
				case types.PolicyTypeServiceControlPolicy:
					o.SCPsEnabled = o.SCPsEnabled || enabled
				case types.PolicyTypeResourceControlPolicy:
					o.RCPsEnabled = o.RCPsEnabled || enabled
				}
			}
		}
	}
	return true
}

// units walks the tree, parents before children.
func (e *explorer) units(ctx context.Context) {
	for i := 0; i < len(e.d.Header.Units) && ctx.Err() == nil; i++ {
		e.children(ctx, e.d.Header.Units[i].ID)
	}
}

// places lists the accounts of each unit, unless ListAccounts has returned the
// unit of every account.
func (e *explorer) places(ctx context.Context) {
	if !slices.ContainsFunc(e.d.Accounts, func(a *org.Account) bool { return a.Unit == "" }) {
		return
	}
	for i := range e.d.Header.Units {
		if ctx.Err() == nil {
			e.place(ctx, e.d.Header.Units[i].ID)
		}
	}
}

func (e *explorer) children(ctx context.Context, parent string) {
	pages := organizations.NewListOrganizationalUnitsForParentPaginator(e.client,
		&organizations.ListOrganizationalUnitsForParentInput{ParentId: &parent})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap("ListOrganizationalUnitsForParent "+parent, err)
			return
		}
		for _, u := range page.OrganizationalUnits {
			if e.d.Header.Unit(aws.ToString(u.Id)) == nil {
				e.d.Header.Units = append(e.d.Header.Units, org.Unit{ID: aws.ToString(u.Id), Name: aws.ToString(u.Name), Parent: parent})
			}
		}
	}
}

func (e *explorer) place(ctx context.Context, unit string) {
	pages := organizations.NewListAccountsForParentPaginator(e.client,
		&organizations.ListAccountsForParentInput{ParentId: &unit})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.gap("ListAccountsForParent "+unit, err)
			return
		}
		for _, listed := range page.Accounts {
			if a := e.d.account(aws.ToString(listed.Id)); a != nil {
				a.Unit = unit
			}
		}
	}
}

// tags returns the tags of an account.
func (e *explorer) tags(ctx context.Context, account string) (map[string]string, error) {
	tags := map[string]string{}
	pages := organizations.NewListTagsForResourcePaginator(e.client, &organizations.ListTagsForResourceInput{ResourceId: &account})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	return tags, nil
}

func (d *Discovery) account(id string) *org.Account {
	i, found := slices.BinarySearchFunc(d.Accounts, id, func(a *org.Account, id string) int { return strings.Compare(a.ID, id) })
	if !found {
		return nil
	}
	return d.Accounts[i]
}
