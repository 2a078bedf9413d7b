// Package deploy puts the function into every account and keeps it there: the
// CloudFormation templates, the reproducible package, stacks and StackSets.
//
// [Render] prints a template, [Pack] makes the package. A [Deployment] is one
// organization, or one account, as it is deployed: [Deployment.Plan] says what would
// change and changes nothing, [Deployment.Apply] does it, [Deployment.Remove] takes it away.
package deploy

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"forcemfa/internal/baseline"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

//go:embed templates/*.yaml events.json
var files embed.FS

// The templates. None has a transform or a nested stack, which StackSets with
// the permissions of Organizations refuse.
// Source: CloudFormation User Guide, "Considerations for working with
// service-managed permissions".
const (
	Member    = "member"     // policy, group and function of one account
	Notifier  = "notifier"   // event bus and the function that tells people
	Forwarder = "forwarder"  // sends the sign-ins of one Region home
	Bucket    = "bucket"     // holds the package, takes the journals
	AuditRole = "audit-role" // to audit an account that was invited
	ApplyRole = "apply-role" // to enforce in one
)

// Names are the templates in the order of the help.
var Names = []string{Member, Notifier, Forwarder, Bucket, AuditRole, ApplyRole}

// inlineLimit is how long a template may be that is sent with the call, in
// bytes; a longer one goes by way of S3.
// Source: CloudFormation API Reference, CreateStack, TemplateBody.
const inlineLimit = 51200

// The names that templates, bus policy and guards rely on.
const (
	FunctionName = "forcemfa"
	FunctionRole = "ForceMFAFunction" // under baseline.Path
	NotifierRole = "ForceMFANotifier"
	BusName      = "forcemfa"
)

// Render prints a template as YAML with the documents that a baseline gives in
// a partition. An error is a name that is no template, or a policy that IAM
// would not take.
func Render(name string, b *baseline.Baseline, partition string) ([]byte, error) {
	if !slices.Contains(Names, name) {
		return nil, fmt.Errorf("template %q: want one of %s", name, strings.Join(Names, ", "))
	}
	document := b.Document(partition)
	if n := policy.Size(document); n > managedPolicySize {
		return nil, fmt.Errorf("the policy %s has %d characters, and IAM takes %d: set self_service to enroll or none", baseline.PolicyName, n, managedPolicySize)
	}
	text := strings.NewReplacer(
		"{{document}}", document,
		"{{pattern}}", pattern(),
		"{{home-regions}}", homeRegions(),
		"{{policy}}", baseline.PolicyName,
		"{{group}}", baseline.GroupName,
		"{{path}}", baseline.Path,
		"{{window}}", b.Window.Tag,
	).Replace(embedded("templates/" + name + ".yaml"))
	return []byte(text), nil
}

// managedPolicySize is how many characters without white space a managed policy
// may have. Source: IAM User Guide, "IAM and STS quotas".
const managedPolicySize = 6144

// pattern is the event pattern of the member's rule, without white space.
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

func embedded(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic("deploy: " + err.Error())
	}
	return string(text)
}

// AsJSON prints a template that is YAML as indented JSON.
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

// parse reads a template, YAML or JSON, into maps, lists and scalars.
func parse(template []byte) (map[string]any, error) {
	var value map[string]any
	if err := yaml.Unmarshal(template, &value); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	return value, nil
}
