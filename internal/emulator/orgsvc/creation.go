package orgsvc

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

func creationOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.CreateAccountInput, organizations.CreateAccountOutput]{
			name: "CreateAccount", who: manager, do: createAccount,
			check: func(v *input, in *organizations.CreateAccountInput) {
				v.account(in.Email, in.AccountName, in.RoleName, in.Tags)
			},
			tags: func(in *organizations.CreateAccountInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.CreateGovCloudAccountInput, organizations.CreateGovCloudAccountOutput]{
			name: "CreateGovCloudAccount", who: manager, do: createGovCloudAccount,
			check: func(v *input, in *organizations.CreateGovCloudAccountInput) {
				v.account(in.Email, in.AccountName, in.RoleName, in.Tags)
			},
			tags: func(in *organizations.CreateGovCloudAccountInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.ListCreateAccountStatusInput, organizations.ListCreateAccountStatusOutput]{
			name: "ListCreateAccountStatus", who: observer, do: listCreations,
			check: func(v *input, in *organizations.ListCreateAccountStatusInput) { v.page(in.MaxResults) },
		}.read(),
		row[organizations.DescribeCreateAccountStatusInput, organizations.DescribeCreateAccountStatusOutput]{
			name: "DescribeCreateAccountStatus", who: observer, do: describeCreation,
			check: func(v *input, in *organizations.DescribeCreateAccountStatusInput) {
				v.id("CreateAccountRequestId", in.CreateAccountRequestId, requestPattern)
			},
		}.read(),
	}
}

// account checks what describes a new account.
func (v *input) account(email, name, role *string, tags []types.Tag) {
	v.text("Email", email, 6, 64)
	v.id("Email", email, emailPattern)
	v.text("AccountName", name, 1, 50)
	v.id("AccountName", name, namePattern)
	v.optional("RoleName", role, rolePattern)
	v.tags(tags)
}

// createAccount returns an account in creation, as AWS does, although it exists
// when the call returns.
func createAccount(r *request, in *organizations.CreateAccountInput) (*organizations.CreateAccountOutput, error) {
	status, err := r.create(in, "")
	return &organizations.CreateAccountOutput{CreateAccountStatus: status}, err
}

// createGovCloudAccount creates the account of the commercial partition. That of AWS
// GovCloud (US) is in another partition, so it is an ID alone.
// Source: Organizations API Reference, CreateGovCloudAccount.
func createGovCloudAccount(r *request, in *organizations.CreateGovCloudAccountInput) (*organizations.CreateGovCloudAccountOutput, error) {
	if r.World.Partition != "aws" {
		return nil, &types.UnsupportedAPIEndpointException{Message: aws.String("This action isn't available in the current AWS Region.")}
	}
	status, err := r.create(&organizations.CreateAccountInput{Email: in.Email, AccountName: in.AccountName, RoleName: in.RoleName, Tags: in.Tags}, r.freeID())
	return &organizations.CreateGovCloudAccountOutput{CreateAccountStatus: status}, err
}

// create creates an account, unless its email address is in use, and notes the request.
func (r *request) create(in *organizations.CreateAccountInput, govCloud string) (*types.CreateAccountStatus, error) {
	if r.full() {
		return nil, constraint(types.ConstraintViolationExceptionReasonAccountNumberLimitExceeded, "You have exceeded the allowed number of AWS accounts.")
	}
	made := world.AccountCreation{
		ID: "car-" + strings.ReplaceAll(r.World.NewUUID(), "-", ""), Name: *in.AccountName, Requested: r.Now.Truncate(time.Second),
		Failure: string(types.CreateAccountFailureReasonEmailAlreadyExists),
	}
	if len(r.accounts(func(a *world.Account) bool { return strings.EqualFold(a.Email, *in.Email) })) == 0 {
		made.Account, made.GovCloud, made.Failure = r.newAccount(in), govCloud, ""
	}
	o := r.World.EditOrganization()
	o.Creations = append(o.Creations, made)
	status := describeRequest(made)
	return &types.CreateAccountStatus{AccountName: in.AccountName, Id: status.Id, RequestedTimestamp: status.RequestedTimestamp, State: types.CreateAccountStateInProgress}, nil
}

// full reports whether the organization has as many accounts as it may have. Closed
// accounts count.
func (r *request) full() bool {
	return r.o.MostAccounts > 0 && len(r.accounts(func(*world.Account) bool { return true })) >= r.o.MostAccounts
}

// newAccount creates an account below the root, with the role of the management
// account.
// Source: Organizations API Reference, CreateAccount.
func (r *request) newAccount(in *organizations.CreateAccountInput) string {
	a := &world.Account{
		ID: r.freeID(), Name: *in.AccountName, Email: *in.Email, State: string(types.AccountStateActive),
		Joined: r.Now.Truncate(time.Second),
	}
	for _, u := range r.unitsBelow("", "").items {
		a.Unit = u.ID
	}
	r.joins(a)
	role := r.accessRole(cmp.Or(aws.ToString(in.RoleName), "OrganizationAccountAccessRole"))
	a.Roles = map[string]*world.Role{world.Fold(role.Name): role}
	r.World.AddAccount(a)
	r.World.AddSampleData(a.ID, r.Now)
	r.setTags(a.ID, in.Tags)
	return a.ID
}

func (r *request) accessRole(name string) *world.Role {
	trusted := "arn:" + r.World.Partition + ":iam::" + r.o.ManagementAccount + ":root"
	return &world.Role{
		Name: name, Path: "/", ID: r.World.NewID("AROA"), Created: r.Now.Truncate(time.Second), MaxSession: time.Hour,
		Trust:    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + trusted + `"},"Action":"sts:AssumeRole"}]}`,
		Attached: []string{arn.IAM(r.World.Partition, "aws", "policy", "/", "AdministratorAccess")},
		Inline:   map[string]string{},
	}
}

// freeID returns an unused account ID.
func (r *request) freeID() string {
	for {
		sum := sha256.Sum256([]byte(r.World.NewID("")))
		id := fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:])%1e12)
		if r.World.Account(id) == nil {
			return id
		}
	}
}

// describeRequest returns the outcome of a request.
func describeRequest(made world.AccountCreation) types.CreateAccountStatus {
	status := types.CreateAccountStatus{
		Id: aws.String(made.ID), AccountName: aws.String(made.Name), RequestedTimestamp: aws.Time(made.Requested), CompletedTimestamp: aws.Time(made.Requested),
		State: types.CreateAccountStateFailed, FailureReason: types.CreateAccountFailureReason(made.Failure),
	}
	if made.Failure == "" {
		status.State, status.AccountId = types.CreateAccountStateSucceeded, aws.String(made.Account)
		if made.GovCloud != "" {
			status.GovCloudAccountId = aws.String(made.GovCloud)
		}
	}
	return status
}

func describeCreation(r *request, in *organizations.DescribeCreateAccountStatusInput) (*organizations.DescribeCreateAccountStatusOutput, error) {
	i := slices.IndexFunc(r.o.Creations, func(made world.AccountCreation) bool { return made.ID == *in.CreateAccountRequestId })
	if i < 0 {
		return nil, &types.CreateAccountStatusNotFoundException{Message: aws.String("You specified a request to create an account that doesn't exist.")}
	}
	status := describeRequest(r.o.Creations[i])
	return &organizations.DescribeCreateAccountStatusOutput{CreateAccountStatus: &status}, nil
}

func listCreations(r *request, in *organizations.ListCreateAccountStatusInput) (*organizations.ListCreateAccountStatusOutput, error) {
	list := listing[types.CreateAccountStatus]{of: fmt.Sprint("ListCreateAccountStatus ", in.States), key: func(s types.CreateAccountStatus) string { return *s.Id }}
	for _, made := range r.o.Creations {
		if status := describeRequest(made); len(in.States) == 0 || slices.Contains(in.States, status.State) {
			list.items = append(list.items, status)
		}
	}
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	return &organizations.ListCreateAccountStatusOutput{CreateAccountStatuses: append([]types.CreateAccountStatus{}, found...), NextToken: next}, err
}
