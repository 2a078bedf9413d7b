package report

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
)

// data is what the tables of the page are painted from: one JSON object with rows as
// arrays, whose members page.js names. It is written as the stream arrives, so that
// memory is the size of the file.
type data struct {
	texts    dictionary
	accounts rows
	users    rows
	known    map[string]run.Rule  // that the run has, by name
	findings map[string]*ruleRows // by rule
	indexes  map[string]int       // users of the current account by name
	account  int                  // number of accounts that are complete
	places   map[string]int       // those by ID
	userRows int
	keyRows  rows
	fateRows rows
}

// ruleRows are the findings of one rule, apart by severity.
type ruleRows struct {
	rule   run.Rule
	rows   [5]rows
	counts [5]int
}

// rows is a JSON array without its brackets.
type rows struct{ bytes.Buffer }

// row begins the next row.
func (r *rows) row() {
	if r.Len() > 0 {
		_, _ = r.WriteString(",\n")
	}
	_ = r.WriteByte('[')
}

func (r *rows) end() { _ = r.WriteByte(']') }

// next separates two members of a row.
func (r *rows) next() {
	if last := r.Bytes()[r.Len()-1]; last != '[' {
		_ = r.WriteByte(',')
	}
}

func (r *rows) number(n int) {
	r.next()
	_, _ = r.Write(strconv.AppendInt(r.AvailableBuffer(), int64(n), 10))
}

func (r *rows) string(s string) {
	r.next()
	writeString(&r.Buffer, s)
}

func (r *rows) list(write func()) {
	r.next()
	_ = r.WriteByte('[')
	write()
	_ = r.WriteByte(']')
}

var stateNumbers = map[audit.State]int{audit.Open: 0, audit.Unknown: 1, audit.Exempt: 2, audit.Enforced: 3}

// user adds the row of a user.
func (d *data) user(u *audit.User) {
	name := visible(u.Name)
	o := &owner{arn: visible(u.ARN), name: name, account: u.Account}
	if d.indexes == nil {
		d.indexes = map[string]int{}
	}
	d.indexes[u.Name] = d.userRows
	d.userRows++
	r := &d.users
	r.row()
	r.string(name)
	r.number(d.account)
	r.number(stateNumbers[u.State])
	r.number(int(u.Rank()))
	r.number(d.texts.of(arnTemplate(o)))
	r.number(d.texts.text(u.Meaning(), o))
	r.number(d.texts.of(deviceWord(u)))
	r.number(triNumber(u.Console))
	r.number(epochDay(u.PasswordUsed))
	r.list(func() { d.keys(r, u.Keys, o) })
	r.list(func() { d.example(r, u, o) })
	r.list(func() { d.texts.list(r, u.DeniedBy, o) })
	r.list(func() { d.texts.list(r, u.Assumptions, o) })
	r.list(func() { d.devices(r, u.Devices, o) })
	r.number(d.texts.of(string(u.Proof)))
	r.number(d.texts.text(cmp.Or(u.Why, u.Obstacle, u.CannotEnroll), o))
	r.number(epochDay(&u.Created))
	r.number(u.ActiveKeys)
	r.number(d.texts.text(u.Boundary, o))
	r.list(func() {
		for _, t := range u.Tags {
			r.number(d.texts.text(t.Key+"="+t.Value, o))
		}
	})
	r.end()
}

// arnTemplate is the ARN with the account and the name replaced: users of one path have
// the same.
func arnTemplate(o *owner) string {
	whole := *o
	whole.arn = ""
	return whole.template(o.arn)
}

// list writes the numbers of texts.
func (d *dictionary) list(r *rows, texts []string, o *owner) {
	for _, s := range texts {
		r.number(d.text(s, o))
	}
}

// keys writes for each key whether it is active, when it was created and used, for what
// and where, and its ID.
func (d *data) keys(r *rows, keys []org.AccessKey, o *owner) {
	for i := range keys {
		k := &keys[i]
		r.list(func() {
			active := 0
			if k.Active {
				active = 1
			}
			r.number(active)
			r.number(epochDay(k.Created))
			r.number(epochDay(k.Used))
			r.number(d.texts.text(k.UsedService, o))
			r.number(d.texts.text(k.UsedRegion, o))
			r.string(visible(k.ID))
		})
	}
}

// example writes action, resource, the statement that allows it, credential, and the
// condition keys that the sender chooses.
func (d *data) example(r *rows, u *audit.User, o *owner) {
	e := u.Example
	if e == nil {
		return
	}
	r.number(d.texts.text(e.Action, o))
	r.number(d.texts.text(e.Resource, o))
	r.number(d.texts.text(e.AllowedBy, o))
	r.number(d.texts.of(u.With()))
	if len(e.Keys) > 0 {
		r.number(d.texts.text(keyWords(e.Keys), o))
	}
}

// keyWords are condition keys with their values, in order.
func keyWords(keys map[string][]string) string {
	var out []string
	for k, values := range keys {
		out = append(out, k+" "+strings.Join(values, " and "))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func (d *data) devices(r *rows, devices []org.Device, o *owner) {
	for i := range devices {
		r.list(func() {
			r.number(d.texts.of(visible(string(devices[i].Kind))))
			r.number(d.texts.text(devices[i].Serial, o))
			r.number(epochDay(devices[i].Enabled))
		})
	}
}

// finding adds the row of a finding: the user by its number, or the subject by name and
// its ARN.
func (d *data) finding(f *audit.Finding) {
	if d.findings == nil {
		d.findings = map[string]*ruleRows{}
	}
	rule := d.findings[f.Rule]
	if rule == nil {
		rule = &ruleRows{rule: d.ruleOf(f)}
		d.findings[f.Rule] = rule
	}
	at := min(f.Severity.Rank(), len(audit.Severities)-1)
	rule.counts[at]++
	o := &owner{arn: visible(f.ARN), name: visible(tail(f.Subject)), account: f.Account}
	r := &rule.rows[at]
	r.row()
	r.number(at)
	r.number(d.account)
	name, isUser := strings.CutPrefix(f.Subject, "user/")
	index, known := d.indexes[name]
	isUser = isUser && known
	if isUser {
		o.name = visible(name)
		r.number(index)
	} else {
		r.string(visible(f.Subject))
	}
	own := ""
	if f.Remedy != rule.rule.Remedy {
		own = f.Remedy
	}
	r.number(d.texts.text(f.What, o))
	r.number(d.texts.text(own, o))
	if !isUser {
		r.number(d.texts.of(arnTemplate(o)))
	}
	r.end()
}

// ruleOf is the rule of a finding, as the run has it; one that the run does not have is
// made of what the finding says.
func (d *data) ruleOf(f *audit.Finding) run.Rule {
	if r, ok := d.known[f.Rule]; ok {
		return r
	}
	return run.Rule{Name: f.Rule, Means: f.What, Remedy: f.Remedy, Refs: f.Refs}
}

// accountEnd adds the row of an account whose users and findings were added.
func (d *data) accountEnd(a *audit.Account) {
	r := &d.accounts
	r.row()
	r.string(a.ID)
	r.string(visible(a.Name))
	r.number(d.texts.of(visible(unitPath(a.Units))))
	r.end()
	if d.places == nil {
		d.places = map[string]int{}
	}
	d.places[a.ID] = d.account
	d.account++
	d.indexes = nil
}

// WriteTo writes the object.
func (d *data) WriteTo(w io.Writer) (int64, error) {
	d.texts.of("")
	out := &countingWriter{w: w}
	out.string(`{"texts":[`)
	out.bytes(d.texts.json.Bytes())
	out.string("],\n\"accounts\":[")
	out.bytes(d.accounts.Bytes())
	out.string("],\n\"users\":[")
	out.bytes(d.users.Bytes())
	out.string("],\n\"keys\":[")
	out.bytes(d.keyRows.Bytes())
	out.string("],\n\"fates\":[")
	out.bytes(d.fateRows.Bytes())
	out.string("],\n\"findings\":{")
	for i, name := range d.rules() {
		if i > 0 {
			out.string(",\n")
		}
		var key bytes.Buffer
		writeString(&key, visible(name))
		out.bytes(key.Bytes())
		out.string(":[")
		some := false
		for at := range d.findings[name].rows {
			rows := &d.findings[name].rows[at]
			if some && rows.Len() > 0 {
				out.string(",\n")
			}
			some = some || rows.Len() > 0
			out.bytes(rows.Bytes())
		}
		out.string("]")
	}
	out.string("}}")
	return out.n, out.err
}

// rules are the names of the rules with findings: the worst severity first, then in the
// order of audit.Rules.
func (d *data) rules() []string {
	var names []string
	for name := range d.findings {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(d.findings[x].worst(), d.findings[y].worst()), cmp.Compare(ruleNumber(x), ruleNumber(y)), strings.Compare(x, y))
	})
	return names
}

func ruleNumber(name string) int {
	i := slices.IndexFunc(audit.Rules, func(r audit.Rule) bool { return r.Name == name })
	if i < 0 {
		return len(audit.Rules)
	}
	return i
}

// worst is the place of the worst severity that the rule's findings have.
func (r *ruleRows) worst() int {
	return slices.IndexFunc(r.counts[:], func(n int) bool { return n > 0 })
}

type countingWriter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *countingWriter) bytes(b []byte) {
	if c.err == nil {
		var n int
		n, c.err = c.w.Write(b)
		c.n += int64(n)
	}
}

func (c *countingWriter) string(s string) { c.bytes([]byte(s)) }

// deviceWord are the kinds of the devices of a user.
func deviceWord(u *audit.User) string {
	var kinds []string
	for i := range u.Devices {
		kinds = append(kinds, visible(string(u.Devices[i].Kind)))
	}
	slices.Sort(kinds)
	switch {
	case len(kinds) > 0:
		return strings.Join(slices.Compact(kinds), ", ")
	case u.MFA == org.No:
		return "none"
	case u.MFA == org.Yes:
		return "yes"
	}
	return "not read"
}

func triNumber(t org.Tri) int {
	switch t {
	case org.Yes:
		return 1
	case org.No:
		return 0
	}
	return 2
}

// unitPath is the path of an account in the organization, without the root.
func unitPath(units []string) string {
	if len(units) < 2 {
		return ""
	}
	return strings.Join(units[1:], " / ")
}
