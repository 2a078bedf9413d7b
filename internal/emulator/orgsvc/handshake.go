package orgsvc

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// handshakeOperations read handshakes and end them.
func handshakeOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.DescribeHandshakeInput, organizations.DescribeHandshakeOutput]{
			name: "DescribeHandshake", who: anyone, do: describeHandshake,
			check: func(v *input, in *organizations.DescribeHandshakeInput) {
				v.id("HandshakeId", in.HandshakeId, handshakePattern)
			},
			on: func(n names, in *organizations.DescribeHandshakeInput) []string {
				return []string{n.handshake(*in.HandshakeId)}
			},
		}.read(),
		row[organizations.AcceptHandshakeInput, organizations.AcceptHandshakeOutput]{
			name: "AcceptHandshake", who: anyone, do: acceptHandshake,
			check: func(v *input, in *organizations.AcceptHandshakeInput) {
				v.id("HandshakeId", in.HandshakeId, handshakePattern)
			},
			on: func(n names, in *organizations.AcceptHandshakeInput) []string {
				return []string{n.handshake(*in.HandshakeId)}
			},
		}.write(),
		row[organizations.DeclineHandshakeInput, organizations.DeclineHandshakeOutput]{
			name: "DeclineHandshake", who: anyone, do: declineHandshake,
			check: func(v *input, in *organizations.DeclineHandshakeInput) {
				v.id("HandshakeId", in.HandshakeId, handshakePattern)
			},
			on: func(n names, in *organizations.DeclineHandshakeInput) []string {
				return []string{n.handshake(*in.HandshakeId)}
			},
		}.write(),
		row[organizations.CancelHandshakeInput, organizations.CancelHandshakeOutput]{
			name: "CancelHandshake", who: anyone, do: cancelHandshake,
			check: func(v *input, in *organizations.CancelHandshakeInput) {
				v.id("HandshakeId", in.HandshakeId, handshakePattern)
			},
			on: func(n names, in *organizations.CancelHandshakeInput) []string {
				return []string{n.handshake(*in.HandshakeId)}
			},
		}.write(),
		row[organizations.ListHandshakesForAccountInput, organizations.ListHandshakesForAccountOutput]{
			name: "ListHandshakesForAccount", who: anyone, do: listReceived,
			check: func(v *input, in *organizations.ListHandshakesForAccountInput) {
				v.filter(in.Filter)
				v.page(in.MaxResults)
			},
		}.read(),
		row[organizations.ListHandshakesForOrganizationInput, organizations.ListHandshakesForOrganizationOutput]{
			name: "ListHandshakesForOrganization", who: observer, do: listSent,
			check: func(v *input, in *organizations.ListHandshakesForOrganizationInput) {
				v.filter(in.Filter)
				v.page(in.MaxResults)
			},
		}.read(),
	}
}

// filter refuses two filters at once.
// Source: Organizations API Reference, HandshakeFilter.
func (v *input) filter(f *types.HandshakeFilter) {
	if f != nil && f.ActionType != "" && f.ParentHandshakeId != nil {
		v.fail(types.InvalidInputExceptionReasonMaxFilterLimitExceeded, "You can specify only one filter parameter for the operation.")
	}
}

// received reports whether the caller's account must answer a handshake: an account by
// its ID or email address, and the management account what the organization itself
// must answer.
func (r *request) received(h *world.Handshake) bool {
	switch types.HandshakePartyType(h.PartyKind) {
	case types.HandshakePartyTypeAccount:
		return h.Party == r.Caller.Account
	case types.HandshakePartyTypeEmail:
		a := r.World.Account(r.Caller.Account)
		return a != nil && strings.EqualFold(a.Email, h.Party)
	}
	return r.World.IsManagement(r.Caller.Account)
}

// needHandshake returns a handshake of which the caller's account is a party.
func (r *request) needHandshake(id string) (*world.Handshake, error) {
	if r.o != nil {
		if h := r.o.FindHandshake(id); h != nil && h.Shown(r.Now) && (r.received(h) || r.World.IsManagement(r.Caller.Account)) {
			return h, nil
		}
	}
	return nil, &types.HandshakeNotFoundException{Message: aws.String("We can't find a handshake with the HandshakeId that you specified.")}
}

// end gives a handshake that was not answered yet a final state.
func (r *request) end(h *world.Handshake, state types.HandshakeState, answerable ...string) error {
	switch now := h.StateAt(r.Now); {
	case now == string(state):
		return &types.HandshakeAlreadyInStateException{Message: aws.String("The specified handshake is already in the requested state.")}
	case !slices.Contains(answerable, now):
		return &types.InvalidHandshakeTransitionException{Message: aws.String("You can't perform the operation on the handshake in its current state, " + now + ".")}
	}
	r.setState(h.ID, string(state))
	return nil
}

// setState changes the state of a handshake.
func (r *request) setState(id, state string) {
	h := r.World.EditOrganization().FindHandshake(id)
	h.State, h.Changed = state, r.Now.Truncate(time.Second)
}

// afterChange returns a handshake after a change.
func (r *request) afterChange(id string) *types.Handshake {
	return r.describeHandshake(r.World.Organization.FindHandshake(id))
}

func describeHandshake(r *request, in *organizations.DescribeHandshakeInput) (*organizations.DescribeHandshakeOutput, error) {
	h, err := r.needHandshake(*in.HandshakeId)
	if err != nil {
		return nil, err
	}
	return &organizations.DescribeHandshakeOutput{Handshake: r.describeHandshake(h)}, nil
}

func (r *request) describeHandshake(h *world.Handshake) *types.Handshake {
	parties := []types.HandshakeParty{{Id: aws.String(r.o.ID), Type: types.HandshakePartyTypeOrganization}}
	if h.Party != "" {
		parties = append(parties, types.HandshakeParty{Id: aws.String(h.Party), Type: types.HandshakePartyType(h.PartyKind)})
	}
	return &types.Handshake{
		Id: aws.String(h.ID), Arn: aws.String(r.handshake(h.ID)), Action: types.ActionType(h.Action), State: types.HandshakeState(h.StateAt(r.Now)),
		RequestedTimestamp: aws.Time(h.Requested), ExpirationTimestamp: aws.Time(h.Expires), Parties: parties, Resources: r.handshakeResources(h),
	}
}

// handshakeResources returns the details of a handshake.
// Source: AWS CLI reference, examples of invite-account-to-organization and
// list-handshakes-for-organization.
func (r *request) handshakeResources(h *world.Handshake) []types.HandshakeResource {
	is := func(kind types.HandshakeResourceType, value string) types.HandshakeResource {
		return types.HandshakeResource{Type: kind, Value: aws.String(value)}
	}
	organization := is(types.HandshakeResourceTypeOrganization, r.o.ID)
	if a := r.World.Account(r.o.ManagementAccount); a != nil {
		organization.Resources = []types.HandshakeResource{is(types.HandshakeResourceTypeMasterEmail, a.Email), is(types.HandshakeResourceTypeMasterName, a.Name), is(types.HandshakeResourceTypeOrganizationFeatureSet, r.o.FeatureSet)}
	}
	all := []types.HandshakeResource{organization}
	if h.Party != "" {
		all = append(all, is(types.HandshakeResourceType(h.PartyKind), h.Party))
	}
	if h.Parent != "" {
		all = append(all, is(types.HandshakeResourceTypeParentHandshake, h.Parent))
	}
	if t := r.o.FindTransfer(h.Transfer); t != nil {
		transfer := is(types.HandshakeResourceTypeResponsibilityTransfer, t.ID)
		transfer.Resources = []types.HandshakeResource{
			is(types.HandshakeResourceTypeTransferType, string(types.ResponsibilityTransferTypeBilling)),
			is(types.HandshakeResourceTypeTransferStartTimestamp, t.Start.Format(time.RFC3339)),
		}
		all = append(all, transfer)
	}
	if h.Notes != "" {
		all = append(all, is(types.HandshakeResourceTypeNotes, h.Notes))
	}
	return all
}

func declineHandshake(r *request, in *organizations.DeclineHandshakeInput) (*organizations.DeclineHandshakeOutput, error) {
	h, err := r.needHandshake(*in.HandshakeId)
	if err != nil {
		return nil, err
	}
	if !r.received(h) {
		return nil, noAccess()
	}
	if err := r.end(h, types.HandshakeStateDeclined, world.HandshakeRequested); err != nil {
		return nil, err
	}
	return &organizations.DeclineHandshakeOutput{Handshake: r.afterChange(h.ID)}, nil
}

// cancelHandshake also cancels the handshakes that are a part of the handshake.
func cancelHandshake(r *request, in *organizations.CancelHandshakeInput) (*organizations.CancelHandshakeOutput, error) {
	h, err := r.needHandshake(*in.HandshakeId)
	if err != nil {
		return nil, err
	}
	if !r.World.IsManagement(r.Caller.Account) {
		return nil, noAccess()
	}
	if err := r.end(h, types.HandshakeStateCanceled, world.HandshakeRequested, world.HandshakeOpen); err != nil {
		return nil, err
	}
	for _, part := range r.World.Organization.Handshakes {
		if part.Parent == h.ID && part.Pending() {
			r.setState(part.ID, string(types.HandshakeStateCanceled))
		}
	}
	return &organizations.CancelHandshakeOutput{Handshake: r.afterChange(h.ID)}, nil
}

func listReceived(r *request, in *organizations.ListHandshakesForAccountInput) (*organizations.ListHandshakesForAccountOutput, error) {
	found, next, err := r.pageOfHandshakes("ListHandshakesForAccount", r.received, in.Filter, in.NextToken, in.MaxResults)
	return &organizations.ListHandshakesForAccountOutput{Handshakes: found, NextToken: next}, err
}

func listSent(r *request, in *organizations.ListHandshakesForOrganizationInput) (*organizations.ListHandshakesForOrganizationOutput, error) {
	all := func(*world.Handshake) bool { return true }
	found, next, err := r.pageOfHandshakes("ListHandshakesForOrganization", all, in.Filter, in.NextToken, in.MaxResults)
	return &organizations.ListHandshakesForOrganizationOutput{Handshakes: found, NextToken: next}, err
}

func (r *request) pageOfHandshakes(of string, keep func(*world.Handshake) bool, f *types.HandshakeFilter, token *string, most *int32) ([]types.Handshake, *string, error) {
	if f == nil {
		f = &types.HandshakeFilter{}
	}
	parent := aws.ToString(f.ParentHandshakeId)
	list := listing[*world.Handshake]{of: of + " " + string(f.ActionType) + parent, key: func(h *world.Handshake) string { return h.ID }}
	if r.o != nil {
		for i := range r.o.Handshakes {
			h := &r.o.Handshakes[i]
			if keep(h) && h.Shown(r.Now) && (parent == "" || h.Parent == parent) && (f.ActionType == "" || h.Action == string(f.ActionType)) {
				list.items = append(list.items, h)
			}
		}
	}
	found, next, err := list.page(r, token, most)
	out := make([]types.Handshake, 0, len(found))
	for _, h := range found {
		out = append(out, *r.describeHandshake(h))
	}
	return out, next, err
}
