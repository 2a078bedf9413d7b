package fleet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// A Discovery is what Organizations tells of itself, and the accounts that are
// selected.
type Discovery struct {
	Header org.Header
	// Accounts are in order of ID and hold what Organizations tells of them.
	// One that is not ACTIVE has a gap that says so, and is not to be entered.
	Accounts []*org.Account
}

// Discover reads the organization. Without one, or without the right to read
// it, the accounts are the caller's own and those that [Options] names; the
// header's gaps tell what could not be read. The error is one of the
// credentials, the network, the context, or of a filter that names something
// that is not there.
func (f *Fleet) Discover(ctx context.Context) (*Discovery, error) {
	c, err := f.identify(ctx)
	if err != nil {
		return nil, err
	}
	e := &explorer{
		client: organizations.NewFromConfig(f.organizations),
		caller: c, targets: map[string][]string{},
		d: &Discovery{Header: org.Header{
			Format: org.Format, Partition: c.partition, Caller: c.arn.String(),
		}},
	}
	e.organization(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(e.d.Accounts) == 0 {
		e.alone(f.options.Accounts)
	}
	for _, a := range e.d.Accounts {
		note(a)
	}
	tags := func(account string) (map[string]string, error) { return e.tags(ctx, account) }
	if err := e.d.choose(f.options, tags); err != nil {
		return nil, err
	}
	return e.d, nil
}

// Enterable tells whether AWS lets anybody sign in to the account. One whose
// state nobody told is worth a try.
func Enterable(a *org.Account) bool {
	return a.State == "" || a.State == string(types.AccountStateActive)
}

// note gives an account that cannot be signed in to its gap.
func note(a *org.Account) {
	if !Enterable(a) {
		a.Gaps = append(a.Gaps, org.Gap{Account: a.ID, What: "account", Why: "is " + a.State + ", so it was not entered"})
	}
}

// An explorer reads an organization into a Discovery.
type explorer struct {
	client  *organizations.Client
	caller  *caller
	d       *Discovery
	targets map[string][]string // of an SCP, by its ID
}

func (e *explorer) gap(operation string, err error) {
	e.d.Header.Gaps = append(e.d.Header.Gaps, org.Gap{What: "organizations:" + operation, Why: Why(err)})
}

// alone makes the accounts of a run that cannot see the organization.
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
	out, err := e.client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	var none *types.AWSOrganizationsNotInUseException
	if errors.As(err, &none) {
		return // read, and there is none
	}
	if err != nil {
		e.gap("DescribeOrganization", err)
		return
	}
	o := out.Organization
	e.d.Header.Organization = &org.Organization{
		ID:                aws.ToString(o.Id),
		ManagementAccount: aws.ToString(o.MasterAccountId),
		FeatureSet:        string(o.FeatureSet),
	}
	if !e.listings(ctx) {
		return
	}
	e.places(ctx)
	e.attach()
}

// listings reads the list of the accounts and, beside it, everything that comes
// by the page as well: Organizations has a quota for each of its lists, and in a
// large organization they are what takes the time. Who may not list the accounts
// asks for nothing else.
func (e *explorer) listings(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var structure sync.WaitGroup
	err := e.accounts(ctx, func() {
		structure.Go(func() {
			e.delegated(ctx)
			if e.roots(ctx) {
				e.units(ctx)
				e.scps(ctx)
			}
		})
	})
	if err != nil {
		cancel()
	}
	structure.Wait()
	if err != nil {
		e.d.Accounts = nil
		e.d.Header.Units, e.d.Header.SCPs, e.d.Header.Gaps = nil, nil, nil
		e.d.Header.Organization.DelegatedAdmins, e.d.Header.Organization.SCPsEnabled = nil, false
		e.gap("ListAccounts", err)
	}
	return err == nil
}

// accounts lists every account, and calls allowed when the first page has come.
// It is the one list that is complete at one time: an account that moves between
// units may be missed by a walk through them.
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

// state is the account's State, and its Status where that is not told yet.
// Status is retired on 2026-09-09. Source: Organizations API, Account.
func state(a types.Account) string {
	if a.State != "" {
		return string(a.State)
	}
	return string(a.Status)
}

// lastUnit is the last root or unit of a path such as o-…/r-…/ou-…/ID/; empty
// when there is no path.
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
				if p.Type == types.PolicyTypeServiceControlPolicy && p.Status == types.PolicyTypeStatusEnabled {
					e.d.Header.Organization.SCPsEnabled = true
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

// places asks each unit for its accounts unless every account told its place.
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

// tags are of an account.
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
