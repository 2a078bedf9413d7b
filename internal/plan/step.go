// Package plan holds an ordered list of changes to AWS as plain data that can be
// saved, reviewed, compared and undone.
//
// Package planner decides which changes are needed, package apply makes them. A
// plan file is untrusted input: only steps of a plan that was made just now are
// executed, see [Intersect].
//
// The kinds of steps are exported constants because planner, apply and view each have
// a table of them.
package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"forcemfa/policy/arn"
)

// An Op is one kind of change to AWS. Every Op has an executor and an inverse
// in package apply, which a test checks.
type Op string

// The changes in plans.
const (
	CreatePolicy        Op = "CreatePolicy"        // Subject: policy ARN; Want.Document
	UpdatePolicy        Op = "UpdatePolicy"        // Subject: policy ARN; a new default version, the oldest pruned when there is no room
	RestorePolicy       Op = "RestorePolicy"       // Subject: policy ARN; undoes UpdatePolicy: the version with Want.Document is the default again, Want.Texts are there again
	CreateGroup         Op = "CreateGroup"         // Subject: group ARN
	AttachGroupPolicy   Op = "AttachGroupPolicy"   // Subject: group ARN; Object: policy ARN
	AddUserToGroup      Op = "AddUserToGroup"      // Subject: user ARN; Object: group name
	AttachUserPolicy    Op = "AttachUserPolicy"    // Subject: user ARN; Object: policy ARN
	PutUserPolicy       Op = "PutUserPolicy"       // Subject: user ARN; Object: name of the inline policy; Want.Document
	TagUser             Op = "TagUser"             // Subject: user ARN; Object: tag key; Want.Value
	UntagUser           Op = "UntagUser"           // Subject: user ARN; Object: tag key; Expect.Value
	RemoveUserFromGroup Op = "RemoveUserFromGroup" // inverses, and steps for new exemptions
	DetachUserPolicy    Op = "DetachUserPolicy"
	DeleteUserPolicy    Op = "DeleteUserPolicy"
	DetachGroupPolicy   Op = "DetachGroupPolicy"
	DeleteGroup         Op = "DeleteGroup"
	DeletePolicy        Op = "DeletePolicy"
	CreateSCP           Op = "CreateSCP" // Subject: see document.SCPARN, in every Op on SCPs; Want.Document
	UpdateSCP           Op = "UpdateSCP" // Want.Document
	AttachSCP           Op = "AttachSCP" // Object: ID of a root, unit or account
	DetachSCP           Op = "DetachSCP"
	DeleteSCP           Op = "DeleteSCP"
	PutGroupPolicy      Op = "PutGroupPolicy" // Subject: group ARN; Object: name of the inline policy; Want.Document
	DeleteGroupPolicy   Op = "DeleteGroupPolicy"
	CreateRole          Op = "CreateRole" // Subject: role ARN; Want.Document: its trust policy; Want.Value: the maximum session duration in seconds
	DeleteRole          Op = "DeleteRole"
	AttachRolePolicy    Op = "AttachRolePolicy" // Subject: role ARN; Object: policy ARN
	DetachRolePolicy    Op = "DetachRolePolicy"
	PutRolePolicy       Op = "PutRolePolicy" // Subject: role ARN; Object: name of the inline policy; Want.Document
	DeleteRolePolicy    Op = "DeleteRolePolicy"
	UpdateTrust         Op = "UpdateAssumeRolePolicy"   // Subject: role ARN; Want.Document
	UpdateEntranceTrust Op = "UpdateEntranceRolePolicy" // the same for a role that forcemfa or AWS itself assumes; after all other steps
	DeactivateKey       Op = "DeactivateAccessKey"      // Subject: user ARN; Object: ID of an access key, service-specific credential or SSH public key; Value: Active or Inactive
	ActivateKey         Op = "ActivateAccessKey"        // undoes DeactivateKey
	DeleteKey           Op = "DeleteAccessKey"          // Subject and Object as of DeactivateKey; cannot be undone
	RestoreKey          Op = "RestoreAccessKey"         // the inverse of DeleteKey, which AWS does not have: it is always blocked
)

// ops are all Ops in the order in which the steps of one account are done: first
// detaching exempt users, then policies, groups and roles, then users, then closing
// enrollment windows and deletions.
var ops = []Op{
	RemoveUserFromGroup, DetachUserPolicy, DeleteUserPolicy,
	TagUser, CreatePolicy, UpdatePolicy, RestorePolicy, CreateGroup, AttachGroupPolicy, PutGroupPolicy,
	CreateRole, UpdateTrust, AttachRolePolicy, PutRolePolicy,
	AddUserToGroup, AttachUserPolicy, PutUserPolicy,
	RestoreKey, ActivateKey, DeactivateKey, DeleteKey,
	UntagUser, DetachGroupPolicy, DeleteGroupPolicy, DeleteGroup, DeletePolicy,
	DetachRolePolicy, DeleteRolePolicy, DeleteRole, UpdateEntranceTrust,
	CreateSCP, UpdateSCP, AttachSCP, DetachSCP, DeleteSCP,
}

// ofOrganization reports whether a kind of step changes the organization and not an
// account.
func (op Op) ofOrganization() bool {
	switch op {
	case CreateSCP, UpdateSCP, AttachSCP, DetachSCP, DeleteSCP:
		return true
	}
	return false
}

// OfOrganization reports whether the step changes the organization and not an
// account. Such steps come before or after those of all accounts, and are executed
// separately.
func (s *Step) OfOrganization() bool { return s.Op.ofOrganization() }

// phase orders kinds of steps: service control policies are detached and deleted
// before all other steps, and created and attached after them.
func (op Op) phase() int {
	switch {
	case op == DetachSCP || op == DeleteSCP:
		return 0
	case op.ofOrganization():
		return 2
	}
	return 1
}

// Ops are all kinds of changes, in the order in which they are done in an account.
func Ops() []Op { return slices.Clone(ops) }

// A Step is one change with the expected state before and the desired state after.
type Step struct {
	ID      string `json:"id"` // op/account/subject[/object], unique in a plan
	Op      Op     `json:"op"`
	Account string `json:"account"`
	Subject string `json:"subject"`
	Object  string `json:"object,omitempty"`
	Expect  State  `json:"expect"`
	Want    State  `json:"want"`
	// Needs are IDs of steps that must be done before this one.
	Needs []string `json:"needs,omitempty"`
	// Because are IDs of findings.
	Because []string `json:"because"`
	// Blocked is the reason why this step is not done; empty: it is done.
	Blocked string `json:"blocked,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
}

// A State is the state of a step's subject and object. Each Op sets the fields that
// it compares.
type State struct {
	Present     bool     `json:"present"`               // the policy or group exists; the attachment, membership or tag is there
	Document    string   `json:"document,omitempty"`    // the policy document, as text
	Value       string   `json:"value,omitempty"`       // of the tag; of an access key Active or Inactive; of a new role, the maximum session duration in seconds
	Versions    []string `json:"versions,omitempty"`    // IDs of the policy's versions, oldest first; UpdatePolicy prunes only these
	Fingerprint string   `json:"fingerprint,omitempty"` // of the ForceMFA policy, see baseline.FingerprintTag; written with Document and never compared
	ManagedBy   string   `json:"managed_by,omitempty"`  // the tag managed-by of a policy, unless it names forcemfa; written with Fingerprint and never compared
	Texts       []string `json:"texts,omitempty"`       // documents of versions that are not the default, oldest first; only for rollbacks
}

// A Plan is an ordered list of steps with the identity of its inputs.
type Plan struct {
	Format    int         `json:"format"`
	Made      time.Time   `json:"made"`
	Digest    string      `json:"digest"`              // of the snapshot that it was made from
	Config    string      `json:"config"`              // hash of the baseline
	Users     int         `json:"users"`               // how many were audited
	Notes     []string    `json:"notes,omitempty"`     // shown before the steps
	Lists     []List      `json:"lists,omitempty"`     // shown after the notes
	Remove    bool        `json:"remove,omitempty"`    // removes everything that forcemfa manages
	Scheduled []Scheduled `json:"scheduled,omitempty"` // waves that have not started
	// Acknowledged are the guards that were overridden on the command line, as
	// guard:NAME or guard:ACCOUNT/NAME. Applying the file overrides them again.
	Acknowledged []string   `json:"acknowledged,omitempty"`
	Adopt        []string   `json:"adopt,omitempty"`    // policies that were adopted by the command line, likewise
	Recorded     []Recorded `json:"recorded,omitempty"` // what CloudTrail said about users who stop
	Steps        []Step     `json:"steps"`

	done map[string]bool // IDs of steps of the resumed plan whose Want holds already
}

// A Scheduled is a wave that has not started, with the number of its users.
type Scheduled struct {
	Wave  string    `json:"wave"`
	From  time.Time `json:"from"`
	Users int       `json:"users"`
}

// Format is the version of the plan file.
const Format = 2

// New is an empty plan.
func New(made time.Time, config string) *Plan {
	return &Plan{Format: Format, Made: made.UTC(), Config: config, Steps: []Step{}, done: map[string]bool{}}
}

// NewStep is a step with its ID.
func NewStep(op Op, account, subject, object string, expect, want State) Step {
	return Step{
		ID: stepID(op, account, subject, object), Op: op, Account: account,
		Subject: subject, Object: object, Expect: expect, Want: want, Because: []string{},
	}
}

func stepID(op Op, account, subject, object string) string {
	id := string(op) + "/" + account + "/" + subject
	if object != "" {
		id += "/" + object
	}
	return id
}

// Block says why the step is not done and what to do about it. An empty reason
// leaves the step as it is.
func (s *Step) Block(why, remedy string) {
	if why != "" {
		s.Blocked, s.Remedy = why, remedy
	}
}

// BlockBy blocks the step when one of the steps it needs is blocked. Steps that
// are nil are left out.
func (s *Step) BlockBy(needed ...*Step) {
	for _, n := range needed {
		if n != nil && n.Blocked != "" && s.Blocked == "" {
			s.Block(blockedBy(n.ID), n.Remedy)
		}
	}
}

func blockedBy(id string) string { return "needs " + id + ", which is blocked" }

// BlockedBy is the ID of the needed step that blocks this one, as BlockBy wrote it;
// empty: the step is not blocked, or by itself.
func (s *Step) BlockedBy() string {
	for _, id := range s.Needs {
		if s.Blocked == blockedBy(id) {
			return id
		}
	}
	return ""
}

// Before reports whether steps of one kind are done before those of another in
// an account.
func (op Op) Before(other Op) bool { return slices.Index(ops, op) < slices.Index(ops, other) }

// IDs are the IDs of steps. Steps that are nil are left out.
func IDs(steps ...*Step) []string {
	var ids []string
	for _, s := range steps {
		if s != nil {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// UserName is the name of the user whom the step changes; empty for steps on
// policies and groups.
func (s *Step) UserName() string {
	a, err := arn.Parse(s.Subject)
	if err != nil || a.Kind() != "user" {
		return ""
	}
	return a.Name()
}

// Equal reports whether two steps are the same byte for byte in a plan file.
func (s *Step) Equal(other *Step) bool {
	return string(s.bytes()) == string(other.bytes())
}

func (s *Step) bytes() []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic("plan: " + err.Error()) // strings and booleans always marshal
	}
	return text
}

// Compare orders the steps of a plan: by phase, account, the order of operations
// in an account, subject and object.
func Compare(a, b Step) int {
	if c := a.Op.phase() - b.Op.phase(); c != 0 {
		return c
	}
	if c := strings.Compare(a.Account, b.Account); c != 0 {
		return c
	}
	if c := slices.Index(ops, a.Op) - slices.Index(ops, b.Op); c != 0 {
		return c
	}
	if c := strings.Compare(a.Subject, b.Subject); c != 0 {
		return c
	}
	return strings.Compare(a.Object, b.Object)
}
