package interchange

import (
	"crypto/sha1" // RFC 4122 asks for it in UUIDs of version 5
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// oscalVersion is the version of the Open Security Controls Assessment Language of NIST
// whose assessment results are written.
const oscalVersion = "1.1.3"

// oscalNamespace is the namespace of the properties.
const oscalNamespace = "urn:forcemfa"

// oscal writes assessment results: an observation for each finding, then for each rule with
// findings that its objective is not satisfied. A rule without findings is not called satisfied,
// because something may not have been read.
type oscal struct {
	w     io.Writer
	head  *run.Head
	some  bool // observations
	rules map[string]*oscalRule
	err   error
}

// An oscalRule is a rule with findings.
type oscalRule struct {
	means   string
	refs    []string
	related []observed
}

// observed is an observation.
type observed struct {
	UUID string `json:"observation-uuid"`
}

// NewOSCAL returns the sink that writes assessment results to w. Memory grows with the
// findings by some bytes each.
func NewOSCAL(w io.Writer, h *run.Head) view.AuditSink {
	o := &oscal{w: prose.JSON(w), head: h, rules: map[string]*oscalRule{}}
	o.print(`{"assessment-results":{"uuid":%s,"metadata":%s,"import-ap":{"href":%s},"results":[{"uuid":%s,"title":%s,"description":%s,"start":%s,"reviewed-controls":%s`,
		o.uuid("results"), object{"title": "MFA of IAM users", "last-modified": o.time(), "version": "1", "oscal-version": oscalVersion},
		"#"+o.uuid("config"), o.uuid("result"), "Audit by forcemfa "+h.Version,
		"What forcemfa found about IAM users, roles and policies. Each observation has the ID of a finding.", o.time(),
		object{"description": "The rules of forcemfa", "control-selections": []object{{"include-all": object{}}}})
	return o
}

func (o *oscal) User(audit.User) {}

func (o *oscal) Gap(org.Gap) {}

func (o *oscal) Account(audit.Account) {}

func (o *oscal) Verified(view.Verification) {}

func (o *oscal) Finding(f audit.Finding) {
	before := ","
	if !o.some {
		before = `,"observations":[`
	}
	o.some = true
	id := o.uuid(f.ID)
	o.print(before+"\n%s", object{
		"uuid": id, "title": f.Rule + ": " + f.Subject, "description": view.Clean(f.What), "methods": []string{"EXAMINE"}, "types": []string{"finding"}, "collected": o.time(),
		"props": []object{prop("finding-id", f.ID), prop("rule", f.Rule), prop("severity", string(f.Severity)), prop("account", f.Account), prop("subject", f.Subject)},
	})
	r := o.rules[f.Rule]
	if r == nil {
		r = &oscalRule{means: means(f.Rule), refs: f.Refs}
		o.rules[f.Rule] = r
	}
	r.related = append(r.related, observed{id})
}

// Close writes the rules, and the config as the plan of the assessment.
func (o *oscal) Close(view.Conclusion) error {
	if o.some {
		o.print("]")
	}
	for i, name := range sorted(o.rules) {
		before := ","
		if i == 0 {
			before = `,"findings":[`
		}
		o.print(before+"\n%s", o.finding(name, o.rules[name]))
	}
	if len(o.rules) > 0 {
		o.print("]")
	}
	o.print(`}],"back-matter":{"resources":[%s]}}}`+"\n", object{
		"uuid": o.uuid("config"), "title": "The config of forcemfa in force", "description": "SHA-256 " + o.head.Config,
	})
	return o.err
}

func (o *oscal) finding(name string, r *oscalRule) object {
	reason := "fail"
	if undecided(name) {
		reason = "other"
	}
	f := object{
		"uuid": o.uuid("rule/" + name), "title": name, "description": r.means, "related-observations": r.related,
		"target": object{"type": "objective-id", "target-id": name, "status": object{"state": "not-satisfied", "reason": reason}},
	}
	var props []object
	for _, ref := range slices.Sorted(slices.Values(r.refs)) {
		props = append(props, prop("reference", ref))
	}
	if props != nil {
		f["props"] = props
	}
	return f
}

// means is what a rule is about.
func means(rule string) string {
	if i := slices.IndexFunc(audit.Rules, func(r audit.Rule) bool { return r.Name == rule }); i >= 0 {
		return audit.Rules[i].Means
	}
	return rule
}

func prop(name, value string) object {
	return object{"name": name, "ns": oscalNamespace, "value": view.Clean(value)}
}

func (o *oscal) time() string { return o.head.Time.UTC().Format(time.RFC3339) }

// uuid is the UUID of version 5 of something in this run: the same run has the same ones.
// Source: RFC 4122, section 4.3.
func (o *oscal) uuid(of string) string {
	sum := sha1.Sum([]byte(oscalNamespace + "\x00" + o.head.Organization + "\x00" + o.time() + "\x00" + of))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// print writes a format whose values are JSON.
func (o *oscal) print(format string, values ...any) {
	texts := make([]any, len(values))
	for i, v := range values {
		text, err := json.Marshal(v)
		if err != nil && o.err == nil {
			o.err = err
		}
		texts[i] = text
	}
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, format, texts...)
	}
}
