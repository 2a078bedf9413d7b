package accessanalyzersvc

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// ValidatePolicyInput names a document.
type ValidatePolicyInput struct {
	Locale                     string
	MaxResults                 *int32
	NextToken                  *string
	PolicyDocument             *string
	PolicyType                 string
	ValidatePolicyResourceType string
}

// ValidatePolicyOutput is a page of findings.
type ValidatePolicyOutput struct {
	Findings  []Finding
	NextToken *string
}

// The parts of a finding, with the names of the API.
type (
	// Finding is one finding. Its code is that of the rule of package lint.
	Finding struct {
		FindingDetails, FindingType, IssueCode, LearnMoreLink string
		Locations                                             []Location
	}
	// Location is a place in the document.
	Location struct {
		Path []PathElement
		Span Span
	}
	// PathElement is one member, either a key or an index.
	PathElement struct {
		Index *int32
		Value *string
	}
	// Span is from its start to before its end.
	Span struct{ Start, End Position }
	// Position counts lines from 1, columns and offsets from 0.
	Position struct{ Line, Column, Offset int32 }
)

// kinds are the kinds of documents by the type in the API.
var kinds = map[string]policy.Kind{
	"IDENTITY_POLICY": policy.Identity, "RESOURCE_POLICY": policy.Resource, "SERVICE_CONTROL_POLICY": policy.SCP, "RESOURCE_CONTROL_POLICY": policy.RCP,
}

const (
	trustPolicy = "AWS::IAM::AssumeRolePolicyDocument"
	rulesPage   = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
)

func validate(c *operation.Call, in *ValidatePolicyInput) (*ValidatePolicyOutput, error) {
	kind, ok := kinds[in.PolicyType]
	switch {
	case !ok:
		return nil, invalid("policyType must be one of IDENTITY_POLICY, RESOURCE_POLICY, SERVICE_CONTROL_POLICY, RESOURCE_CONTROL_POLICY.")
	case in.PolicyDocument == nil:
		return nil, invalid("policyDocument is required.")
	case in.ValidatePolicyResourceType != "" && kind != policy.Resource:
		return nil, invalid("validatePolicyResourceType is valid only for RESOURCE_POLICY.")
	}
	if in.ValidatePolicyResourceType == trustPolicy {
		kind = policy.Trust
	}
	found, err := findings(kind, *in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	return page(c, in, found)
}

func findings(kind policy.Kind, text string) ([]Finding, error) {
	t := document(text)
	report, err := lint.Check(kind, text)
	var syntax *policy.SyntaxError
	var other *lint.NotPolicyError
	switch {
	case errors.As(err, &syntax):
		return []Finding{t.broken(syntax.Message, t.position(syntax.Line, syntax.Column))}, nil
	case errors.As(err, &other):
		return []Finding{t.broken(other.Why, t.position(1, 1))}, nil
	case err != nil:
		return nil, err
	}
	out := []Finding{}
	for _, f := range report.Findings {
		at := t.position(f.Line, f.Column)
		details := strings.ToUpper(f.What[:1]) + f.What[1:] + "."
		if rule, ok := lint.RuleOf(f.Code); ok {
			details += " " + rule.Means + " Remedy: " + rule.Remedy + "."
		}
		out = append(out, Finding{
			FindingDetails: details, FindingType: typeOf(f.Severity), IssueCode: f.Code, LearnMoreLink: rulesPage,
			Locations: []Location{{Path: path(f.Statement), Span: Span{at, t.valueEnd(at)}}},
		})
	}
	return out, nil
}

// typeOf ranks a finding as Access Analyzer does.
func typeOf(s lint.Severity) string {
	switch s {
	case lint.Critical, lint.High:
		return "SECURITY_WARNING"
	case lint.Medium:
		return "WARNING"
	}
	return "SUGGESTION"
}

func path(statement int) []PathElement {
	if statement < 0 {
		return []PathElement{}
	}
	name, index := "Statement", int32(statement)
	return []PathElement{{Value: &name}, {Index: &index}}
}

// A document is the text of a policy.
type document string

// broken returns the finding for a text that is not a policy.
func (d document) broken(why string, at Position) Finding {
	return Finding{
		FindingDetails: "Fix the error: " + why + ".", FindingType: "ERROR", IssueCode: "JSON_SYNTAX_ERROR",
		LearnMoreLink: rulesPage, Locations: []Location{{Path: []PathElement{}, Span: Span{at, d.valueEnd(at)}}},
	}
}

// position returns the place of a line and a column from 1, which counts bytes.
func (d document) position(line, column int) Position {
	offset := 0
	for range line - 1 {
		i := strings.IndexByte(string(d[offset:]), '\n')
		if i < 0 {
			break
		}
		offset += i + 1
	}
	start := offset
	offset = min(offset+max(column-1, 0), len(d))
	return Position{
		Line: int32(max(line, 1)), Column: int32(utf8.RuneCountInString(string(d[start:offset]))),
		Offset: int32(utf8.RuneCountInString(string(d[:offset]))),
	}
}

// valueEnd returns the end of the JSON value that starts at a position; where none does,
// the end of its character.
func (d document) valueEnd(at Position) Position {
	runes := []rune(string(d))
	rest := string(runes[at.Offset:])
	decoder := json.NewDecoder(strings.NewReader(rest))
	var value json.RawMessage
	length := 1
	if decoder.Decode(&value) == nil {
		length = utf8.RuneCountInString(rest[:decoder.InputOffset()])
	}
	end := at
	for _, r := range runes[at.Offset:min(int(at.Offset)+length, len(runes))] {
		end.Offset++
		if end.Column++; r == '\n' {
			end.Line, end.Column = end.Line+1, 0
		}
	}
	return end
}

// page returns the findings from a token, which is the number of the first.
func page(c *operation.Call, in *ValidatePolicyInput, all []Finding) (*ValidatePolicyOutput, error) {
	from, asked := 0, 0
	if in.NextToken != nil {
		n, err := strconv.Atoi(*in.NextToken)
		if err != nil || n < 0 || n > len(all) {
			return nil, invalid("nextToken is not valid.")
		}
		from = n
	}
	if in.MaxResults != nil {
		if asked = int(*in.MaxResults); asked < 1 {
			return nil, invalid("maxResults must be greater than 0.")
		}
	}
	out := &ValidatePolicyOutput{Findings: all[from:]}
	if size := c.PageSize(asked, 100, 1000); len(out.Findings) > size {
		next := strconv.Itoa(from + size)
		out.Findings, out.NextToken = out.Findings[:size], &next
	}
	return out, nil
}
