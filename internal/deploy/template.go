// Package deploy deploys the Lambda functions to every account: CloudFormation
// templates, the reproducible package, stacks and StackSets.
//
// [Render] prints a template, [Pack] creates the package. A [Deployment] is the
// deployment to one organization or one account: [Deployment.Plan] shows the
// changes, [Deployment.Apply] makes them, [Deployment.Remove] deletes the
// deployment.
//
// Templates, plans, outcomes and the names of deployed resources are exported
// because the verbs of deploy, the Lambda and their tests share them.
package deploy

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

//go:embed templates/*.yaml events.json
var files embed.FS

// The templates. None has a transform or a nested stack: StackSets with
// service-managed permissions do not support them.
// Source: CloudFormation User Guide, "Considerations for working with
// service-managed permissions".
const (
	Member    = "member"     // policy, group and function of one account
	Notifier  = "notifier"   // event bus and the functions that send notifications
	Forwarder = "forwarder"  // sends the sign-ins of one Region to the home Region
	Bucket    = "bucket"     // with the package and the journals
	AuditRole = "audit-role" // to audit an invited account
	ApplyRole = "apply-role" // to enforce MFA in an invited account

	Central       = "central"        // the function of the security account that enters every account
	CentralMap    = "central-map"    // the same with a state machine, whose workers divide the accounts
	CentralMember = "central-member" // policy, group and the role for the central function in one account
)

// Names lists the templates in the order of the help.
var Names = []string{Member, Notifier, Forwarder, Bucket, AuditRole, ApplyRole, Central, CentralMap, CentralMember}

// inlineLimit is the maximum size in bytes of a template in a request; a larger
// one must be in S3.
// Source: CloudFormation API Reference, CreateStack, TemplateBody.
const inlineLimit = 51200

// Names that templates, bus policy and guards share.
const (
	FunctionName = "forcemfa"
	FunctionRole = document.FunctionRole // under baseline.Path
	NotifierRole = "ForceMFANotifier"
	CentralRole  = "ForceMFACentral" // under baseline.Path
	BusName      = "forcemfa"
)

// Render returns a template as YAML with the documents of a baseline for a
// partition. It returns an error for an unknown template, and for a policy that
// IAM would reject.
func Render(name string, b *baseline.Baseline, partition string) ([]byte, error) {
	if !slices.Contains(Names, name) {
		return nil, fmt.Errorf("template %q: want one of %s", name, strings.Join(Names, ", "))
	}
	wanted := b.Document(partition)
	if n := policy.Size(wanted); n > managedPolicySize {
		return nil, fmt.Errorf("the policy %s has %d characters, and IAM accepts %d: set self_service to enroll or none", baseline.PolicyName, n, managedPolicySize)
	}
	text := embedded("templates/" + name + ".yaml")
	switch name {
	case CentralMember:
		text = ofMember().Replace(text)
	case CentralMap: // takes the place of the schedule in the template with one function
		_, resources, _ := strings.Cut(text, "\nResources:\n")
		text = strings.Replace(embedded("templates/"+Central+".yaml"), lines(Central, "  ScheduleRule:\n", "\n  # Keeps notifications")+"\n", resources, 1)
	}
	text = strings.NewReplacer(
		"{{document}}", wanted,
		"{{pattern}}", pattern(),
		"{{home-regions}}", homeRegions(),
		"{{policy}}", baseline.PolicyName,
		"{{policies}}", policies(b),
		"{{channel-names}}", eachChannel("          - PARAMETER"),
		"{{channel-parameters}}", channelParameters(name),
		"{{channel-conditions}}", channelConditions(name),
		"{{channel-secrets}}", channelSecrets(),
		"{{channel-statements}}", channelStatements(),
		"{{channel-environment}}", eachChannel(`          VARIABLE: {"Fn::If": [HasPARAMETER, {Ref: PARAMETER}, ""]}`),
		"{{group}}", baseline.GroupName,
		"{{path}}", baseline.Path,
		"{{window}}", b.Window.Tag,
		"{{mark}}", baseline.DeviceByKeyTag,
		"{{partition}}", partition,
		"{{role}}", strings.TrimPrefix(baseline.Path, "/")+FunctionRole,
	).Replace(text)
	return []byte(text), nil
}

// ofMember fills the parts of the template of an account without a function that are those
// of the member's template.
var ofMember = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer(
		"{{policy-and-group}}", lines(Member, "  # The policy and the group stay", "\n  Role:\n"),
		"{{account-statements}}", lines(Member, "              - Sid: ReadAccount\n", "              - Sid: Log\n"),
		"{{journal-statement}}", lines(Member, "              - Fn::If:\n                  - HasJournal\n", "              - Fn::If:\n                  - HasBus\n                  - Sid: Notify\n"),
	)
})

// lines returns the lines of a template from one text to another one.
func lines(name, from, to string) string {
	_, after, found := strings.Cut(embedded("templates/"+name+".yaml"), from)
	text, _, ended := strings.Cut(after, to)
	if !found || !ended {
		panic("deploy: the template " + name + " has no part from " + from)
	}
	return from + strings.TrimSuffix(text, "\n")
}

// managedPolicySize is the maximum size of a managed policy in characters,
// without white space.
// Source: IAM User Guide, "IAM and STS quotas".
const managedPolicySize = 6144

// pattern returns the event pattern of the member's rule, without white space.
func pattern() string {
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(embedded("events.json"))); err != nil {
		panic("deploy: events.json: " + err.Error())
	}
	return out.String()
}

// homeRegions returns the mapping of partitions to home Regions for the Mappings
// section of a template.
func homeRegions() string {
	var lines []string
	for _, id := range arn.PartitionIDs() {
		lines = append(lines, "    "+id+": {Region: "+arn.HomeRegion(id)+"}")
	}
	return strings.Join(lines, "\n")
}

// policies returns the ARNs that the ForceMFA policy of an account can have: one value,
// or a list if the config adopts policies.
func policies(b *baseline.Baseline) string {
	const account = "${AWS::AccountId}"
	var all []string
	for _, policyARN := range b.PolicyARNs("${AWS::Partition}", account) {
		all = append(all, `{"Fn::Sub": "`+policyARN+`"}`)
	}
	if len(all) == 1 {
		return all[0]
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func embedded(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic("deploy: " + err.Error())
	}
	return string(text)
}

// AsJSON converts a YAML template to indented JSON.
func AsJSON(template []byte) ([]byte, error) {
	value, err := parse(template)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return nil, fmt.Errorf("print template as JSON: %w", err)
	}
	return out.Bytes(), nil
}

// parse parses a YAML or JSON template into maps, lists and scalars.
func parse(template []byte) (map[string]any, error) {
	var value map[string]any
	if err := yaml.Unmarshal(template, &value); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	return value, nil
}
