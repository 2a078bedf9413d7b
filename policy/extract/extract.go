// Package extract finds policy documents in the files that people have.
//
// [Documents] takes the output of the AWS CLI and of Terraform, CloudFormation
// CDK and Serverless templates in JSON or YAML, snapshots, arrays, JSON Lines and the code
// blocks of Markdown, in UTF-8 or UTF-16. A document is an object with a Statement, a list
// of statements, or a string, URL-encoded or not, that holds one. Its kind follows from the member that it stands in and from
// the types beside it. Intrinsic functions of templates stand for text that is
// not known.
package extract

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"forcemfa/policy"
)

// A Document is one policy document of a file.
type Document struct {
	// Label names the document in the file: names of what holds it, and the member
	// that it stands in. Empty if the file is the document.
	Label string
	Kind  policy.Kind // 0 if the file does not say
	Role  bool        // Kind is Identity, and a role holds the document
	Text  string      // JSON; empty if Unread
	Line  int         // in the file, from 1
	// Unread says why the file has no text of the document, such as a policy that
	// Terraform knows after apply only. Empty otherwise.
	Unread string
	// Statements are the lines of the statements in the file, from 1.
	Statements []int
	// Equal is how many other documents of the file have the same kind and text.
	Equal int
}

// A NotFoundError says that a file was read and has no policy document.
type NotFoundError struct {
	Why string
	// Recognized means that Why says what the file is, and what to read instead.
	Recognized bool
}

func (e *NotFoundError) Error() string { return "no policy document: " + e.Why }

// mostDocuments bounds the documents of one file.
const mostDocuments = 100_000

// Documents returns the policy documents of a file in their order; a document that
// occurs several times, once. The error is a [NotFoundError], or says where the
// text is neither JSON nor YAML.
func Documents(text []byte) ([]Document, error) {
	decoded, err := decodeText(text)
	if err != nil {
		return nil, err
	}
	found, err := documents(decoded)
	if len(found) > 0 {
		return found, err
	}
	return fenced(decoded, err)
}

// documents returns the documents of a text in UTF-8.
func documents(s string) ([]Document, error) {
	roots, err := parse(s)
	if err != nil {
		return nil, err
	}
	f := finder{seen: map[string]int{}}
	if len(roots) == 1 {
		f.whole = roots[0]
	}
	for _, root := range roots {
		switch {
		case root.ofTerraform():
			return nil, &NotFoundError{"Terraform's language in JSON; lint the output of: terraform show -json PLAN", true}
		case root.member("service") != nil && root.member("provider") != nil:
			root.replace(serverless())
		case root.member("Resources") != nil:
			root.replace(dynamic())
		}
		f.visit(root, nil)
	}
	if len(roots) > 1 {
		f.bare(&node{kind: array, elements: roots}, nil)
	}
	switch {
	case len(f.found) > mostDocuments:
		return nil, fmt.Errorf("more than %d policy documents", mostDocuments)
	case len(f.found) == 0:
		return nil, notFound(roots)
	}
	return f.found, nil
}

// ofTerraform reports whether a file is a configuration of Terraform. Its expressions are
// evaluated by Terraform only.
// Source: Terraform, "JSON Configuration Syntax".
func (n *node) ofTerraform() bool {
	return slices.ContainsFunc([]string{"resource", "data"}, func(key string) bool {
		block := n.member(key)
		return block.object() && slices.ContainsFunc(block.members, func(m member) bool { return strings.HasPrefix(m.key, "aws_") || strings.HasPrefix(m.key, "awscc_") })
	})
}

// notFound says what a file without policy documents is.
func notFound(roots []*node) *NotFoundError {
	for _, root := range roots {
		if name := root.otherPolicy(); name != "" {
			return &NotFoundError{name + " holds no IAM policy and decides no access; lint policies of the types SERVICE_CONTROL_POLICY and RESOURCE_CONTROL_POLICY", true}
		}
		for _, at := range []*node{root, root.member("Policy")} {
			if at.member("DefaultVersionId") != nil {
				return &NotFoundError{"a managed policy without its document; lint the output of: aws iam get-policy-version", true}
			}
		}
	}
	return &NotFoundError{Why: "nothing in it has a Statement"}
}

// otherPolicy returns the name of a policy of Organizations that is no IAM policy, such
// as a tag policy; empty if a node holds none. Their texts have operators that begin with @@.
// Source: Organizations API Reference, PolicySummary; Organizations User Guide,
// "Management policy syntax and inheritance".
func (n *node) otherPolicy() string {
	if n == nil {
		return ""
	}
	for i := range n.members {
		m := &n.members[i]
		isType := strings.EqualFold(m.key, "type") || m.key == "PolicyType"
		if _, ofIAM := policyTypes[m.value.scalar]; isType && !ofIAM && (strings.HasSuffix(m.value.scalar, "_POLICY") || strings.HasPrefix(m.value.scalar, "DECLARATIVE_POLICY_")) {
			return "a policy of type " + m.value.scalar
		}
	}
	for i := range n.members {
		m := &n.members[i]
		if strings.HasPrefix(m.key, "@@") {
			return "a management policy (" + m.key + ")"
		}
		if name := m.value.otherPolicy(); name != "" {
			return name
		}
	}
	for _, e := range n.elements {
		if name := e.otherPolicy(); name != "" {
			return name
		}
	}
	return ""
}

type finder struct {
	found []Document
	seen  map[string]int // places in found, by kind and text
	whole *node          // the file, if it is one object
}

// A step is a member on the way to a node, and the object that holds it.
type step struct {
	key    string
	parent *node
}

// otherStates are members of Terraform's JSON that repeat documents: as they were,
// and as they are written.
var otherStates = []string{"prior_state", "before", "before_sensitive", "after_sensitive", "configuration", "resource_drift"}

func (f *finder) visit(n *node, path []step) {
	if len(f.found) > mostDocuments || len(path) > maxDepth {
		return
	}
	switch {
	case n.kind == choice:
		for _, e := range n.elements {
			f.visit(e, path)
		}
	case n.member("Statement") != nil && n.settled().open():
		f.alternatives(n, path)
	case n.isDocument() && n.exceptsUnknown():
		f.unread(n, path, "an intrinsic function stands for the actions that a Deny excepts")
	case n.isDocument():
		f.add(n, path)
	case n != f.whole && n.member("Statement") != nil && strings.HasPrefix(n.text("Version"), "20"):
		why := "it has no statement with an Effect"
		if n.member("Statement").made {
			why = "an intrinsic function stands for its statements"
		}
		f.unread(n, path, why)
	case n.object():
		f.members(n, path)
	case n.isStatements():
		f.add(&node{kind: object, line: n.line, members: []member{
			{key: "Version", value: &node{kind: text, line: n.line, scalar: "2012-10-17"}}, {key: "Statement", value: n},
		}}, path)
	case n.kind == array:
		for _, e := range n.elements {
			f.visit(e, path)
		}
		f.bare(n, path)
	case n.kind == text:
		f.embedded(n, path)
	}
}

// members visits the members of an object.
func (f *finder) members(n *node, path []step) {
	if n.superseded(path) {
		return
	}
	for i := range n.members {
		m := &n.members[i]
		at := append(path, step{m.key, n})
		if loop := m.value; strings.HasPrefix(m.key, forEach) && loop.kind == array && len(loop.elements) == 3 {
			id := regexp.QuoteMeta(loop.elements[0].scalar)
			loop.elements[2].replace(regexp.MustCompile(`[$&]\{` + id + `\}`))
		}
		switch {
		case m.key == "after_unknown":
			f.afterApply(m.value, path)
		case m.value.made && holdsPolicy(m.key, at):
			f.unread(m.value, at, "an intrinsic function stands for it")
		case !slices.Contains(otherStates, m.key):
			f.visit(m.value, at)
		}
	}
}

// superseded reports whether a node is a version of a managed policy that is not in force,
// in a list of all of them: of get-account-authorization-details, or in a snapshot.
func (n *node) superseded(path []step) bool {
	if len(path) == 0 {
		return false
	}
	switch at := path[len(path)-1]; at.key {
	case "PolicyVersionList":
		return n.text("IsDefaultVersion") == "false"
	case "versions":
		inForce := at.parent.text("default")
		return inForce != "" && n.text("id") != inForce
	}
	return false
}

// alternatives visits both forms of a document that depends on the deployment.
func (f *finder) alternatives(n *node, path []step) {
	first := len(f.found)
	f.visit(n.chosen(0), path)
	second := len(f.found)
	if f.visit(n.chosen(1), path); first == second || second == len(f.found) {
		return
	}
	for i := first; i < len(f.found); i++ {
		form := ", first form"
		if i >= second {
			form = ", second form"
		}
		f.found[i].Label += form
	}
}

// bare notes the elements of a list of policy documents that hold none.
func (f *finder) bare(list *node, path []step) {
	if !slices.ContainsFunc(list.elements, func(e *node) bool { return e.isDocument() }) {
		return
	}
	for _, e := range list.elements {
		if e.isDocument() || e.kind == literal || slices.ContainsFunc(path, ofSAM) {
			continue
		}
		within := finder{seen: map[string]int{}}
		if within.visit(e, path); len(within.found) == 0 {
			f.unread(e, path, "not a policy document, as others in the list are")
		}
	}
}

// policyMembers are the members of CloudFormation's and Terraform's resources that hold
// a policy, in small letters and without underscores.
var policyMembers = []string{"policydocument", "assumerolepolicydocument", "assumerolepolicy", "keypolicy", "inlinepolicy", "resourcepolicy", "bucketpolicy",
	"repositorypolicytext", "accesspolicies", "policytext"}

// holdsPolicy reports whether a member of a resource holds a policy.
func holdsPolicy(key string, path []step) bool {
	name := strings.ToLower(strings.ReplaceAll(key, "_", ""))
	ofOrganizations := slices.ContainsFunc(path, func(s step) bool {
		return s.parent.text("Type") == "AWS::Organizations::Policy" || s.parent.text("type") == "aws_organizations_policy"
	})
	return slices.Contains(policyMembers, name) || name == "content" && ofOrganizations
}

// afterApply notes the policies that Terraform does not know before apply.
// Source: Terraform, "JSON Output Format", Change Representation.
func (f *finder) afterApply(n *node, path []step) {
	for i := range n.members {
		m := &n.members[i]
		if m.value.kind == literal && m.value.scalar == "true" && (m.key == "policy" || holdsPolicy(m.key, path)) {
			f.unread(m.value, append(path, step{m.key, &node{}}), "Terraform knows it after apply only")
		}
	}
}

func (f *finder) unread(n *node, path []step, why string) {
	f.found = append(f.found, Document{Label: label(path), Line: n.line, Unread: why})
}

// mostQuoted bounds how often a document is quoted as a JSON string.
const mostQuoted = 4

// embedded looks at a string that may hold a document.
func (f *finder) embedded(n *node, path []step) {
	s, encoded := plain(n.scalar)
	ofPolicy := encoded || len(path) > 0 && holdsPolicy(path[len(path)-1].key, nil)
	if !strings.HasPrefix(s, "{") || !strings.Contains(s, "Statement") {
		if ofPolicy && s != "" {
			f.unread(n, path, "its text is no policy document")
		}
		return
	}
	inner, err := parseJSON(s)
	switch ofPolicy = ofPolicy || strings.Contains(s, "Effect"); {
	case err != nil && ofPolicy:
		f.unread(n, path, "its text is not JSON: "+err.Error())
		return
	case ofPolicy && (len(inner) != 1 || !inner[0].isDocument()):
		f.unread(n, path, "its text has no statement with an Effect")
		return
	case err != nil || len(inner) != 1 || !inner[0].isDocument():
		return
	}
	inner[0].moveTo(n.line)
	if n.filled {
		inner[0].fill()
		f.visit(inner[0], path)
		return
	}
	f.add(inner[0], path)
}

// plain returns a text without the encodings that surround it. encoded: one of them was
// that of URLs, which IAM uses for documents of policies.
func plain(text string) (s string, encoded bool) {
	s = strings.TrimSpace(text)
	encoded = strings.HasPrefix(s, "%7B") || strings.HasPrefix(s, "%7b")
	if encoded {
		if decoded, err := url.PathUnescape(s); err == nil {
			s = decoded
		}
	}
	for range mostQuoted {
		var within string
		if !strings.HasPrefix(s, `"`) || json.Unmarshal([]byte(s), &within) != nil {
			break
		}
		s = strings.TrimSpace(within)
	}
	return unescaped(s), encoded
}

// unescaped returns the document in a text that is escaped as within a JSON string, but
// not quoted, as API Gateway returns the policy of an API.
func unescaped(s string) string {
	var plain string
	if rest, found := strings.CutPrefix(s, "{"); found && strings.HasPrefix(strings.TrimSpace(rest), `\"`) && json.Unmarshal([]byte(`"`+s+`"`), &plain) == nil {
		return plain
	}
	return s
}

func (f *finder) add(n *node, path []step) {
	d := Document{Label: label(path), Kind: kindOf(path), Text: n.source, Line: n.line}
	if d.Kind == 0 && ofRole(path) {
		d.Kind, d.Role = policy.Identity, true
	}
	statement := n.member("Statement")
	if d.Text == "" {
		statement.nameActions()
		d.Text = n.json()
	}
	if statement.kind == array {
		for _, e := range statement.elements {
			d.Statements = append(d.Statements, e.line)
		}
	} else {
		d.Statements = []int{statement.line}
	}
	key := fmt.Sprint(d.Kind, d.Role, d.Text)
	if first, again := f.seen[key]; again {
		f.found[first].Equal++
		return
	}
	f.seen[key] = len(f.found)
	f.found = append(f.found, d)
}

// nameActions gives actions that only a deployment knows a name that can be read as one.
func (n *node) nameActions() {
	for _, e := range n.elements {
		e.nameActions()
	}
	for i := range n.members {
		if key := n.members[i].key; key != "Action" && key != "NotAction" {
			continue
		}
		v := n.members[i].value
		for _, a := range append([]*node{v}, v.elements...) {
			if a.made {
				a.scalar = unknownAction
			}
		}
	}
}

// isDocument reports whether a node has the shape of a policy document.
func (n *node) isDocument() bool {
	s := n.member("Statement")
	switch {
	case !n.object() || s == nil:
		return false
	case s.object():
		return s.member("Effect") != nil
	}
	return s.kind == array && slices.ContainsFunc(s.elements, func(e *node) bool { return e.object() && e.member("Effect") != nil })
}

// isStatements reports whether a node is a list of statements without the document
// around them, as in the templates of the Serverless Framework.
// Source: Serverless Framework, "IAM Permissions" and "API Gateway", Resource policy.
func (n *node) isStatements() bool {
	return n.kind == array && len(n.elements) > 0 && !slices.ContainsFunc(n.elements, func(e *node) bool {
		acts := e.member("Action") != nil || e.member("NotAction") != nil
		return !e.object() || e.member("Effect") == nil || !acts
	})
}

// policyTypes are the types of Organizations and of Terraform's resources.
// Source: Organizations API Reference, PolicySummary.
var policyTypes = map[string]policy.Kind{"SERVICE_CONTROL_POLICY": policy.SCP, "RESOURCE_CONTROL_POLICY": policy.RCP}

// kindOf tells the kind of a document from where it stands.
func kindOf(path []step) policy.Kind {
	for _, s := range slices.Backward(path) {
		switch key := strings.ToLower(strings.ReplaceAll(s.key, "_", "")); key {
		case "assumerolepolicydocument", "assumerolepolicy", "trust", "trustpolicy":
			return policy.Trust
		case "scps":
			return policy.SCP
		case "rcps":
			return policy.RCP
		case "keypolicy", "bucketpolicy", "resourcepolicy", "repositorypolicytext", "policytext", "accesspolicies":
			return policy.Resource
		}
		for _, at := range []*node{s.parent, s.parent.member("PolicySummary")} {
			for _, key := range []string{"Type", "type"} {
				if kind, ok := policyTypes[at.text(key)]; ok {
					return kind
				}
			}
		}
		if s.key == "content" && s.parent.text("type") == "" && slices.ContainsFunc(path, func(s step) bool { return s.parent.text("type") == "aws_organizations_policy" }) {
			return policy.SCP // the type that the resource has unless it names one
		}
	}
	return 0
}

// roleTypes are the types of CloudFormation and Terraform whose documents belong to
// a role; permission sets become roles.
var roleTypes = []string{"AWS::IAM::Role", "AWS::IAM::RolePolicy", "AWS::SSO::PermissionSet", "AWS::Serverless::Function", "AWS::Serverless::StateMachine",
	"aws_iam_role", "aws_iam_role_policy", "aws_ssoadmin_permission_set_inline_policy", "awscc_iam_role", "awscc_iam_role_policy", "awscc_sso_permission_set"}

// ofSAM reports whether a step leads into a resource of the Serverless Application Model,
// which lists documents beside names of managed policies and policy templates.
// Source: AWS SAM Developer Guide, AWS::Serverless::Function, Policies.
func ofSAM(s step) bool { return strings.HasPrefix(s.parent.text("Type"), "AWS::Serverless::") }

// ofRole reports whether a document is an own policy of a role, by where it stands.
// Sources: AWS CLI Command Reference, iam get-role-policy,
// get-account-authorization-details and sso-admin get-inline-policy-for-permission-set.
func ofRole(path []step) bool {
	for i, s := range slices.Backward(path) {
		switch {
		case s.key == "iamRoleStatements" || s.key == "statements" && i > 0 && path[i-1].key == "role":
			return true
		case s.key == "RolePolicyList", s.key == "roles" && i < len(path)-1:
			return true
		case s.key == "InlinePolicy" && i == 0, s.key == "PolicyDocument" && s.parent.text("RoleName") != "":
			return true
		case slices.Contains(roleTypes, s.parent.text("Type")), slices.Contains(roleTypes, s.parent.text("type")):
			return true
		}
	}
	return false
}

// names are the members that name an object, the first one that it has.
var names = []string{"RoleName", "UserName", "GroupName", "PolicyName", "address", "Name", "name", "arn", "Arn", "id", "Id"}

// label names a document by the names of what holds it.
func label(path []step) string {
	var parts []string
	for i, s := range path {
		if i > 0 && strings.HasPrefix(s.parent.text("Type"), "AWS::") {
			parts = append(parts, path[i-1].key) // the logical ID
		}
		for _, key := range names {
			if name := s.parent.text(key); name != "" {
				parts = append(parts, name)
				break
			}
		}
		if i == len(path)-1 {
			parts = append(parts, s.key)
		}
	}
	return strings.Join(slices.Compact(parts), " ")
}

// json prints a node.
func (n *node) json() string {
	var out strings.Builder
	n.print(&out)
	return out.String()
}

func (n *node) print(out *strings.Builder) {
	quoted := func(s string) string {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if e.Encode(s) != nil {
			return `""`
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	switch n.kind {
	case object:
		out.WriteByte('{')
		for i, m := range n.members {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(quoted(m.key) + ":")
			m.value.print(out)
		}
		out.WriteByte('}')
	case array:
		out.WriteByte('[')
		for i, e := range n.elements {
			if i > 0 {
				out.WriteByte(',')
			}
			e.print(out)
		}
		out.WriteByte(']')
	case text:
		out.WriteString(quoted(n.scalar))
	default:
		out.WriteString(n.scalar)
	}
}
