package certificate

import (
	"errors"
	"slices"
	"strings"

	"forcemfa/policy"
)

// resources returns one resource of every kind that the Denies distinguish.
func (k *inquiry) resources(action, template string) ([]string, error) {
	service, _, _ := strings.Cut(strings.ToLower(action), ":")
	id := template
	if service == "iam" {
		id += " of IAM"
	}
	if known, ok := k.kinds[id]; ok {
		return known, nil
	}
	var out []string
	for _, base := range k.bases(action, template) {
		list, err := k.within(base)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	k.kinds[id] = out
	return out, nil
}

// bases returns the ARN parts of a template.
func (k *inquiry) bases(action, template string) [][6]pattern {
	service, _, _ := strings.Cut(strings.ToLower(action), ":")
	partition := strings.SplitN(k.Principal.ARN, ":", 3)[1]
	var base [6]pattern
	if template == "arn:${Partition}:${Any}" {
		base = [6]pattern{exactly("arn"), exactly(partition), glob("?*"), glob("*"), glob("*"), glob("?*")}
		if service != "iam" {
			return [][6]pattern{base}
		}
		base[2], base[3], base[4] = exactly("iam"), nil, exactly(k.Principal.Account)
		ofAWS := base
		ofAWS[4], ofAWS[5] = exactly("aws"), glob("policy/?*")
		return [][6]pattern{base, ofAWS}
	}
	parts := strings.SplitN(template, ":", 6)
	for i, part := range parts {
		base[i] = ofTemplate(part)
	}
	base[1] = exactly(partition)
	if strings.HasPrefix(parts[4], "${") {
		base[4] = glob("????????????")
		if service == "iam" {
			base[4] = exactly(k.Principal.Account)
		}
	}
	out := [][6]pattern{base}
	if service == "iam" && strings.HasPrefix(parts[5], "policy/") {
		base[4] = exactly("aws")
		out = append(out, base)
	}
	return out
}

// ofTemplate replaces a variable by any non-empty text.
func ofTemplate(part string) (out pattern) {
	for {
		before, rest, found := strings.Cut(part, "${")
		out = append(out, glob(before)...)
		if !found {
			return out
		}
		_, part, _ = strings.Cut(rest, "}")
		out = append(out, glob("?*")...)
	}
}

// within returns the resources of a base: every kind of each part, in every
// combination.
func (k *inquiry) within(base [6]pattern) ([]string, error) {
	patterns := k.patterns()
	out := []string{"arn"}
	for i := 1; i < 6; i++ {
		if i < 5 {
			base[i] = base[i].segment()
		}
		own := make([]pattern, 0, len(patterns))
		for _, p := range patterns {
			own = append(own, p[i])
		}
		texts, ok := k.memory.samples(base[i], own)
		if !ok || len(texts)*len(out) > maxCombinations {
			return nil, errors.New("the policies distinguish too many resources")
		}
		var next []string
		for _, before := range out {
			for _, text := range texts {
				next = append(next, before+":"+text)
			}
		}
		out = next
	}
	return out, nil
}

// patterns returns all resource patterns of the Denies of the case and of the
// rules about the user.
func (k *inquiry) patterns() [][6]pattern {
	var out [][6]pattern
	add := func(i int, p pattern) {
		all := [6]pattern{glob("*"), glob("*"), glob("*"), glob("*"), glob("*"), glob("*")}
		all[i] = p
		out = append(out, all)
	}
	user := strings.SplitN(k.Principal.ARN, ":", 6)[5]
	name := user[strings.LastIndexByte(user, '/')+1:]
	add(5, exactly(user))
	add(5, exactly("user/"+name).anyCase())
	add(5, slices.Concat(exactly("user/"), glob("*"), exactly("/"+name)).anyCase())
	for _, d := range k.denies {
		for _, written := range slices.Concat(d.statement.Resources, d.statement.NotResources) {
			if p, ok := k.parts(written, d.version == "2012-10-17"); ok {
				out = append(out, p)
			}
		}
		for _, c := range d.open {
			part := map[string]int{"aws:requestedregion": 3, "aws:resourceaccount": 4}[c.key]
			for _, v := range c.Values {
				like := strings.HasSuffix(c.operator, "like")
				if p, ok := k.filled(v, c.variables, like); ok && part > 0 {
					add(part, p)
					if strings.HasSuffix(c.operator, "ignorecase") {
						add(part, p.anyCase())
						add(part, p.anyLetter())
					}
				}
			}
		}
	}
	return out
}

// parts cuts a resource pattern at its colons outside of variables. Patterns
// with fewer than six parts never certainly cover a request.
func (k *inquiry) parts(written string, variables bool) (out [6]pattern, ok bool) {
	texts := split(written, variables)
	if len(texts) < 6 {
		return out, false
	}
	for i, text := range texts {
		if out[i], ok = k.filled(text, variables, true); !ok {
			return out, false
		}
		if i < 5 {
			out[i] = out[i].segment()
		}
	}
	return out, true
}

// byName lists the actions in the rules below, in addition to the enrollment
// set.
var byName = append([]string{"iam:EnableMFADevice", "iam:DeactivateMFADevice", "sts:GetSessionToken", "sts:GetCallerIdentity",
	"sts:AssumeRole", "sts:GetFederationToken"}, companions...)

// companions accompany another action, or are not requests of the user.
var companions = []string{"iam:PassRole", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext",
	"sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagGetWebIdentityToken"}

// onUser lists actions that an enrollment set contains only for the user itself.
var onUser = []string{"iam:ChangePassword", "iam:DeactivateMFADevice", "iam:EnableMFADevice", "iam:ResyncMFADevice"}

func has(list []string, action string) bool {
	return slices.ContainsFunc(list, func(a string) bool { return strings.EqualFold(a, action) })
}

// exempt reports whether the claim excludes a request: the enrollment set
// contains it, no policy controls it, or AWS refuses it. An empty resource asks
// about all resources.
func (k *inquiry) exempt(action, resource string) bool {
	if _, limited := k.proof.Credential.Limit(action); limited || policy.Unconditional(action) || has(companions, action) {
		return true
	}
	if !k.strict && reserved(action, resource) {
		return true
	}
	own := resource == k.Principal.ARN
	switch enrolling := strings.EqualFold(action, "iam:EnableMFADevice"); {
	case !own && k.namesake(resource):
		return true
	case own && k.HasDevice && (enrolling || strings.EqualFold(action, "iam:DeactivateMFADevice")):
		return true
	case !has(k.Enrollment, action) || has(onUser, action) && !own:
		return false
	case enrolling && !k.EnrollmentByKey:
		return k.proof.Credential != policy.LongTermKey
	}
	return true
}

// editsPolicy and editsRole list actions that AWS refuses on AWS managed
// policies and on the roles of IAM Identity Center.
// Source: IAM User Guide, "Managed policies and inline policies"; IAM Identity
// Center User Guide, "Permission sets".
var (
	editsPolicy = []string{"CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion", "TagPolicy", "UntagPolicy"}
	editsRole   = []string{"CreateRole", "DeleteRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy", "AttachRolePolicy", "DetachRolePolicy",
		"PutRolePolicy", "DeleteRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary", "TagRole", "UntagRole",
		"CreateServiceLinkedRole", "DeleteServiceLinkedRole"}
)

// reserved reports whether AWS itself refuses an action on a resource.
func reserved(action, resource string) bool {
	service, verb, _ := strings.Cut(action, ":")
	parts := strings.SplitN(resource, ":", 6)
	if !strings.EqualFold(service, "iam") || len(parts) < 6 || parts[2] != "iam" {
		return false
	}
	return parts[4] == "aws" && strings.HasPrefix(parts[5], "policy/") && has(editsPolicy, verb) ||
		strings.HasPrefix(parts[5], "role/aws-reserved/") && has(editsRole, verb)
}

// namesake reports whether a resource is a user of the same name with another
// path, which cannot exist.
func (k *inquiry) namesake(resource string) bool {
	parts, self := strings.SplitN(resource, ":", 6), strings.SplitN(k.Principal.ARN, ":", 6)
	if len(parts) < 6 || parts[2] != "iam" || parts[4] != k.Principal.Account || !strings.HasPrefix(parts[5], "user/") {
		return false
	}
	last := func(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
	return strings.EqualFold(last(parts[5]), last(self[5]))
}
