package plan

// inverses maps each Op to the Op that undoes it. An Op that replaced an existing
// value (of a tag, an inline policy) is undone by itself, see [Inverse].
var inverses = map[Op]Op{
	CreatePolicy:        DeletePolicy,
	UpdatePolicy:        RestorePolicy,
	RestorePolicy:       UpdatePolicy,
	CreateGroup:         DeleteGroup,
	AttachGroupPolicy:   DetachGroupPolicy,
	AddUserToGroup:      RemoveUserFromGroup,
	AttachUserPolicy:    DetachUserPolicy,
	PutUserPolicy:       DeleteUserPolicy,
	TagUser:             UntagUser,
	UntagUser:           TagUser,
	RemoveUserFromGroup: AddUserToGroup,
	DetachUserPolicy:    AttachUserPolicy,
	DeleteUserPolicy:    PutUserPolicy,
	DetachGroupPolicy:   AttachGroupPolicy,
	DeleteGroup:         CreateGroup,
	DeletePolicy:        CreatePolicy,
	CreateSCP:           DeleteSCP,
	UpdateSCP:           UpdateSCP,
	AttachSCP:           DetachSCP,
	DetachSCP:           AttachSCP,
	DeleteSCP:           CreateSCP,
	PutGroupPolicy:      DeleteGroupPolicy,
	DeleteGroupPolicy:   PutGroupPolicy,
	CreateRole:          DeleteRole,
	DeleteRole:          CreateRole,
	AttachRolePolicy:    DetachRolePolicy,
	DetachRolePolicy:    AttachRolePolicy,
	PutRolePolicy:       DeleteRolePolicy,
	DeleteRolePolicy:    PutRolePolicy,
	UpdateTrust:         UpdateTrust,
	UpdateEntranceTrust: UpdateEntranceTrust,
	DeactivateKey:       ActivateKey,
	ActivateKey:         DeactivateKey,
	DeleteKey:           RestoreKey,
	RestoreKey:          DeleteKey,
}

// replaces reports whether an Op can replace an existing value, so that the same Op
// undoes it.
func (op Op) replaces() bool {
	switch op {
	case PutUserPolicy, PutGroupPolicy, PutRolePolicy, TagUser:
		return true
	}
	return false
}

// Inverse is the step that undoes s once it is done: it expects what s wants
// and wants what s expected. It needs no other step, and is blocked only when nothing can undo s. The
// versions of a policy are left out, because AWS numbers them; the texts that s
// deleted are only in the journal.
func Inverse(s Step) Step {
	op := inverses[s.Op]
	if s.Op.replaces() && s.Expect.Present {
		op = s.Op
	}
	back := NewStep(op, s.Account, s.Subject, s.Object, s.Want, s.Expect)
	back.Expect.Versions, back.Want.Versions = nil, nil
	back.Expect.Texts, back.Want.Texts = nil, nil
	back.Because = append(back.Because, s.Because...)
	if op == RestoreKey {
		back.Block("AWS cannot restore a deleted access key", "create a new key for "+s.Subject+" if one is needed")
	}
	return back
}
