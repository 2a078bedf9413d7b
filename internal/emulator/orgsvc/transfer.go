package orgsvc

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// transferOperations let the organization pay the bills of another one. A world has one
// organization, so an account outside it answers the invitation in place of the
// management account of the other organization.
func transferOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.InviteOrganizationToTransferResponsibilityInput, organizations.InviteOrganizationToTransferResponsibilityOutput]{
			name: "InviteOrganizationToTransferResponsibility", who: manager, do: inviteOrganization, transfer: true,
			check: func(v *input, in *organizations.InviteOrganizationToTransferResponsibilityInput) {
				v.transferType(in.Type)
				v.party(in.Target)
				v.text("SourceName", in.SourceName, 1, 128)
				v.text("Notes", in.Notes, 0, 1024)
				if in.StartTimestamp == nil {
					v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for StartTimestamp.")
				}
				v.tags(in.Tags)
			},
			on: func(n names, in *organizations.InviteOrganizationToTransferResponsibilityInput) []string {
				return []string{n.party(in.Target)}
			},
			tags: func(in *organizations.InviteOrganizationToTransferResponsibilityInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.DescribeResponsibilityTransferInput, organizations.DescribeResponsibilityTransferOutput]{
			name: "DescribeResponsibilityTransfer", who: manager, do: describeTransfer, transfer: true,
			check: func(v *input, in *organizations.DescribeResponsibilityTransferInput) {
				v.id("Id", in.Id, transferPattern)
			},
			on: func(n names, in *organizations.DescribeResponsibilityTransferInput) []string {
				return []string{n.transfer(*in.Id)}
			},
		}.read(),
		row[organizations.UpdateResponsibilityTransferInput, organizations.UpdateResponsibilityTransferOutput]{
			name: "UpdateResponsibilityTransfer", who: manager, do: renameTransfer, transfer: true,
			check: func(v *input, in *organizations.UpdateResponsibilityTransferInput) {
				v.id("Id", in.Id, transferPattern)
				v.text("Name", in.Name, 1, 128)
			},
			on: func(n names, in *organizations.UpdateResponsibilityTransferInput) []string {
				return []string{n.transfer(*in.Id)}
			},
		}.write(),
		row[organizations.TerminateResponsibilityTransferInput, organizations.TerminateResponsibilityTransferOutput]{
			name: "TerminateResponsibilityTransfer", who: manager, do: withdraw, transfer: true,
			check: func(v *input, in *organizations.TerminateResponsibilityTransferInput) {
				v.id("Id", in.Id, transferPattern)
			},
			on: func(n names, in *organizations.TerminateResponsibilityTransferInput) []string {
				return []string{n.transfer(*in.Id)}
			},
		}.write(),
		row[organizations.ListInboundResponsibilityTransfersInput, organizations.ListInboundResponsibilityTransfersOutput]{
			name: "ListInboundResponsibilityTransfers", who: manager, do: listInbound, transfer: true,
			check: func(v *input, in *organizations.ListInboundResponsibilityTransfersInput) {
				v.transferType(in.Type)
				v.optional("Id", in.Id, transferPattern)
				v.page(in.MaxResults)
			},
		}.read(),
		row[organizations.ListOutboundResponsibilityTransfersInput, organizations.ListOutboundResponsibilityTransfersOutput]{
			name: "ListOutboundResponsibilityTransfers", who: manager, do: listOutbound,
			check: func(v *input, in *organizations.ListOutboundResponsibilityTransfersInput) {
				v.transferType(in.Type)
				v.page(in.MaxResults)
			},
		}.read(),
	}
}

func (v *input) transferType(kind types.ResponsibilityTransferType) {
	switch kind {
	case types.ResponsibilityTransferTypeBilling:
	case "":
		v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for Type.")
	default:
		v.fail(types.InvalidInputExceptionReasonInvalidEnum, "You provided a value for Type that is not BILLING.")
	}
}

// monthStart reports whether a time is the beginning of a month.
func monthStart(t time.Time) bool {
	t = t.UTC()
	return t.Equal(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC))
}

func inviteOrganization(r *request, in *organizations.InviteOrganizationToTransferResponsibilityInput) (*organizations.InviteOrganizationToTransferResponsibilityOutput, error) {
	if err := recipientError(in.Target); err != nil {
		return nil, err
	}
	a := r.recipient(in.Target)
	switch {
	case !monthStart(*in.StartTimestamp):
		return nil, invalid(types.InvalidInputExceptionReasonStartDateNotBeginningOfMonth, "StartTimestamp must be the beginning of a month in UTC.")
	case !in.StartTimestamp.After(r.Now):
		return nil, invalid(types.InvalidInputExceptionReasonStartDateTooEarly, "StartTimestamp must be in the future.")
	case a != nil && a.ID == r.o.ManagementAccount:
		return nil, handshakeConstraint(types.HandshakeConstraintViolationExceptionReasonSourceAndTargetCannotMatch, "You can't invite your own account.")
	case r.pending(types.ActionTypeTransferResponsibility, *in.Target.Id) != nil:
		return nil, duplicateHandshake()
	}
	t := world.Transfer{ID: "rt-" + strings.ToLower(r.World.NewID("")[:8]), Name: *in.SourceName, Start: in.StartTimestamp.UTC()}
	if in.Target.Type == types.HandshakePartyTypeEmail {
		t.SourceEmail = *in.Target.Id
	}
	if a != nil {
		t.Source, t.SourceEmail = a.ID, a.Email
	} else if in.Target.Type == types.HandshakePartyTypeAccount {
		t.Source = *in.Target.Id
	}
	t.Handshake = r.send(world.Handshake{
		Action: string(types.ActionTypeTransferResponsibility), Party: *in.Target.Id, PartyKind: string(in.Target.Type), Notes: aws.ToString(in.Notes), Transfer: t.ID,
	}, invitationLife)
	r.o.Transfers = append(r.o.Transfers, t)
	r.setTags(t.ID, in.Tags)
	return &organizations.InviteOrganizationToTransferResponsibilityOutput{Handshake: r.afterChange(t.Handshake)}, nil
}

// takeOver accepts the invitation to a transfer, by an account outside the organization.
func (r *request) takeOver(h *world.Handshake) error {
	if belongs(r.World, r.Caller.Account) {
		return noAccess()
	}
	return r.end(h, types.HandshakeStateAccepted, world.HandshakeRequested)
}

// statusOf returns the status of a transfer: that of its handshake, until it is withdrawn.
func (r *request) statusOf(t *world.Transfer) types.ResponsibilityTransferStatus {
	if t.Withdrawn {
		return types.ResponsibilityTransferStatusWithdrawn
	}
	return types.ResponsibilityTransferStatus(r.o.FindHandshake(t.Handshake).StateAt(r.Now))
}

func (r *request) describeTransfer(t *world.Transfer) *types.ResponsibilityTransfer {
	out := &types.ResponsibilityTransfer{
		Id: aws.String(t.ID), Arn: aws.String(r.transfer(t.ID)), Name: aws.String(t.Name), Type: types.ResponsibilityTransferTypeBilling, Status: r.statusOf(t),
		Source: &types.TransferParticipant{}, Target: &types.TransferParticipant{ManagementAccountId: aws.String(r.o.ManagementAccount)}, StartTimestamp: aws.Time(t.Start),
	}
	if a := r.World.Account(r.o.ManagementAccount); a != nil && a.Email != "" {
		out.Target.ManagementAccountEmail = aws.String(a.Email)
	}
	if t.Source != "" {
		out.Source.ManagementAccountId = aws.String(t.Source)
	}
	if t.SourceEmail != "" {
		out.Source.ManagementAccountEmail = aws.String(t.SourceEmail)
	}
	if !t.End.IsZero() {
		out.EndTimestamp = aws.Time(t.End)
	}
	if r.o.FindHandshake(t.Handshake).Pending() {
		out.ActiveHandshakeId = aws.String(t.Handshake)
	}
	return out
}

func (r *request) needTransfer(id string) (*world.Transfer, error) {
	if t := r.o.FindTransfer(id); t != nil {
		return t, nil
	}
	return nil, &types.ResponsibilityTransferNotFoundException{Message: aws.String("We can't find a transfer with the ID that you specified.")}
}

func describeTransfer(r *request, in *organizations.DescribeResponsibilityTransferInput) (*organizations.DescribeResponsibilityTransferOutput, error) {
	t, err := r.needTransfer(*in.Id)
	if err != nil {
		return nil, err
	}
	return &organizations.DescribeResponsibilityTransferOutput{ResponsibilityTransfer: r.describeTransfer(t)}, nil
}

func renameTransfer(r *request, in *organizations.UpdateResponsibilityTransferInput) (*organizations.UpdateResponsibilityTransferOutput, error) {
	t, err := r.needTransfer(*in.Id)
	if err != nil {
		return nil, err
	}
	r.o = r.World.EditOrganization()
	t = r.o.FindTransfer(t.ID)
	t.Name = *in.Name
	return &organizations.UpdateResponsibilityTransferOutput{ResponsibilityTransfer: r.describeTransfer(t)}, nil
}

// withdraw ends an accepted transfer, at the end of the month unless the caller says
// which month.
// Source: Organizations API Reference, TerminateResponsibilityTransfer, InvalidInputException.
func withdraw(r *request, in *organizations.TerminateResponsibilityTransferInput) (*organizations.TerminateResponsibilityTransferOutput, error) {
	t, err := r.needTransfer(*in.Id)
	if err != nil {
		return nil, err
	}
	switch status := r.statusOf(t); status {
	case types.ResponsibilityTransferStatusAccepted:
	case types.ResponsibilityTransferStatusWithdrawn:
		return nil, &types.ResponsibilityTransferAlreadyInStatusException{Message: aws.String("The transfer was already withdrawn.")}
	default:
		return nil, &types.InvalidResponsibilityTransferTransitionException{Message: aws.String("You can't end a transfer in its current status, " + string(status) + ".")}
	}
	now := r.Now.UTC()
	end := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)
	if in.EndTimestamp != nil {
		switch end = in.EndTimestamp.UTC(); {
		case end.Add(24*time.Hour).Month() == end.Month():
			return nil, invalid(types.InvalidInputExceptionReasonEndDateNotEndOfMonth, "EndTimestamp must be on the last day of a month in UTC.")
		case end.Before(now):
			return nil, invalid(types.InvalidInputExceptionReasonEndDateTooEarly, "EndTimestamp must be in the future.")
		}
	}
	r.o = r.World.EditOrganization()
	t = r.o.FindTransfer(t.ID)
	t.Withdrawn, t.End = true, end
	return &organizations.TerminateResponsibilityTransferOutput{ResponsibilityTransfer: r.describeTransfer(t)}, nil
}

func listInbound(r *request, in *organizations.ListInboundResponsibilityTransfersInput) (*organizations.ListInboundResponsibilityTransfersOutput, error) {
	list := listing[*world.Transfer]{of: "ListInboundResponsibilityTransfers " + aws.ToString(in.Id), key: func(t *world.Transfer) string { return t.ID }}
	for i := range r.o.Transfers {
		if t := &r.o.Transfers[i]; in.Id == nil || t.ID == *in.Id {
			list.items = append(list.items, t)
		}
	}
	if in.Id != nil {
		if _, err := r.needTransfer(*in.Id); err != nil {
			return nil, err
		}
	}
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	out := &organizations.ListInboundResponsibilityTransfersOutput{ResponsibilityTransfers: []types.ResponsibilityTransfer{}, NextToken: next}
	for _, t := range found {
		out.ResponsibilityTransfers = append(out.ResponsibilityTransfers, *r.describeTransfer(t))
	}
	return out, err
}

// listOutbound returns an empty list: no other organization of the world can invite this
// one.
func listOutbound(r *request, in *organizations.ListOutboundResponsibilityTransfersInput) (*organizations.ListOutboundResponsibilityTransfersOutput, error) {
	list := listing[org.Tag]{of: "ListOutboundResponsibilityTransfers", key: func(t org.Tag) string { return t.Key }}
	_, next, err := list.page(r, in.NextToken, in.MaxResults)
	return &organizations.ListOutboundResponsibilityTransfersOutput{ResponsibilityTransfers: []types.ResponsibilityTransfer{}, NextToken: next}, err
}
