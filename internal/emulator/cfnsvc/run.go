package cfnsvc

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/world"
)

// A desired is the wanted state of a stack.
type desired struct {
	text   string
	t      *template
	values map[string]string
	adopt  bool
}

// took is how long an operation on a stack is in progress.
const took = 20 * time.Second

// A work is an operation on one stack. It works on a copy, which is stored at the end:
// the world may be forked in between.
type work struct {
	*deployer
	stack *Stack
	now   time.Time
}

func (d *deployer) work(s *Stack) *work {
	return &work{deployer: d, stack: s.CloneItem().(*Stack), now: d.c.Now}
}

func (k *work) scope(w *desired) *scope {
	return &scope{
		template: w.t, partition: k.c.World.Partition, account: k.account, region: k.region, stackID: k.stack.ID, stackName: k.stack.Name,
		values: w.values, made: map[string]*Resource{},
	}
}

func (k *work) event(logical, physical, kind, status, reason string) {
	k.stack.Events = append(k.stack.Events, Event{logical, physical, kind, status, reason, k.now})
}

// end sets the status that the stack has when the operation ends.
func (k *work) end(status, reason string) {
	k.stack.Status, k.stack.Reason, k.stack.Until, k.stack.Updated = status, reason, k.now.Add(took), k.now
	k.event(k.stack.Name, k.stack.ID, stackType, status, reason)
	k.c.World.Put(k.account, k.stack.ID, k.stack)
}

const stackType = "AWS::CloudFormation::Stack"

// make brings a stack to its wanted state. verb is CREATE, UPDATE or IMPORT. The error
// is the reason of a failure, after which the stack is rolled back.
func (k *work) make(w *desired, verb string) error {
	k.event(k.stack.Name, k.stack.ID, stackType, verb+"_IN_PROGRESS", "User Initiated")
	before := slices.Clone(k.stack.Resources)
	scope := k.scope(w)
	failure := k.apply(w, scope, before)
	if failure == nil {
		failure = k.prune(scope, before)
	}
	if failure != nil {
		return k.rollBack(before, verb, failure)
	}
	k.stack.Template, k.stack.Values, k.stack.Description = w.text, w.values, w.t.description
	k.stack.Outputs = map[string]string{}
	for name, o := range w.t.outputs {
		if value, err := scope.eval(object(o)["Value"]); err == nil {
			k.stack.Outputs[name] = text0(value)
		}
	}
	k.end(verb+"_COMPLETE", "")
	return nil
}

// apply creates and updates the resources in their order.
func (k *work) apply(w *desired, scope *scope, before []Resource) error {
	ids, err := scope.order()
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := k.resource(scope, id)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		old := slices.IndexFunc(before, func(b Resource) bool { return b.Logical == id && b.Type == r.Type })
		if old >= 0 {
			err = k.change(&before[old], r)
		} else {
			err = k.create(w, r)
		}
		if err != nil {
			return err
		}
		scope.made[id] = r
		k.keep(r)
	}
	return nil
}

// keep stores a resource in the stack.
func (k *work) keep(r *Resource) {
	i := slices.IndexFunc(k.stack.Resources, func(b Resource) bool { return b.Logical == r.Logical && b.Type == r.Type })
	if i < 0 {
		k.stack.Resources = append(k.stack.Resources, *r)
		return
	}
	k.stack.Resources[i] = *r
}

// resource evaluates a resource of a template.
func (k *work) resource(scope *scope, id string) (*Resource, error) {
	declared := object(scope.resources[id])
	properties, err := scope.eval(declared["Properties"])
	if err != nil {
		return nil, err
	}
	r := &Resource{Logical: id, Type: text0(declared["Type"]), Properties: object(properties), Deletion: text0(declared["DeletionPolicy"])}
	if r.Deletion == "" {
		r.Deletion = "Delete"
	}
	return r, nil
}

func (k *work) create(w *desired, r *Resource) error {
	p := providers[r.Type]
	if w.adopt && p.adopt != nil && r.Deletion != "Delete" {
		if there, err := p.adopt(k.deployer, r); err != nil || there {
			if there {
				k.event(r.Logical, r.Physical, r.Type, "IMPORT_COMPLETE", "")
			}
			return err
		}
	}
	k.event(r.Logical, "", r.Type, "CREATE_IN_PROGRESS", "")
	if err := p.create(k.deployer, r); err != nil {
		return k.failed(r, "CREATE_FAILED", err)
	}
	k.event(r.Logical, r.Physical, r.Type, "CREATE_COMPLETE", "")
	return nil
}

// failed records the failure of a resource.
func (k *work) failed(r *Resource, status string, err error) error {
	reason := `Resource handler returned message: "` + message(err) + `"`
	k.event(r.Logical, r.Physical, r.Type, status, reason)
	return awsError("ResourceLogicalId:%s, ResourceType:%s, ResourceStatusReason:%s.", r.Logical, r.Type, reason)
}

// message returns the message of an error with its code, as CloudFormation writes it.
func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage() + " (Error Code: " + api.ErrorCode() + ")"
	}
	return err.Error()
}

// change updates or replaces a resource whose properties differ.
func (k *work) change(old, now *Resource) error {
	now.identify(old)
	p := providers[now.Type]
	names := differing(old.Properties, now.Properties)
	if len(names) == 0 {
		return nil
	}
	if p.replaces(names) {
		if err := p.remove(k.deployer, old); err != nil {
			return k.failed(old, "DELETE_FAILED", err)
		}
		now.Physical, now.Attributes = "", nil
		if err := p.create(k.deployer, now); err != nil {
			return k.failed(now, "CREATE_FAILED", err)
		}
	} else if err := p.update(k.deployer, old, now); err != nil {
		return k.failed(now, "UPDATE_FAILED", err)
	}
	k.event(now.Logical, now.Physical, now.Type, "UPDATE_COMPLETE", "")
	return nil
}

// differing returns the names of the properties that differ, sorted.
func differing(before, after map[string]any) []string {
	var names []string
	for name := range before {
		if document(before[name]) != document(after[name]) {
			names = append(names, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// prune deletes the resources that the template does not have any more.
func (k *work) prune(scope *scope, before []Resource) error {
	for _, old := range slices.Backward(before) {
		if r := scope.made[old.Logical]; r != nil && r.Type == old.Type {
			continue
		}
		if err := k.discard(&old, false); err != nil {
			return err
		}
	}
	return nil
}

// discard deletes a resource, unless its policy is to retain it.
func (k *work) discard(r *Resource, created bool) error {
	retained := r.Deletion == "Retain" || r.Deletion == "RetainExceptOnCreate" && !created
	if retained {
		k.event(r.Logical, r.Physical, r.Type, "DELETE_SKIPPED", "")
	} else {
		if err := providers[r.Type].remove(k.deployer, r); err != nil {
			return k.failed(r, "DELETE_FAILED", err)
		}
		k.event(r.Logical, r.Physical, r.Type, "DELETE_COMPLETE", "")
	}
	k.stack.Resources = slices.DeleteFunc(k.stack.Resources, func(b Resource) bool { return b.Logical == r.Logical && b.Type == r.Type })
	return nil
}

// rollBack undoes what an operation changed. The error is its reason.
func (k *work) rollBack(before []Resource, verb string, failure error) error {
	end := "UPDATE_ROLLBACK"
	if verb == "CREATE" || verb == "IMPORT" {
		end = "ROLLBACK"
	}
	k.event(k.stack.Name, k.stack.ID, stackType, end+"_IN_PROGRESS", failure.Error())
	for _, r := range slices.Backward(slices.Clone(k.stack.Resources)) {
		i := slices.IndexFunc(before, func(b Resource) bool { return b.Logical == r.Logical && b.Type == r.Type })
		var err error
		if i < 0 {
			err = k.discard(&r, true)
		} else if now := before[i]; len(differing(r.Properties, now.Properties)) > 0 {
			if err = k.change(&r, &now); err == nil {
				k.keep(&now)
			}
		}
		if err != nil {
			k.end(end+"_FAILED", err.Error())
			return failure
		}
	}
	k.end(end+"_COMPLETE", failure.Error())
	return failure
}

// remove deletes the resources of a stack in reverse order, and then the stack. The ID of
// a deleted stack stays known.
func (k *work) remove() error {
	k.event(k.stack.Name, k.stack.ID, stackType, "DELETE_IN_PROGRESS", "User Initiated")
	for _, r := range slices.Backward(slices.Clone(k.stack.Resources)) {
		if err := k.discard(&r, k.stack.Status == "ROLLBACK_COMPLETE"); err != nil {
			k.end("DELETE_FAILED", "The following resource(s) failed to delete: ["+r.Logical+"].")
			return err
		}
	}
	k.stack.Deleted = true
	k.end("DELETE_COMPLETE", "")
	return nil
}

// findStack returns a stack by its name or ID. A deleted stack has only its ID.
func findStack(w *world.World, account, region, name string) *Stack {
	for _, s := range world.List[*Stack](w.Account(account)) {
		if s.Region == region && (s.ID == name || s.Name == name && !s.Deleted) {
			return s
		}
	}
	return nil
}

// planned returns the changes that bring a stack to its wanted state.
func (k *work) planned(w *desired) ([]Change, error) {
	scope := k.scope(w)
	ids, err := scope.order()
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, id := range ids {
		c, r, err := k.plannedResource(w, scope, id)
		if err != nil {
			return nil, err
		}
		if c.Action != "" {
			changes = append(changes, c)
		}
		if r.Physical != "" && c.Replacement != "True" {
			scope.made[id] = r
		}
	}
	for _, old := range k.stack.Resources {
		if !slices.Contains(ids, old.Logical) {
			changes = append(changes, Change{Action: "Remove", Logical: old.Logical, Physical: old.Physical, Type: old.Type})
		}
	}
	return changes, nil
}

func (k *work) plannedResource(w *desired, scope *scope, id string) (c Change, r *Resource, err error) {
	declared := object(scope.resources[id])
	c = Change{Logical: id, Type: text0(declared["Type"])}
	i := slices.IndexFunc(k.stack.Resources, func(b Resource) bool { return b.Logical == id && b.Type == c.Type })
	r, err = k.resource(scope, id)
	unknown := errors.Is(err, errUnknown)
	if err != nil && !unknown {
		return c, r, err
	}
	if r == nil {
		r = &Resource{Logical: id, Type: c.Type}
	}
	if i < 0 {
		c.Action = "Add"
		if p := providers[c.Type]; w.adopt && p.adopt != nil && r.Deletion != "Delete" && !unknown {
			if there, _ := p.adopt(k.deployer, r); there {
				c.Action, c.Physical = "Import", r.Physical
				return c, r, nil
			}
		}
		r.Physical = ""
		return c, r, nil
	}
	old := &k.stack.Resources[i]
	r.identify(old)
	c.Physical = old.Physical
	if unknown {
		c.Action, c.Replacement = "Modify", "Conditional"
		return c, r, nil
	}
	if c.Properties = differing(old.Properties, r.Properties); len(c.Properties) == 0 {
		return c, r, nil
	}
	c.Action, c.Replacement = "Modify", "False"
	if providers[c.Type].replaces(c.Properties) {
		c.Replacement = "True"
	}
	return c, r, nil
}
