package audit

import (
	"slices"
	"strings"
	"unicode"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/prove"
)

// A tagger is a principal that tries to set a tag on a user.
type tagger struct {
	*actor
	targets []string // ARNs of users
	tags    []func(*policy.Context)
}

// onUsers are the actions that set a tag on an existing or a new user.
var onUsers = []string{"iam:TagUser", "iam:CreateUser"}

func (r *report) tagger(a *actor, key, value string) *tagger {
	traits := r.traits(a)
	t := &tagger{actor: a, targets: r.targets(a, traits)}
	keys, values, more := []string{key}, []string{value}, [][]string{nil}
	if slices.ContainsFunc(traits, func(t *trait) bool { return t.tags }) {
		// Tags exempt whatever their case, which policies compare.
		keys, values = append(keys, otherCase(key)), append(values, otherCase(value))
		var named []string
		for _, t := range traits {
			named = append(named, t.keys...)
		}
		more = append(more, named)
	}
	for _, key := range keys {
		for _, value := range values {
			for _, more := range more {
				t.tags = append(t.tags, func(c *policy.Context) {
					c.Set("aws:RequestTag/"+key, value)
					c.SetMany("aws:TagKeys", append([]string{key}, more...))
				})
			}
		}
	}
	return t
}

// withoutMFA is whether a user's own credentials suffice, without MFA.
func (t *tagger) withoutMFA(actions ...string) prove.Outcome {
	byKey := t.can(policy.LongTermKey, policy.Absent, actions...)
	if byKey == prove.Open {
		return byKey
	}
	return either(byKey, t.can(policy.ConsolePassword, policy.False, actions...))
}

// can is whether one of the actions on the tag is allowed with a credential.
func (t *tagger) can(c policy.Credential, present policy.Presence, actions ...string) prove.Outcome {
	by := t.with(c, present)
	return anyOf(t.tags, func(tag func(*policy.Context)) prove.Outcome {
		tag(by.request.Context) // in the place of the tag before
		return anyOf(t.targets, func(target string) prove.Outcome {
			return anyOf(actions, func(action string) prove.Outcome { return by.can(action, target) })
		})
	})
}

// A trait is what the statements of a document say about users and their tags.
type trait struct {
	users []string // ARNs of users that Allows name
	keys  []string // of tags that Allows name
	tags  bool     // some conditions compare the tags of a request
}

// traits are those of the documents of an actor.
func (r *report) traits(a *actor) []*trait {
	var out []*trait
	for _, source := range a.subject.Set.Sources() {
		d := source.Document
		if d == nil {
			continue
		}
		t, known := r.said[d]
		if !known {
			t = r.trait(d)
			if r.said == nil {
				r.said = map[*policy.Document]*trait{}
			}
			r.said[d] = t
		}
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}

// trait is nil for a document that says nothing.
func (r *report) trait(d *policy.Document) *trait {
	t := new(trait)
	for i := range d.Statements {
		s := &d.Statements[i]
		for _, c := range s.Conditions {
			key := strings.ToLower(c.Key)
			t.tags = t.tags || key == "aws:tagkeys" || strings.HasPrefix(key, "aws:requesttag/")
			if key == "aws:tagkeys" && s.Effect == policy.Allow {
				t.keys = append(t.keys, c.Values...)
			}
		}
		for _, pattern := range s.Resources {
			if user, ok := r.namedUser(pattern); ok && s.Effect == policy.Allow {
				t.users = append(t.users, user)
			}
		}
	}
	if !t.tags && len(t.users) == 0 {
		return nil
	}
	return t
}

// otherCase has small letters for capital ones and capital ones for small ones.
func otherCase(text string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return r // see baseline.Match
		}
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, text)
}

// mostTargets bounds the users that are tried for an actor.
const mostTargets = 16

// targets are ARNs of users that an actor may change: its own, that of somebody else, and
// those that its Allows name.
func (r *report) targets(a *actor, traits []*trait) []string {
	targets := []string{arn.IAM(r.account.Partition, r.account.ID, "user", "/", "somebody-else")}
	if a.subject.Principal.Kind == policy.IAMUser {
		targets = append(targets, a.subject.Principal.ARN)
	}
	for _, t := range traits {
		for _, user := range t.users {
			if !slices.Contains(targets, user) && len(targets) < mostTargets {
				targets = append(targets, user)
			}
		}
	}
	return targets
}

// namedUser is a user of the account that a pattern of a policy describes, and that exists
// if the pattern has its name.
func (r *report) namedUser(pattern string) (target string, ok bool) {
	p, ok := arn.Split(pattern)
	account := arn.Compile(p.Account)
	if !ok || p.Service != "iam" || p.Kind() != "user" || strings.Contains(pattern, "${") || !account.Match(r.account.ID) {
		return "", false
	}
	name := p.Name()
	if !strings.ContainsAny(name, "*?") {
		if u := r.account.User(name); u != nil {
			return u.ARN, true
		}
		return "", false
	}
	name = strings.NewReplacer("*", "somebody-else", "?", "x").Replace(name)
	path := strings.NewReplacer("*", "x", "?", "x").Replace(strings.TrimSuffix(strings.TrimPrefix(p.Resource, "user"), p.Name()))
	return arn.IAM(r.account.Partition, r.account.ID, "user", path, name), true
}

// either is what is known of an action for which one of two requests is enough.
func either(a, b prove.Outcome) prove.Outcome {
	return anyOf([]prove.Outcome{a, b}, func(o prove.Outcome) prove.Outcome { return o })
}

// anyOf is what is known of an action for which one of several requests is enough.
func anyOf[T any](of []T, ask func(T) prove.Outcome) prove.Outcome {
	out := prove.Enforced
	for _, x := range of {
		switch ask(x) {
		case prove.Open:
			return prove.Open
		case prove.Unknown:
			out = prove.Unknown
		}
	}
	return out
}
