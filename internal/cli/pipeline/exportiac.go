// Package pipeline holds the verb for people who change AWS only by a pipeline of
// Terraform or CloudFormation: export-iac.
package pipeline

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/iac"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

// NewExportIAC returns the verb export-iac.
func NewExportIAC(e *command.Env) *cobra.Command {
	o := exportOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "export-iac",
		Short: "Write the wanted state as Terraform or CloudFormation",
		Long: `export-iac reads every account, plans as plan does, and writes the state after the plan
as Terraform or CloudFormation: the policy, the group and its members, attachments,
service control policies, and role trust policies. It changes nothing in AWS. Once a
pipeline has applied the files, plan has no changes.

--out names a folder that gets one folder per account, and one named organization for
the service control policies. Without --out, the file of the only account is printed.
Terraform imports what exists already. For CloudFormation, import.json lists it in the
form of aws cloudformation create-change-set --resources-to-import.

Terraform manages nothing of a role except its trust policy. A stack cannot do that, so
the trust policies for CloudFormation are JSON files for the code that manages the role;
--trust documents writes them for Terraform too.

Steps that plan blocks are left out, and so are tags of users, because only code that
manages a user can set them. Both are listed, and the exit status is 4.
` + command.StatusHelp,
		Example: `  forcemfa export-iac --format terraform --out mfa
  forcemfa export-iac --format cloudformation --accounts 111122223333 > mfa.json
  forcemfa export-iac --sandbox --out mfa -o json | jq .held`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runExport(c.Context(), &o) },
	}
	o.Add(c)
	f := c.Flags()
	f.StringVar(&o.form, "format", "terraform", "terraform or cloudformation")
	f.StringVar(&o.out, "out", "", "write into this `folder`, one folder per account")
	f.StringVar(&o.trust, "trust", "", "for Terraform: roles (import the roles) or documents (write JSON files) (default roles)")
	f.StringSliceVar(&o.ack, "ack", nil, "override a guard for one user: `GUARD:USER` or GUARD:ACCOUNT/USER")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("trust", cobra.FixedCompletions(trusts, cobra.ShellCompDirectiveNoFileComp))
	return c
}

var (
	forms  = []string{terraform, cloudformation}
	trusts = []string{asRoles, asDocuments}
)

const (
	terraform      = "terraform"
	cloudformation = "cloudformation"
	asRoles        = "roles"
	asDocuments    = "documents"
)

type exportOptions struct {
	organization.Flags
	form, out, trust string
	ack              []string
}

func (o *exportOptions) check() error {
	if err := command.OneOf("format", o.form, forms...); err != nil {
		return err
	}
	if o.trust == "" {
		o.trust = map[string]string{terraform: asRoles, cloudformation: asDocuments}[o.form]
	}
	if err := command.OneOf("trust", o.trust, trusts...); err != nil {
		return err
	}
	if o.form == cloudformation && o.trust == asRoles {
		return command.WithHint(fmt.Errorf("--trust roles with --format cloudformation: a stack cannot change the trust policy of a role alone"), "use --trust documents, or --format terraform")
	}
	return nil
}

// An exportedUnit is a unit with its files, as export-iac prints it with -o json.
type exportedUnit struct {
	*iac.Unit
	Files []exportedFile `json:"files"`
}

// An exportedFile is a file of a unit. Text is printed unless the file is written.
type exportedFile struct {
	Name string `json:"name"` // below the folder of --out
	Text string `json:"text,omitempty"`
}

func runExport(ctx context.Context, o *exportOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	acks, err := command.Acknowledgements(o.ack)
	if err != nil {
		return err
	}
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	w := iac.New(s.Header, s.Target.Baseline, s.Now)
	s.Survey.Options.Account = w.Add
	p, err := s.Plan(ctx, survey.PlanOptions{Acknowledge: acks})
	if err != nil {
		return err
	}
	o.ProgressLine().Done()
	units := o.exported(w.Apply(p, !s.Filtered() && len(s.Header.Gaps) == 0))
	if err := o.deliver(s, w, units); err != nil {
		return err
	}
	o.remarks(w, p)
	s.PrintUnread(o.Stderr())
	return s.Exit(command.If(len(w.Held) > 0, command.StatusIncomplete))
}

// exported are the files of each unit.
func (o *exportOptions) exported(units []*iac.Unit) []exportedUnit {
	all := []exportedUnit{}
	for _, u := range units {
		e := exportedUnit{Unit: u}
		add := func(name string, text []byte) {
			e.Files = append(e.Files, exportedFile{filepath.Join(u.ID, name), string(text)})
		}
		if o.trust == asDocuments {
			documents := iac.TrustDocuments(u)
			for _, name := range sorted(documents) {
				add(filepath.Join("trust", name+".json"), documents[name])
			}
			u.Resources = slices.DeleteFunc(u.Resources, func(r iac.Resource) bool { return r.Kind == iac.Trust })
		}
		if o.form == terraform {
			add("forcemfa.tf", iac.Terraform(u))
		} else {
			add("forcemfa.json", iac.CloudFormation(u))
			if text := iac.Importable(u); text != nil {
				add("import.json", text)
			}
		}
		all = append(all, e)
	}
	return all
}

func sorted(documents map[string][]byte) []string {
	var names []string
	for name := range documents {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// deliver writes or prints the files.
func (o *exportOptions) deliver(s *organization.Survey, w *iac.Wanted, units []exportedUnit) error {
	if o.out != "" {
		if err := o.write(units); err != nil {
			return err
		}
	}
	if o.JSON() {
		return view.JSON(o.Stdout(), struct {
			Format string         `json:"format"`
			Units  []exportedUnit `json:"units"`
			Held   []iac.Held     `json:"held"`
			Remove []iac.Resource `json:"remove"` // resources that exist and that the plan removes
			organization.Facts
		}{o.form, units, append([]iac.Held{}, w.Held...), append([]iac.Resource{}, w.Removed...), s.Facts(len(w.Held))})
	}
	if o.out != "" {
		return o.list(units)
	}
	if len(units) == 0 && s.NothingRead() {
		return nil
	}
	if len(units) != 1 {
		return command.WithHint(fmt.Errorf("%s are exported, each to files of its own", prose.Number(len(units))+" accounts and organizations"), "name a folder with --out, or one account with --accounts")
	}
	files := units[0].Files
	for _, f := range files {
		if slices.Contains([]string{"forcemfa.tf", "forcemfa.json"}, filepath.Base(f.Name)) && filepath.Dir(f.Name) == units[0].ID {
			return o.PrintData(func(out io.Writer) error { _, err := io.WriteString(out, f.Text); return err })
		}
	}
	return nil
}

// write writes the files of every unit.
func (o *exportOptions) write(units []exportedUnit) error {
	for i := range units {
		for j := range units[i].Files {
			f := &units[i].Files[j]
			name := filepath.Join(o.out, f.Name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				return command.WithHint(command.FileError("create", err), "name a folder with --out that you may write to")
			}
			if err := command.WriteFile(name, []byte(f.Text), 0o644); err != nil {
				return err
			}
			f.Text = ""
		}
	}
	return nil
}

// list prints the files that were written.
func (o *exportOptions) list(units []exportedUnit) error {
	return o.PrintData(func(out io.Writer) error {
		for _, u := range units {
			for _, f := range u.Files {
				if _, err := fmt.Fprintln(out, filepath.Join(o.out, f.Name)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// remarks prints the steps that were left out, and what the plan removes.
func (o *exportOptions) remarks(w *iac.Wanted, p *plan.Plan) {
	const most = 10
	if n := len(w.Held); n > 0 {
		o.Remark("%s of %s are left out:", view.Count(n, "step"), prose.Number(len(p.Steps)))
	}
	for i, h := range w.Held {
		if i == most {
			o.Remark("  … and %s more: -o json lists them", prose.Number(len(w.Held)-most))
			break
		}
		o.Remark("  %s: %s", h.Step, h.Why)
	}
	if n := len(w.Removed); n > 0 {
		o.Remark("%s to remove: a pipeline removes those that it created, forcemfa apply the others", view.Count(n, "resource"))
	}
}
