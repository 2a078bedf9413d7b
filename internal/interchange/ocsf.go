package interchange

import (
	"cmp"
	"io"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
	"forcemfa/policy/prove"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework whose classes are
// written; IAM Analysis Finding is in it.
const ocsfVersion = "1.6.0"

// ocsf writes findings as events of the Open Cybersecurity Schema Framework, one array.
// Findings about whether a user can act without MFA are IAM Analysis Findings (2008), all
// others are Compliance Findings (2003).
type ocsf struct {
	array
	head  *run.Head
	users map[string]audit.User // of the account that is read, which have findings of the first kind
}

func newOCSF(w io.Writer, h *run.Head) *ocsf {
	return &ocsf{array: array{w: prose.JSON(w)}, head: h, users: map[string]audit.User{}}
}

func (o *ocsf) User(u audit.User) {
	if u.State == audit.Open || u.State == audit.Unknown {
		u.Read = nil
		o.users[u.Name] = u
	}
}

func (o *ocsf) Gap(org.Gap) {}

func (o *ocsf) Account(audit.Account) { clear(o.users) }

func (o *ocsf) Verified(view.Verification) {}

func (o *ocsf) Close(view.Conclusion) error { return o.close() }

// object is an object of the schema.
type object = map[string]any

func (o *ocsf) Finding(f audit.Finding) {
	class, name := 2003, "Compliance Finding"
	user, analyzed := o.users[strings.TrimPrefix(f.Subject, "user/")]
	analyzed = analyzed && (f.Rule == "user-open" || f.Rule == "user-unknown")
	if analyzed {
		class, name = 2008, "IAM Analysis Finding"
	}
	at := o.head.Time.UnixMilli()
	severity := ocsfSeverities[f.Severity]
	what := view.Clean(f.What)
	event := object{
		"activity_id": 1, "activity_name": "Create", "category_uid": 2, "category_name": "Findings",
		"class_uid": class, "class_name": name, "type_uid": class*100 + 1, "type_name": name + ": Create",
		"time": at, "severity_id": severity.id, "severity": severity.name, "status_id": 1, "status": "New", "message": what,
		"metadata": object{
			"version": ocsfVersion, "profiles": []string{"cloud"}, "event_code": f.Rule, "original_event_uid": f.ID,
			"product": object{"name": "forcemfa", "vendor_name": "forcemfa", "version": o.head.Version},
		},
		"cloud":        o.cloud(&f),
		"finding_info": object{"uid": f.ID, "title": f.Rule + ": " + f.Subject, "desc": what, "created_time": at, "types": []string{f.Rule}},
		"resources":    []object{o.resource(&f)},
	}
	if f.Remedy != "" {
		event["remediation"] = object{"desc": view.Clean(f.Remedy)}
	}
	if analyzed {
		o.analysis(event, &user)
	} else {
		event["compliance"] = o.compliance(&f)
	}
	o.add(event)
}

var ocsfSeverities = map[audit.Severity]struct {
	id   int
	name string
}{
	audit.Info: {1, "Informational"}, audit.Low: {2, "Low"}, audit.Medium: {3, "Medium"}, audit.High: {4, "High"}, audit.Critical: {5, "Critical"},
}

func (o *ocsf) cloud(f *audit.Finding) object {
	account := object{"uid": f.Account, "type_id": 10, "type": "AWS Account"}
	if f.AccountName != "" {
		account["name"] = f.AccountName
	}
	cloud := object{"provider": "AWS", "account": account, "cloud_partition": cmp.Or(o.head.Partition, "aws")}
	if o.head.Organization != "" {
		cloud["org"] = object{"uid": o.head.Organization}
	}
	return cloud
}

func (o *ocsf) resource(f *audit.Finding) object {
	kind, name, named := strings.Cut(f.Subject, "/")
	if !named {
		name = f.Subject
	}
	return object{"uid": cmp.Or(f.ARN, f.Account+"/"+f.Subject), "name": name, "type": kind, "cloud_partition": cmp.Or(o.head.Partition, "aws")}
}

// analysis adds the user and the example request to an event.
func (o *ocsf) analysis(event object, u *audit.User) {
	user := object{"name": u.Name, "uid": u.ARN, "type_id": 1, "type": "User", "account": object{"uid": u.Account, "type_id": 10, "type": "AWS Account"}}
	if u.MFA != org.Unknown {
		user["has_mfa"] = u.MFA == org.Yes
	}
	event["user"] = user
	event["permission_analysis_results"] = []object{permission(u.Example)}
}

// permission is what a request without MFA can do, and the policy that allows it.
func permission(w *prove.Counterexample) object {
	if w == nil {
		return object{"policy": object{"name": "could not be decided", "is_applied": false}}
	}
	result := object{"granted_privileges": []string{w.Action}, "policy": object{"name": cmp.Or(w.AllowedBy, "no Deny that requires MFA"), "is_applied": w.AllowedBy != ""}}
	keys := []object{{"name": "aws:MultiFactorAuthPresent", "value": "false"}}
	for _, name := range sorted(w.Keys) {
		keys = append(keys, object{"name": name, "values": w.Keys[name]})
	}
	result["condition_keys"] = keys
	return result
}

// undecided reports whether a rule says only that something could not be read or decided.
func undecided(rule string) bool {
	return rule == "account-unreadable" || rule == "role-trust-unknown" || rule == "user-unknown" || rule == "report-missing"
}

func (o *ocsf) compliance(f *audit.Finding) object {
	standards := map[string]bool{}
	for _, ref := range f.Refs {
		name, _, _ := strings.Cut(ref, ":")
		standards[name] = true
	}
	c := object{"control": f.Rule, "status_id": 3, "status": "Fail", "standards": append([]string{}, sorted(standards)...)}
	if len(f.Refs) > 0 {
		c["requirements"] = f.Refs
	}
	if undecided(f.Rule) {
		c["status_id"], c["status"] = 2, "Warning"
	}
	return c
}
