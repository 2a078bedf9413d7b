package orgsvc

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
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
				v.text("Email", in.Email, 6, 64)
				v.id("Email", in.Email, emailPattern)
				v.text("AccountName", in.AccountName, 1, 50)
				v.id("AccountName", in.AccountName, namePattern)
				v.optional("RoleName", in.RoleName, rolePattern)
				v.tags(in.Tags)
			},
			tags: func(in *organizations.CreateAccountInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.DescribeCreateAccountStatusInput, organizations.DescribeCreateAccountStatusOutput]{
			name: "DescribeCreateAccountStatus", who: observer, do: describeCreation,
			check: func(v *input, in *organizations.DescribeCreateAccountStatusInput) {
				v.id("CreateAccountRequestId", in.CreateAccountRequestId, requestPattern)
			},
		}.read(),
	}
}

// emailExists replaces the account ID in the request ID when the email address
// is already in use.
const emailExists = "emailexists0"

// requestID returns the ID of a request to create an account. It contains the
// result: the account's ID or emailExists, then a checksum.
func requestID(outcome string) string {
	sum := sha256.Sum256([]byte("create account " + outcome))
	return "car-" + outcome + hex.EncodeToString(sum[:])[:20]
}

// createAccount returns an account in creation, as AWS does, although it exists
// when the call returns.
func createAccount(r *request, in *organizations.CreateAccountInput) (*organizations.CreateAccountOutput, error) {
	outcome := emailExists
	if len(r.accounts(func(a *world.Account) bool { return strings.EqualFold(a.Email, *in.Email) })) == 0 {
		outcome = r.newAccount(in)
	}
	return &organizations.CreateAccountOutput{CreateAccountStatus: &types.CreateAccountStatus{
		AccountName:        in.AccountName,
		Id:                 aws.String(requestID(outcome)),
		RequestedTimestamp: aws.Time(r.Now.Truncate(time.Second)),
		State:              types.CreateAccountStateInProgress,
	}}, nil
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
	if r.o.SCPsEnabled {
		a.SCPs = []string{fullAccess}
	}
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

func describeCreation(r *request, in *organizations.DescribeCreateAccountStatusInput) (*organizations.DescribeCreateAccountStatusOutput, error) {
	id := *in.CreateAccountRequestId
	outcome := strings.TrimPrefix(id, "car-")
	outcome = outcome[:min(12, len(outcome))]
	a := r.findAccount(outcome)
	if id != requestID(outcome) || a == nil && outcome != emailExists {
		return nil, &types.CreateAccountStatusNotFoundException{Message: aws.String("You specified a request to create an account that doesn't exist.")}
	}
	status := &types.CreateAccountStatus{Id: in.CreateAccountRequestId, State: types.CreateAccountStateFailed, FailureReason: types.CreateAccountFailureReasonEmailAlreadyExists}
	if a != nil {
		status = &types.CreateAccountStatus{
			AccountId: aws.String(a.ID), AccountName: aws.String(a.Name), Id: in.CreateAccountRequestId,
			RequestedTimestamp: aws.Time(a.Joined), CompletedTimestamp: aws.Time(a.Joined), State: types.CreateAccountStateSucceeded,
		}
	}
	return &organizations.DescribeCreateAccountStatusOutput{CreateAccountStatus: status}, nil
}
