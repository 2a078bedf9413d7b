package iac

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/prose"
)

// Terraform returns a unit as one file of Terraform 1.7 or later, formatted as
// terraform fmt does it. What exists already is imported, so the file can be used in an
// account where forcemfa or a person made it.
func Terraform(u *Unit) []byte {
	w := &hcl{}
	w.line("# MFA for the IAM users of %s, written by forcemfa export-iac.", place(u))
	w.line("# Write it again after a change of the users or of the config file: it has every")
	w.line("# resource that enforces MFA, and Terraform removes those that are no longer in it.\n")
	w.line("terraform {\nrequired_version = \">= 1.7\"\nrequired_providers {\naws = {\nsource = \"hashicorp/aws\"\nversion = \">= 5.0\"\n}\n}\n}\n")
	if len(u.Resources) > 0 {
		w.line("data \"aws_caller_identity\" \"current\" {\nlifecycle {\npostcondition {")
		w.line("condition = self.account_id == %s", quote(u.Account))
		w.line("error_message = %s", quote("This file is for account "+u.Account+"."))
		w.line("}\n}\n}\n")
	}
	for _, write := range []func(*Unit){w.policy, w.group, w.groupPolicies, w.memberships, w.userPolicies, w.inlinePolicies, w.trust, w.scps} {
		write(u)
	}
	return formatted(w.text.Bytes())
}

func place(u *Unit) string {
	if u.ID == Organization {
		return "the organization " + prose.Clean(u.Name)
	}
	if u.Name == "" {
		return "account " + u.ID
	}
	return fmt.Sprintf("account %s (%s)", u.ID, prose.Clean(strings.Join(strings.Fields(u.Name), " ")))
}

// An hcl collects lines of HCL.
type hcl struct{ text bytes.Buffer }

func (w *hcl) line(format string, args ...any) { fmt.Fprintf(&w.text, format+"\n", args...) }

// quote writes a text as a quoted template of HCL.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", "$${", "%{", "%%{").Replace(s) + `"`
}

// json writes an argument with a policy document, with white space for reviewers.
func (w *hcl) json(argument, document string) {
	w.line("%s = <<-%[3]s\n%[2]s\n%[3]s", argument, strings.NewReplacer("${", "$${", "%{", "%%{").Replace(indented(document)), documentEnd)
}

// documentEnd is the line at the end of a policy document.
const documentEnd = "JSON"

// indented is a document with white space; one that is no JSON stays as it is.
func indented(document string) string {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(document), "", "  "); err != nil {
		return document
	}
	return out.String()
}

// imports imports one resource that exists.
func (w *hcl) imports(r *Resource, address, id string) {
	if r.Exists {
		w.line("import {\nto = %s\nid = %s\n}\n", address, quote(id))
	}
}

// each writes the members of for_each, and imports those that exist.
func (w *hcl) each(all []Resource, address string, member func(*Resource) string, id string) {
	var members, existing []string
	for i := range all {
		name := quote(member(&all[i]))
		members = append(members, name)
		if all[i].Exists {
			existing = append(existing, name)
		}
	}
	if len(existing) > 0 {
		w.line("import {\nfor_each = toset([\n%s,\n])\nto = %s[each.key]\nid = %s\n}\n", strings.Join(existing, ",\n"), address, id)
	}
	kind, name, _ := strings.Cut(address, ".")
	w.line("resource %q %q {\nfor_each = toset([\n%s,\n])", kind, name, strings.Join(members, ",\n"))
}

func (w *hcl) policy(u *Unit) {
	for _, r := range u.Of(Policy) {
		w.imports(&r, policyAddress, r.Subject)
		w.line("resource \"aws_iam_policy\" \"forcemfa\" {\nname = %s\npath = %s", quote(r.Name()), quote(r.Path()))
		w.json("policy", r.Document)
		w.line("tags = {\n%s = %s\n%s = %s\n}", quote(baseline.ManagedByTag), quote(baseline.ManagedBy), quote(baseline.FingerprintTag), quote(baseline.Fingerprint(r.Document)))
		w.line("depends_on = [data.aws_caller_identity.current]\n}\n")
	}
}

// The addresses of the policy and the group.
const (
	policyAddress = "aws_iam_policy.forcemfa"
	groupAddress  = "aws_iam_group.forcemfa"
)

func (w *hcl) group(u *Unit) {
	for _, r := range u.Of(Group) {
		w.imports(&r, groupAddress, r.Name())
		w.line("resource \"aws_iam_group\" \"forcemfa\" {\nname = %s\npath = %s\ndepends_on = [data.aws_caller_identity.current]\n}\n", quote(r.Name()), quote(r.Path()))
	}
}

// policyRef is the expression for a policy: the resource of this file, if it is one.
func policyRef(u *Unit, policyARN string) string {
	if slices.ContainsFunc(u.Of(Policy), func(r Resource) bool { return r.Subject == policyARN }) {
		return policyAddress + ".arn"
	}
	return quote(policyARN)
}

func (w *hcl) groupPolicies(u *Unit) {
	var others []Resource
	for _, r := range u.Of(GroupPolicy) {
		if !slices.ContainsFunc(u.Of(Group), func(g Resource) bool { return g.Subject == r.Subject }) {
			others = append(others, r)
			continue
		}
		w.imports(&r, "aws_iam_group_policy_attachment.forcemfa", r.Name()+"/"+r.Object)
		w.line("resource \"aws_iam_group_policy_attachment\" \"forcemfa\" {\ngroup = %s.name\npolicy_arn = %s\n}\n", groupAddress, policyRef(u, r.Object))
	}
	if len(others) == 0 {
		return
	}
	w.each(others, "aws_iam_group_policy_attachment.groups", (*Resource).Name, `"${each.key}/`+strings.Trim(quote(others[0].Object), `"`)+`"`)
	w.line("group = each.key\npolicy_arn = %s\n}\n", policyRef(u, others[0].Object))
}

func (w *hcl) memberships(u *Unit) {
	all := u.Of(Membership)
	if len(all) == 0 {
		return
	}
	w.line("# Only this group of each user is managed here: other groups stay as they are.")
	w.each(all, "aws_iam_user_group_membership.forcemfa", (*Resource).Name, `"${each.key}/`+baseline.GroupName+`"`)
	w.line("user = each.key\ngroups = [%s.name]", groupAddress)
	w.line("depends_on = [aws_iam_group_policy_attachment.forcemfa]\n}\n")
}

func (w *hcl) userPolicies(u *Unit) {
	all := u.Of(UserPolicy)
	if len(all) == 0 {
		return
	}
	w.each(all, "aws_iam_user_policy_attachment.forcemfa", (*Resource).Name, `"${each.key}/`+strings.Trim(quote(all[0].Object), `"`)+`"`)
	w.line("user = each.key\npolicy_arn = %s\n}\n", policyRef(u, all[0].Object))
}

// inlinePolicies writes one resource for the users with the same document.
func (w *hcl) inlinePolicies(u *Unit) {
	byDocument, documents := map[string][]Resource{}, []string(nil)
	for _, r := range u.Of(InlinePolicy) {
		if byDocument[r.Document] == nil {
			documents = append(documents, r.Document)
		}
		byDocument[r.Document] = append(byDocument[r.Document], r)
	}
	for i, document := range documents {
		name := "forcemfa"
		if i > 0 {
			name = fmt.Sprintf("forcemfa_%d", i+1)
		}
		w.each(byDocument[document], "aws_iam_user_policy."+name, (*Resource).Name, `"${each.key}:`+baseline.InlinePolicyName+`"`)
		w.line("user = each.key\nname = %s", quote(baseline.InlinePolicyName))
		w.json("policy", document)
		w.line("}\n")
	}
}

// trust writes the roles whose trust policy requires MFA. Everything else of a role is
// ignored.
func (w *hcl) trust(u *Unit) {
	for i, r := range u.Of(Trust) {
		address := fmt.Sprintf("aws_iam_role.%s", label(r.Name(), i))
		w.line("# Only the trust policy of the role %s is managed here.", r.Name())
		w.imports(&r, address, r.Name())
		w.line("resource \"aws_iam_role\" %s {\nname = %s\npath = %s", quote(label(r.Name(), i)), quote(r.Name()), quote(r.Path()))
		w.json("assume_role_policy", r.Document)
		w.line("lifecycle {\nprevent_destroy = true\nignore_changes = [%s]\n}\n}\n", strings.Join(roleArguments, ", "))
	}
}

// roleArguments are the arguments of aws_iam_role that stay as they are.
var roleArguments = []string{"description", "force_detach_policies", "max_session_duration", "permissions_boundary", "tags", "tags_all"}

// label is a name of HCL for a role; the number keeps names apart that differ only in
// characters that HCL does not allow.
func label(name string, i int) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if clean != name || strings.ContainsAny(clean[:1], "-0123456789") {
		return fmt.Sprintf("role_%d_%s", i+1, clean)
	}
	return clean
}

// scps writes the service control policies with their targets. AWS counts the white
// space of their documents, so jsonencode removes it.
func (w *hcl) scps(u *Unit) {
	for _, r := range u.Of(SCP) {
		name := strings.ToLower(r.Name())
		address := "aws_organizations_policy." + name
		w.imports(&r, address, r.ID)
		w.line("locals {")
		w.json(name, r.Document)
		w.line("}\n\nresource \"aws_organizations_policy\" %s {\nname = %s\ntype = \"SERVICE_CONTROL_POLICY\"\ncontent = jsonencode(jsondecode(local.%s))", quote(name), quote(r.Name()), name)
		w.line("lifecycle {\nignore_changes = [description, tags, tags_all]\n}\ndepends_on = [data.aws_caller_identity.current]\n}\n")
		var targets []Resource
		for _, t := range u.Of(SCPTarget) {
			if t.Subject == r.Subject {
				targets = append(targets, t)
			}
		}
		if len(targets) > 0 {
			w.each(targets, "aws_organizations_policy_attachment."+name, func(t *Resource) string { return t.Object }, quote("")[:1]+"${each.key}:"+r.ID+`"`)
			w.line("target_id = each.key\npolicy_id = %s.id\n}\n", address)
		}
	}
}
