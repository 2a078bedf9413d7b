package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/prose"
	"forcemfa/internal/view"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// NewPolicy returns the verb policy.
func NewPolicy(e *command.Env) *cobra.Command {
	o := policyOptions{Output: command.Output{Env: e}}
	c := &cobra.Command{
		Use:   "policy",
		Short: "Print a policy document that forcemfa wants in AWS",
		Long: `policy prints the ForceMFA policy of the config file, or with --kind one of its other
documents, alone and with white space for a review. Its size and the quota of AWS
are printed on stderr. It reads nothing from AWS.

Kinds: policy (the managed policy), inline (the Denies alone, for a user without room
for the whole policy), scp (the service control policy that enforces MFA), guard (the
service control policy that protects what forcemfa manages).
` + command.StatusHelp,
		Example: `  forcemfa policy
  forcemfa policy --kind scp --config forcemfa.yaml
  forcemfa policy --partition aws-us-gov -o json | jq .size`,
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.Format) },
		RunE:    func(*cobra.Command, []string) error { return runPolicy(&o) },
	}
	c.Flags().StringVar(&o.config, "config", "", "config `file` (default forcemfa.yaml)")
	c.Flags().StringVar(&o.kind, "kind", "policy", "policy, inline, scp or guard")
	c.Flags().StringVar(&o.partition, "partition", "aws", "partition of the accounts")
	o.AddFlags(c)
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(policyKinds, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("partition", cobra.FixedCompletions(arn.PartitionIDs(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

type policyOptions struct {
	command.Output
	config    string
	kind      string
	partition string
}

var policyKinds = []string{"policy", "inline", "scp", "guard"}

// A printedPolicy is what policy prints with -o json.
type printedPolicy struct {
	Document json.RawMessage `json:"document"`
	Size     int             `json:"size"`  // characters without white space, as AWS counts
	Quota    int             `json:"quota"` // of AWS
}

func runPolicy(o *policyOptions) error {
	if err := errors.Join(command.OneOf("kind", o.kind, policyKinds...), command.OneOf("partition", o.partition, arn.PartitionIDs()...)); err != nil {
		return err
	}
	b, err := o.Env.Baseline(command.ConfigFile(o.config), func() (*baseline.Baseline, error) { return baseline.Default(), nil })
	if err != nil {
		return err
	}
	text, quota, err := documentOf(b, o.kind, o.partition, o.Env.Now())
	if err != nil {
		return command.WithHint(err, "change the exemptions of the config file, or use another kind")
	}
	printed := printedPolicy{Document: json.RawMessage(text), Size: policy.Size(text), Quota: quota}
	if o.JSON() {
		return view.JSON(o.Stdout(), printed)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return fmt.Errorf("print the policy: %w", err)
	}
	out.WriteString("\n")
	o.Remark("%s of %s characters", prose.Number(printed.Size), prose.Number(quota))
	return o.PrintData(func(w io.Writer) error {
		_, err := w.Write(out.Bytes())
		return err
	})
}

// documentOf returns a document with the quota of its size.
// Source: IAM User Guide, "IAM and AWS STS quotas"; Organizations User Guide, "Quotas".
func documentOf(b *baseline.Baseline, kind, partition string, now time.Time) (text string, quota int, err error) {
	switch kind {
	case "inline":
		return b.DenyDocument(partition), 2048, nil
	case "scp":
		text, err = b.EnforceSCP(partition, now)
		return text, document.MaxSCPSize, err
	case "guard":
		text, err = b.GuardSCP(partition)
		return text, document.MaxSCPSize, err
	}
	return b.Document(partition), 6144, nil
}
