package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/prove"
)

// An Auditor audits the accounts of one organization. It remembers documents
// and proofs, so one serves a whole run; it is safe for concurrent use.
type Auditor struct {
	// CheckProofs checks every proof with package certificate, which does not
	// depend on the prover. A user whose proof is rejected is unknown.
	CheckProofs bool
	// Departed are accounts that left the organization, which nothing that is read now
	// can show.
	Departed []Departure

	header     *org.Header
	baseline   *baseline.Baseline
	now        time.Time
	documents  org.Cache
	prover     prove.Prover
	enrollment []string
	wanted     map[string]wanted // by partition
	checked    checks
	relied     reliance
	roleNotes  roleNotes
}

// wanted are the documents of the baseline in a partition.
type wanted struct{ document, deny string }

// New is an auditor as of now.
func New(header *org.Header, b *baseline.Baseline, now time.Time) *Auditor {
	a := &Auditor{header: header, baseline: b, now: now, enrollment: b.EnrollmentSet(), wanted: map[string]wanted{}}
	for _, partition := range arn.PartitionIDs() {
		a.wanted[partition] = wanted{b.Document(partition), b.DenyDocument(partition)}
	}
	return a
}

// documentsIn are the documents of the baseline in a partition.
func (a *Auditor) documentsIn(partition string) wanted {
	if w, ok := a.wanted[partition]; ok {
		return w
	}
	return wanted{a.baseline.Document(partition), a.baseline.DenyDocument(partition)}
}

// Account audits one account, sends the results to the sink, and counts the states
// of its users.
func (a *Auditor) Account(account *org.Account, sink Sink) Counts {
	summary := Account{ID: account.ID, Name: account.Name, Alias: account.Alias, Read: account.Read, Report: account.Report, Units: a.header.UnitNames(account)}
	if !account.Read {
		summary.Skipped = account.Skipped()
	}
	r := report{auditor: a, account: account, place: baseline.PlaceOf(a.header, account)}
	switch {
	case account.Read:
		around := a.surroundings(account)
		for i := range account.Users {
			u := a.user(account, r.place, &account.Users[i], around)
			summary.Count(u.State)
			if u.NewerThan != nil {
				summary.NewerThanReport++
			}
			sink.User(u)
			r.user(&u)
		}
		r.accountFindings()
	case summary.Skipped == "":
		r.unreadable()
	}
	r.departures()
	slices.SortStableFunc(r.findings, func(x, y Finding) int { return strings.Compare(x.ID, y.ID) })
	for _, f := range r.findings {
		sink.Finding(f)
	}
	for _, g := range account.Gaps {
		sink.Gap(g)
	}
	sink.Account(summary)
	return summary.Counts
}

// Add adds the counts of another account.
func (c *Counts) Add(o Counts) {
	c.Users += o.Users
	c.Enforced += o.Enforced
	c.Exempt += o.Exempt
	c.Open += o.Open
	c.Unknown += o.Unknown
	c.NewerThanReport += o.NewerThanReport
}

// Count counts a user with this state.
func (c *Counts) Count(s State) {
	c.Users++
	switch s {
	case Enforced:
		c.Enforced++
	case Exempt:
		c.Exempt++
	case Open:
		c.Open++
	default:
		c.Unknown++
	}
}

// A report gathers the findings of one account.
type report struct {
	auditor  *Auditor
	account  *org.Account
	place    baseline.Place
	findings []Finding
	said     map[*policy.Document]*trait
}

// add adds a finding of a rule about a subject, with the worst severity of the
// rule. The caller may lower it.
func (r *report) add(rule, subject, format string, args ...any) *Finding {
	of, ok := ruleByName[rule]
	if !ok {
		panic("audit: no rule " + rule)
	}
	r.findings = append(r.findings, Finding{
		ID:          rule + "/" + r.account.ID + "/" + subject,
		Rule:        rule,
		Severity:    of.Severities[0],
		Account:     r.account.ID,
		AccountName: r.account.Name,
		Subject:     subject,
		What:        fmt.Sprintf(format, args...),
		Remedy:      of.Remedy,
		Refs:        of.Refs,
	})
	return &r.findings[len(r.findings)-1]
}

// accountFindings adds the findings about an account except those about its users.
func (r *report) accountFindings() {
	r.credentialReport()
	r.root()
	r.orphans()
	r.policies()
	r.roles()
	r.exemptionTags()
	r.exemptionNames()
	r.guardRoles()
	r.exemptCredentials()
	r.outside()
	r.windowTag()
}

func (r *report) unreadable() {
	why := "nothing was read"
	for _, g := range r.account.Gaps {
		why = g.What + ": " + g.Why
		break
	}
	r.add("account-unreadable", "account", "the account could not be read: %s", why)
}

// staleAfter is well above the four hours for which AWS returns the same
// credential report. Source: IAM User Guide, "Getting credential reports".
const staleAfter = 24 * time.Hour

func (r *report) credentialReport() {
	made := r.account.Report
	switch {
	case made.IsZero():
		r.add("report-missing", "account", "there is no credential report")
	case r.auditor.now.Sub(made) > staleAfter:
		r.add("report-stale", "account", "the credential report was generated at %s", made.UTC().Format(time.RFC3339))
	}
}

func (r *report) root() {
	root, rootARN := r.account.Root, "arn:"+r.account.Partition+":iam::"+r.account.ID+":root"
	if root.MFA == org.No && !(root.Password == org.No && root.AccessKeys == org.No) {
		r.add("root-no-mfa", "root", "the root user has no MFA device").ARN = rootARN
	}
	if root.MFA == org.Yes && root.HardwareMFA == org.No {
		r.add("root-no-hardware-mfa", "root", "a virtual MFA device can sign in as the root user").ARN = rootARN
	}
	if root.AccessKeys == org.Yes {
		r.add("root-access-key", "root", "the root user has an access key").ARN = rootARN
	}
}

func (r *report) orphans() {
	for _, d := range r.account.Unassigned {
		_, name, _ := strings.Cut(d.Serial, "/") // with its path: names are unique only per path
		f := r.add("orphan-device", "device/"+name, "the virtual MFA device %s is not assigned to a user", name)
		f.ARN = d.Serial
	}
}
