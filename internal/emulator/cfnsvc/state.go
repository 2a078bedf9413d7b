// Package cfnsvc implements CloudFormation of the embedded AWS: stacks, change sets, and
// stack sets with service-managed permissions and automatic deployment.
//
// Resources are created by the operations of their services: for a stack with the rights
// of the caller, for a stack set with those of the role stacksets-exec-… of the account,
// so that a missing permission fails as in AWS. An operation has its effect when the call
// returns, and is in progress for some seconds afterwards.
package cfnsvc

import (
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/emulator/world"
)

// A Stack is a stack of one account and Region.
type Stack struct {
	ID, Name, Region string
	Status, Reason   string // after the operation in progress
	Until            time.Time
	Created, Updated time.Time
	Template         string
	Description      string
	Values           map[string]string
	Resources        []Resource // in the order of creation
	Outputs          map[string]string
	Events           []Event // oldest first
	ChangeSets       map[string]ChangeSet
	Detection        Detection // of drift; the zero value: never
	Deleted          bool
}

// A Resource is a resource of a stack.
type Resource struct {
	Logical, Type, Physical string
	Properties              map[string]any // evaluated
	Attributes              map[string]string
	Deletion                string // Delete, Retain, RetainExceptOnCreate
}

// An Event is a change of the status of a stack or resource.
type Event struct {
	Logical, Physical, Type, Status, Reason string
	At                                      time.Time
}

// A ChangeSet is a planned change of a stack.
type ChangeSet struct {
	ID, Name, Kind string
	Status, Reason string
	Template       string
	Values         map[string]string
	Changes        []Change
	Import         bool // existing resources are adopted
	Revert         bool // resources are compared as they are in the account
	Created        time.Time
}

// A Change is the planned change of one resource.
type Change struct {
	Action, Logical, Physical, Type, Replacement string
	Properties                                   []string
}

// CloneItem implements [world.Item].
func (s *Stack) CloneItem() world.Item {
	c := *s
	c.Values, c.Outputs, c.ChangeSets = maps.Clone(s.Values), maps.Clone(s.Outputs), maps.Clone(s.ChangeSets)
	c.Resources, c.Events = slices.Clone(s.Resources), slices.Clone(s.Events)
	return &c
}

// shown returns the status of a stack as of now.
func (s *Stack) shown(now time.Time) string {
	if !now.Before(s.Until) {
		return s.Status
	}
	for _, end := range []string{"_COMPLETE", "_FAILED"} {
		if start, ok := strings.CutSuffix(s.Status, end); ok {
			return start + "_IN_PROGRESS"
		}
	}
	return s.Status
}

// A StackSet deploys a template to the accounts below units.
type StackSet struct {
	ID, Name, Region, Description string
	Template                      string
	Values                        map[string]string
	Units                         []string
	Auto, Retain                  bool
	Instances                     []Instance
	Operations                    []Operation
	Regions                       []string // of the instances, for automatic deployment
	Targets                       []Target
}

// A Target is what CreateStackInstances was called for: automatic deployment follows it.
type Target struct {
	Units    []string
	Filter   string // INTERSECTION, DIFFERENCE; empty: all
	Accounts []string
}

// An Instance is the stack of a set in one account and Region.
type Instance struct {
	Account, Region, Unit, StackID string
	Status, Detailed, Reason       string
	Overrides                      map[string]string
}

// An Operation is a change of a stack set.
type Operation struct {
	ID, Action, Status, Reason string
	At, Until                  time.Time
	Results                    []Result
}

// A Result is the result of an operation in one account and Region.
type Result struct{ Account, Region, Status, Reason string }

// CloneItem implements [world.Item].
func (s *StackSet) CloneItem() world.Item {
	c := *s
	c.Values = maps.Clone(s.Values)
	c.Units, c.Instances, c.Operations = slices.Clone(s.Units), slices.Clone(s.Instances), slices.Clone(s.Operations)
	c.Regions, c.Targets = slices.Clone(s.Regions), slices.Clone(s.Targets)
	return &c
}
