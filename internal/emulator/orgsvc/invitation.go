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
	"forcemfa/internal/org"
)

// How long a recipient can answer a handshake, and how many can be sent in a day.
// Source: Organizations User Guide, "Quotas and service limits".
const (
	invitationLife  = 15 * 24 * time.Hour
	allFeaturesLife = 90 * 24 * time.Hour
	mostInvitations = 20
)

// invitationOperations send handshakes.
func invitationOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.InviteAccountToOrganizationInput, organizations.InviteAccountToOrganizationOutput]{
			name: "InviteAccountToOrganization", who: manager, do: inviteAccount,
			check: func(v *input, in *organizations.InviteAccountToOrganizationInput) {
				v.party(in.Target)
				v.text("Notes", in.Notes, 0, 1024)
				v.tags(in.Tags)
			},
			on: func(n names, in *organizations.InviteAccountToOrganizationInput) []string {
				return []string{n.party(in.Target)}
			},
			tags: func(in *organizations.InviteAccountToOrganizationInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.EnableAllFeaturesInput, organizations.EnableAllFeaturesOutput]{
			name: "EnableAllFeatures", who: manager, do: enableAllFeatures,
		}.write(),
	}
}

// party checks the form of the recipient of a handshake; [recipientError] checks the rest.
func (v *input) party(p *types.HandshakeParty) {
	if p == nil {
		v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for Target.")
		return
	}
	v.text("Target.Id", p.Id, 1, 64)
	if p.Type == "" {
		v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for Target.Type.")
	}
}

// recipientError refuses a recipient that is neither an account nor an email address.
// Source: Organizations API Reference, InviteAccountToOrganization.
func recipientError(p *types.HandshakeParty) error {
	switch {
	case p.Type != types.HandshakePartyTypeAccount && p.Type != types.HandshakePartyTypeEmail:
		return invalid(types.InvalidInputExceptionReasonInvalidPartyTypeTarget, "You specified a value for Target.Type that is not ACCOUNT or EMAIL.")
	case p.Type == types.HandshakePartyTypeAccount && !accountPattern.MatchString(*p.Id):
		return invalid(types.InvalidInputExceptionReasonInvalidPatternTargetId, "You provided a value for Target.Id that is not an account ID.")
	case p.Type == types.HandshakePartyTypeEmail && !emailPattern.MatchString(*p.Id):
		return invalid(types.InvalidInputExceptionReasonInvalidEmailAddressTarget, "You provided a value for Target.Id that is not an email address.")
	}
	return nil
}

// party returns the ARN of the recipient of a handshake; *: it has none.
func (n names) party(p *types.HandshakeParty) string {
	if p.Type == types.HandshakePartyTypeAccount {
		return n.account(*p.Id)
	}
	return "*"
}

func handshakeConstraint(reason types.HandshakeConstraintViolationExceptionReason, message string) error {
	return &types.HandshakeConstraintViolationException{Reason: reason, Message: aws.String(message)}
}

// pending returns a handshake with an action that can still be answered; nil: there is none.
func (r *request) pending(action types.ActionType, party string) *world.Handshake {
	for i := range r.o.Handshakes {
		h := &r.o.Handshakes[i]
		if h.Action == string(action) && h.Party == party && (h.StateAt(r.Now) == world.HandshakeRequested || h.StateAt(r.Now) == world.HandshakeOpen) {
			return h
		}
	}
	return nil
}

// send adds a handshake and returns its ID.
func (r *request) send(h world.Handshake, life time.Duration) string {
	h.ID = "h-" + strings.ToLower(r.World.NewID("")[:10])
	h.Requested = r.Now.Truncate(time.Second)
	h.Changed, h.Expires = h.Requested, h.Requested.Add(life)
	if h.State == "" {
		h.State = world.HandshakeRequested
	}
	o := r.World.EditOrganization()
	o.Handshakes = append(o.Handshakes, h)
	r.o = o
	return h.ID
}

// recipient returns the account of the world that a party is; nil: it has none.
func (r *request) recipient(p *types.HandshakeParty) *world.Account {
	if p.Type == types.HandshakePartyTypeAccount {
		return r.World.Account(*p.Id)
	}
	for _, id := range r.World.Accounts() {
		if a := r.World.Account(id); strings.EqualFold(a.Email, *p.Id) {
			return a
		}
	}
	return nil
}

func inviteAccount(r *request, in *organizations.InviteAccountToOrganizationInput) (*organizations.InviteAccountToOrganizationOutput, error) {
	if err := recipientError(in.Target); err != nil {
		return nil, err
	}
	sent := 0
	for _, h := range r.o.Handshakes {
		if h.Action == string(types.ActionTypeInviteAccountToOrganization) && r.Now.Sub(h.Requested) < 24*time.Hour {
			sent++
		}
	}
	a := r.recipient(in.Target)
	switch {
	case a != nil && belongs(r.World, a.ID):
		return nil, handshakeConstraint(types.HandshakeConstraintViolationExceptionReasonAlreadyInAnOrganization, "The invited account is already a member of an organization.")
	case r.pending(types.ActionTypeEnableAllFeatures, "") != nil:
		return nil, handshakeConstraint(types.HandshakeConstraintViolationExceptionReasonInviteDisabledDuringEnableAllFeatures, "You can't invite accounts while the organization is enabling all features.")
	case r.pending(types.ActionTypeInviteAccountToOrganization, *in.Target.Id) != nil:
		return nil, duplicateHandshake()
	case r.full():
		return nil, constraint(types.ConstraintViolationExceptionReasonAccountNumberLimitExceeded, "You have exceeded the allowed number of AWS accounts.")
	case sent >= max(mostInvitations, r.o.MostAccounts):
		return nil, handshakeConstraint(types.HandshakeConstraintViolationExceptionReasonHandshakeRateLimitExceeded, "You have exceeded the number of handshakes that you can send in one day.")
	}
	h := world.Handshake{
		Action: string(types.ActionTypeInviteAccountToOrganization), Party: *in.Target.Id, PartyKind: string(in.Target.Type), Notes: aws.ToString(in.Notes),
	}
	for _, t := range in.Tags {
		h.Tags = append(h.Tags, org.Tag{Key: *t.Key, Value: *t.Value})
	}
	return &organizations.InviteAccountToOrganizationOutput{Handshake: r.afterChange(r.send(h, invitationLife))}, nil
}

func duplicateHandshake() error {
	return &types.DuplicateHandshakeException{Message: aws.String("A handshake with the same action and target already exists.")}
}

// enableAllFeatures asks every invited account. When all have approved, the management
// account accepts the returned handshake.
// Source: Organizations API Reference, EnableAllFeatures.
func enableAllFeatures(r *request, _ *organizations.EnableAllFeaturesInput) (*organizations.EnableAllFeaturesOutput, error) {
	switch {
	case r.o.FeatureSet == string(types.OrganizationFeatureSetAll):
		return nil, handshakeConstraint(types.HandshakeConstraintViolationExceptionReasonOrganizationAlreadyHasAllFeatures, "The organization has already enabled all features.")
	case r.pending(types.ActionTypeEnableAllFeatures, "") != nil:
		return nil, handshakeConstraint(types.HandshakeConstraintViolationExceptionReasonOrganizationIsAlreadyPendingAllFeaturesMigration, "The organization has already started the process to enable all features.")
	}
	invited := r.accounts(func(a *world.Account) bool { return a.Invited && a.ID != r.o.ManagementAccount })
	whole := world.Handshake{Action: string(types.ActionTypeEnableAllFeatures)}
	if len(invited) == 0 {
		whole.State = world.HandshakeOpen
	}
	parent := r.send(whole, allFeaturesLife)
	for _, a := range invited {
		r.send(world.Handshake{
			Action: string(types.ActionTypeApproveAllFeatures), Parent: parent, Party: a.ID, PartyKind: string(types.HandshakePartyTypeAccount),
		}, allFeaturesLife)
	}
	return &organizations.EnableAllFeaturesOutput{Handshake: r.afterChange(parent)}, nil
}

// acceptHandshake does what the handshake proposes.
func acceptHandshake(r *request, in *organizations.AcceptHandshakeInput) (*organizations.AcceptHandshakeOutput, error) {
	h, err := r.needHandshake(*in.HandshakeId)
	if err != nil {
		return nil, err
	}
	if !r.received(h) {
		return nil, noAccess()
	}
	switch types.ActionType(h.Action) {
	case types.ActionTypeInviteAccountToOrganization:
		err = r.join(h)
	case types.ActionTypeEnableAllFeatures:
		if err = r.end(h, types.HandshakeStateAccepted, world.HandshakeOpen); err == nil {
			r.World.EditOrganization().FeatureSet = string(types.OrganizationFeatureSetAll)
		}
	case types.ActionTypeApproveAllFeatures:
		if err = r.end(h, types.HandshakeStateAccepted, world.HandshakeRequested); err == nil {
			r.openWhenApproved(h.Parent)
		}
	default:
		err = r.takeOver(h)
	}
	if err != nil {
		return nil, err
	}
	r.o = r.World.Organization
	return &organizations.AcceptHandshakeOutput{Handshake: r.afterChange(h.ID)}, nil
}

// join makes the caller's account a member, below the root, with the policies of a new
// account.
func (r *request) join(h *world.Handshake) error {
	switch {
	case !h.Pending():
	case belongs(r.World, r.Caller.Account):
		return handshakeConstraint(types.HandshakeConstraintViolationExceptionReasonAlreadyInAnOrganization, "The account is already a member of an organization.")
	case r.full():
		return constraint(types.ConstraintViolationExceptionReasonAccountNumberLimitExceeded, "The organization has exceeded its number of AWS accounts.")
	}
	if err := r.end(h, types.HandshakeStateAccepted, world.HandshakeRequested); err != nil {
		return err
	}
	a := r.World.Edit(r.Caller.Account)
	a.Joined, a.Invited = r.Now.Truncate(time.Second), true
	for _, u := range r.unitsBelow("", "").items {
		a.Unit = u.ID
	}
	r.joins(a)
	o := r.World.EditOrganization()
	if len(h.Tags) > 0 {
		if o.Tags == nil {
			o.Tags = map[string][]org.Tag{}
		}
		o.Tags[a.ID] = slices.Clone(h.Tags)
	}
	return nil
}

// openWhenApproved opens the handshake of the whole organization when every account that
// is still a member has approved.
func (r *request) openWhenApproved(parent string) {
	o := r.World.EditOrganization()
	for _, part := range o.Handshakes {
		if part.Parent == parent && part.State != string(types.HandshakeStateAccepted) && belongs(r.World, part.Party) {
			return
		}
	}
	if h := o.FindHandshake(parent); h != nil && h.State == world.HandshakeRequested {
		r.setState(parent, world.HandshakeOpen)
	}
}
