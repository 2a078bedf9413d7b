package view

import (
	"cmp"
	"slices"
	"strings"

	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
)

// accountSteps counts the changes of an account.
type accountSteps struct {
	id    string
	total int
	ops   map[string]int // by their words
}

// opWords are the words for kinds of changes in a sum, in their order. Kinds with the
// same words are counted together.
var opWords = []struct {
	op    plan.Op
	words string
}{
	{plan.CreatePolicy, "policy"}, {plan.UpdatePolicy, "policy updated"}, {plan.CreateGroup, "group"},
	{plan.AddUserToGroup, "users added"}, {plan.AttachUserPolicy, "attached"}, {plan.PutUserPolicy, "inline"},
	{plan.TagUser, "windows opened"}, {plan.UntagUser, "windows closed"}, {plan.RemoveUserFromGroup, "users removed"},
	{plan.UpdateTrust, "trust policies"}, {plan.UpdateEntranceTrust, "trust policies"},
}

func (a *accountSteps) add(s *plan.Step) {
	a.total++
	for _, w := range opWords {
		if w.op == s.Op {
			a.ops[w.words]++
			return
		}
	}
	if s.Op == plan.AttachGroupPolicy {
		return // goes without saying
	}
	a.ops["other changes"]++
}

func (a *accountSteps) words() string {
	var parts []string
	add := func(words string) {
		if n := a.ops[words]; n > 0 {
			if n > 1 || words != "policy" && words != "group" && words != "policy updated" {
				words = counted(n, words)
			}
			parts = append(parts, words)
		}
	}
	for i, w := range opWords {
		if i == 0 || opWords[i-1].words != w.words {
			add(w.words)
		}
	}
	add("other changes")
	return strings.Join(parts, ", ")
}

// counted is a number of changes in words, whose first noun is written in the plural.
func counted(n int, words string) string {
	if n == 1 {
		words = strings.NewReplacer("users ", "user ", "windows ", "window ", "policies", "policy", "changes", "change").Replace(words)
	}
	return prose.Number(n) + " " + words
}

// sortByChanges puts the accounts with the most changes first.
func sortByChanges(accounts []*accountSteps) {
	slices.SortFunc(accounts, func(a, b *accountSteps) int {
		return cmp.Or(cmp.Compare(b.total, a.total), strings.Compare(a.id, b.id))
	})
}
