package document

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// ownCredentials are parts of the names of IAM actions on a user's own credentials.
var ownCredentials = []string{
	"password", "loginprofile", "accesskey", "signingcertificate", "sshpublickey", "servicespecificcredential", "mfadevice",
}

// reads are the prefixes of IAM actions that change nothing.
var reads = []string{"get", "list", "generate", "simulate"}

// BeyondSelfService are the actions that a document allows in addition to reading IAM
// and managing credentials, in its order. A text that is no document allows everything
// ("*"), because it cannot be decided.
func BeyondSelfService(text string) []string {
	d, err := policy.Parse(policy.Identity, text)
	if err != nil {
		return []string{"*"}
	}
	var more []string
	for _, s := range d.Statements {
		if s.Effect != policy.Allow {
			continue
		}
		if len(s.NotActions) > 0 {
			more = append(more, "*")
		}
		for _, action := range s.Actions {
			if !selfService(action) && !slices.Contains(more, action) {
				more = append(more, action)
			}
		}
	}
	return more
}

func selfService(action string) bool {
	service, name, _ := strings.Cut(strings.ToLower(action), ":")
	switch {
	case service == "sts":
		return name == "getsessiontoken" || name == "getcalleridentity"
	case service != "iam":
		return false
	}
	return slices.ContainsFunc(reads, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) ||
		slices.ContainsFunc(ownCredentials, func(part string) bool { return strings.Contains(name, part) })
}

// NotGranted are the actions that a document names in its Allows and another one does
// not, in the order of the document.
func NotGranted(text, other string) []string {
	kept := map[string]bool{}
	for _, action := range allowed(other) {
		kept[strings.ToLower(action)] = true
	}
	return slices.DeleteFunc(allowed(text), func(action string) bool { return kept[strings.ToLower(action)] })
}

// allowed are the actions in the Allows of a document, each once.
func allowed(text string) []string {
	d, err := policy.Parse(policy.Identity, text)
	if err != nil {
		return nil
	}
	var all []string
	for _, s := range d.Statements {
		if s.Effect != policy.Allow {
			continue
		}
		for _, action := range s.Actions {
			if !slices.Contains(all, action) {
				all = append(all, action)
			}
		}
	}
	return all
}
