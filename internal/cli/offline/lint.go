package offline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/bounded"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
	"forcemfa/policy"
	"forcemfa/policy/extract"
	"forcemfa/policy/lint"
)

// NewLint returns the verb lint. live reads an organization as a snapshot, and
// reports whether all of it could be read.
func NewLint(e *command.Env, live func(context.Context) (snapshot string, complete bool, err error)) *cobra.Command {
	o := lintOptions{env: e, readLive: live}
	c := &cobra.Command{
		Use:   "lint FILE|DIR|-… | --live",
		Short: "Find policies that appear to require MFA but don't",
		Long: `lint reads policy documents and reports the statements that let requests without MFA
pass, lock out users without a device, or never apply. Each finding has a code (see
docs/lint.md), an example request, and the corrected statements.

A file is a policy document, or holds some: output of the AWS CLI, terraform show -json,
a CloudFormation, CDK or Serverless template in JSON or YAML, a snapshot, JSON Lines, a
page with code blocks. A folder is read recursively: *.json, sorted by name. - is stdin.
Principals and resources decide whether a document is an identity, trust or resource
policy; a service control policy looks like an identity policy and needs --kind scp. So
does an own policy of a role: --kind role reports conditions on MFA, because sessions of
a role usually carry none.

--fix corrects the documents: it prints a diff, and with --write changes the files.
Corrections that are choices (severity info) are not applied.

--against OLD also proves that the new document refuses every request without MFA that
the old one refuses, or shows one that it does not (W-1). Policies with principals and
own policies of roles cannot be compared (W-2).

--live reads the organization as audit does, with the same flags, and lints all of its
policies.

A document that cannot be read gives exit status 1, a file in a folder that is not a
policy gives 4. Neither is ever reported as clean.
` + command.StatusHelp,
		Example: `  forcemfa lint policy.json
  forcemfa lint --kind scp --fail-on high policies/scp
  aws iam get-policy-version … --query PolicyVersion.Document | forcemfa lint -
  forcemfa lint --against released.json policy.json
  forcemfa lint --fix policy.json
  forcemfa lint --fix --write policies
  forcemfa lint --live --profile management
  forcemfa lint -o sarif policies >lint.sarif`,
		Args: func(c *cobra.Command, args []string) error {
			if o.live && len(args) > 0 {
				return command.Misused(c, fmt.Errorf("--live reads the organization and takes no file: %s", args[0]))
			}
			if o.live {
				return nil
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error { return runLint(c.Context(), &o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.kind, "kind", "auto", "kind of the documents: auto, identity, role, boundary, session, scp, rcp, resource or trust")
	f.StringVar(&o.against, "against", "", "compare with the document in this `file`, which the new one replaces")
	f.BoolVar(&o.fix, "fix", false, "show each document with all corrections that agree, as a diff")
	f.BoolVar(&o.write, "write", false, "with --fix: write the corrected documents to their files")
	f.StringVarP(&o.output, "output", "o", "text", "text, json or sarif")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print one line per finding")
	f.BoolVar(&o.noColor, "no-color", false, "no colors on a terminal")
	f.BoolVar(&o.live, "live", false, "lint the policies of the organization: managed, inline, trust and service control policies")
	o.failOn.AddFlags(c)
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(lintOutputs, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kindWords, cobra.ShellCompDirectiveNoFileComp))
	return c
}

type lintOptions struct {
	env     *command.Env
	kind    string
	against string
	output  string
	quiet   bool
	noColor bool
	fix     bool
	write   bool
	live    bool
	failOn  command.FailOn

	readLive func(context.Context) (snapshot string, complete bool, err error)
}

var (
	lintOutputs = []string{"text", "json", "sarif"}
	kindWords   = []string{"auto", "identity", "role", "boundary", "session", "scp", "rcp", "resource", "trust"}
	kinds       = map[string]policy.Kind{
		"auto": 0, "identity": policy.Identity, "role": policy.Identity, "boundary": policy.Boundary, "session": policy.Session,
		"scp": policy.SCP, "rcp": policy.RCP, "resource": policy.Resource, "trust": policy.Trust,
	}
)

func (o *lintOptions) check() error {
	if err := command.OneOf("kind", o.kind, kindWords...); err != nil {
		return err
	}
	if err := command.OneOf("output", o.output, lintOutputs...); err != nil {
		return err
	}
	switch {
	case o.write && !o.fix:
		return errors.New("--write needs --fix")
	case o.live && (o.fix || o.against != ""):
		return errors.New("--live goes without --fix and --against: to correct a policy, lint it as a file")
	case o.fix && (o.against != "" || o.output == "sarif"):
		return errors.New("--fix goes without --against, and with text or json as output")
	}
	return o.failOn.Check()
}

func runLint(ctx context.Context, o *lintOptions, names []string) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.live {
		return runLintLive(ctx, o)
	}
	var files []lintFile
	for _, name := range names {
		found, err := o.find(name)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	if o.fix {
		return runLintFix(o, files)
	}
	old, err := o.readOld(files)
	if err != nil {
		return err
	}
	var l view.Lint
	worst, complete := audit.Severity(""), true
	for _, f := range files {
		found, all := o.lint(&l, f, old)
		if found.Rank() < worst.Rank() {
			worst = found
		}
		complete = complete && all
	}
	return o.finish(&l, worst, complete)
}

// runLintLive lints the policies of an organization.
func runLintLive(ctx context.Context, o *lintOptions) error {
	text, complete, err := o.readLive(ctx)
	if err != nil {
		return err
	}
	var l view.Lint
	worst, checked := o.lintText(&l, lintFile{name: "live"}, text, "")
	return o.finish(&l, worst, complete && checked)
}

// finish prints the findings and ends the run.
func (o *lintOptions) finish(l *view.Lint, worst audit.Severity, complete bool) error {
	if err := o.print(l); err != nil {
		return err
	}
	return command.Exit(command.Worst(o.failOn.Status(worst), command.If(len(l.Unreadable) > 0, command.StatusFailed), command.If((!complete || len(l.Skipped) > 0) && !o.failOn.ExitZero, command.StatusIncomplete)))
}

// readOld is the document to compare with, empty when there is none.
func (o *lintOptions) readOld(files []lintFile) (string, error) {
	if o.against == "" {
		return "", nil
	}
	if len(files) != 1 {
		return "", command.WithHint(fmt.Errorf("--against %s: %d documents to compare with it", o.against, len(files)), "give one document, the new one")
	}
	text, err := o.read(o.against)
	if err != nil {
		return "", command.WithHint(fmt.Errorf("read old document %s: %w", o.against, err), "name the document that is in force, or - for stdin")
	}
	documents, err := lintDocuments(text)
	switch {
	case err != nil:
	case len(documents) > 1:
		return "", command.WithHint(fmt.Errorf("read old document %s: the file holds %d documents", o.against, len(documents)), "save the document that is in force alone")
	case documents[0].Unread != "":
		err = errors.New(documents[0].Unread)
	default:
		text = documents[0].Text
		_, err = lint.Check(cmp.Or(kinds[o.kind], documents[0].Kind), text)
	}
	if err != nil {
		return "", fmt.Errorf("read old document %s: %w", o.against, err)
	}
	return text, nil
}

// A lintFile is a file to lint. Those that were found in a folder may be
// something else than policies.
type lintFile struct {
	name  string
	found bool
}

// find gives the files that an argument stands for, sorted.
func (o *lintOptions) find(name string) ([]lintFile, error) {
	if name == "-" {
		return []lintFile{{name: name}}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, command.WithHint(command.FileError("read policy", err), "name a file or folder that is there, or - for stdin")
	}
	if !info.IsDir() {
		return []lintFile{{name: name}}, nil
	}
	var files []lintFile
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && strings.EqualFold(filepath.Ext(path), ".json") {
			files = append(files, lintFile{path, true})
		}
		return nil
	})
	if err != nil {
		return nil, command.FileError("read folder", err)
	}
	if len(files) == 0 {
		return nil, command.WithHint(fmt.Errorf("read folder %s: no *.json in it", name), "name a folder with policy documents")
	}
	slices.SortFunc(files, func(a, b lintFile) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// mostBytes bounds a file, so that a wrong one does not fill the memory. The
// authorization details of a large account have tens of megabytes.
const mostBytes = 256 << 20

// lint adds the findings of one file. It returns the worst severity, empty without
// findings, and whether all documents were checked.
func (o *lintOptions) lint(l *view.Lint, f lintFile, old string) (worst audit.Severity, complete bool) {
	text, err := o.read(f.name)
	if err != nil {
		l.Unreadable = append(l.Unreadable, view.LintProblem{File: f.label(), Why: err.Error()})
		return worst, true
	}
	return o.lintText(l, f, text, old)
}

// label is the name of a file in findings.
func (f *lintFile) label() string {
	if f.name == "-" {
		return "stdin"
	}
	return f.name
}

// lintText adds the findings of the text of a file.
func (o *lintOptions) lintText(l *view.Lint, f lintFile, text, old string) (worst audit.Severity, complete bool) {
	complete = true
	name := f.label()
	documents, err := lintDocuments(text)
	var notPolicy *lint.NotPolicyError
	switch {
	case errors.As(err, &notPolicy) && f.found:
		l.Skipped = append(l.Skipped, view.LintProblem{File: name, Why: err.Error()})
	case err != nil:
		l.Unreadable = append(l.Unreadable, lintProblem(name, err))
	}
	if old != "" && len(documents) > 1 {
		l.Unreadable = append(l.Unreadable, view.LintProblem{File: name, Why: fmt.Sprintf("the file holds %d documents, and --against compares one; save the new document alone", len(documents))})
		documents = nil
	}
	for i := range documents {
		d := &documents[i]
		if d.Unread != "" {
			l.Skipped = append(l.Skipped, view.LintProblem{File: name, Line: d.Line, Why: strings.TrimPrefix(d.Label+": "+d.Unread, ": ")})
			continue
		}
		report, err := o.checkAgainst(d, old)
		if err != nil {
			problem := lintProblem(name, err)
			if d.Line > 0 {
				problem.Line, problem.Column, problem.Why = d.Line, 0, strings.TrimPrefix(d.Label+": "+problem.Why, ": ")
			}
			l.Unreadable = append(l.Unreadable, problem)
			continue
		}
		place(report.Findings, d)
		document := view.LintDocument{File: name, Document: d.Label, Equal: d.Equal, Kind: report.Kind.String(), Findings: report.Findings}
		if o.ofRole(d) {
			document.Kind = "role"
		}
		if d.Line == 0 && f.name != "-" {
			document.Text, document.PolicyKind = d.Text, report.Kind
		}
		l.Add(document)
		if found := audit.Severity(report.Worst()); found.Rank() < worst.Rank() {
			worst = found
		}
		complete = complete && report.Complete()
	}
	return worst, complete
}

// lintDocuments returns the policy documents of a file: the file itself, or those
// in the output of a tool. The error is one of [lint.Guess] where that says more.
func lintDocuments(text string) ([]extract.Document, error) {
	kind, guessed := lint.Guess(text)
	if guessed == nil && kind != 0 && json.Valid([]byte(text)) {
		return []extract.Document{{Text: text}}, nil
	}
	found, err := extract.Documents([]byte(text))
	var none *extract.NotFoundError
	switch {
	case err == nil:
		return found, nil
	case guessed == nil:
		return []extract.Document{{Text: text}}, nil // broken: Check says where
	case errors.As(err, &none) && none.Recognized:
		return nil, &lint.NotPolicyError{Why: none.Why}
	}
	var notPolicy *lint.NotPolicyError
	if errors.As(guessed, &notPolicy) && none == nil {
		return nil, &lint.NotPolicyError{Why: err.Error()} // says where
	}
	return nil, guessed
}

// place gives findings their lines in the file.
func place(findings []lint.Finding, d *extract.Document) {
	if d.Line == 0 {
		return // the document is the file
	}
	for i := range findings {
		f := &findings[i]
		if f.Line, f.Column = d.Line, 1; f.Statement >= 0 && f.Statement < len(d.Statements) {
			f.Line = d.Statements[f.Statement]
		}
	}
}

// checkAgainst lints a document and, where there is an old one, compares them.
func (o *lintOptions) checkAgainst(d *extract.Document, old string) (*lint.Report, error) {
	kind := kinds[o.kind]
	if kind == 0 {
		kind = d.Kind
	}
	if o.ofRole(d) {
		report, err := lint.CheckRole(d.Text)
		if err == nil && old != "" {
			report.Findings = append([]lint.Finding{*lint.Uncompared("an own policy of a role: its requests are those of sessions")}, report.Findings...)
		}
		return report, err
	}
	report, err := lint.Check(kind, d.Text)
	if err != nil || old == "" {
		return report, err
	}
	if _, err := lint.Check(report.Kind, old); err != nil {
		return nil, fmt.Errorf("the old document is no %s: %v", report.Kind, err) // its line is not one of this file
	}
	weaker, err := lint.Compare(report.Kind, old, d.Text)
	if err != nil {
		return nil, err
	}
	if weaker != nil {
		report.Findings = append([]lint.Finding{*weaker}, report.Findings...)
	}
	return report, nil
}

// ofRole reports whether a document is checked as an own policy of a role.
func (o *lintOptions) ofRole(d *extract.Document) bool {
	return o.kind == "role" || o.kind == "auto" && d.Role
}

func (o *lintOptions) read(name string) (string, error) {
	var in io.Reader = o.env.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", command.FileReason(err)
		}
		defer file.Close()
		in = file
	}
	text, err := bounded.ReadAll(in, mostBytes)
	switch {
	case errors.Is(err, bounded.ErrTooLarge):
		return "", fmt.Errorf("larger than %d MiB", mostBytes>>20)
	case err != nil:
		return "", command.FileReason(err)
	}
	return strings.TrimPrefix(string(text), "\ufeff"), nil
}

// print writes the findings to stdout, and what was not linted to stderr.
func (o *lintOptions) print(l *view.Lint) error {
	for i := range l.Unreadable {
		fmt.Fprintf(o.env.Stderr, "forcemfa: %s\n", l.Unreadable[i].String())
	}
	for i := range l.Skipped {
		fmt.Fprintf(o.env.Stderr, "not linted: %s\n", l.Skipped[i].String())
	}
	switch o.output {
	case "json":
		return l.JSON(o.env.Stdout)
	case "sarif":
		return l.SARIF(o.env.Stdout, Build().Version)
	}
	l.Text((&command.Output{Env: o.env}).Stdout(), o.style(), o.quiet)
	return nil
}

func (o *lintOptions) style() view.Style {
	return (&command.Output{Env: o.env, NoColor: o.noColor}).Style()
}
