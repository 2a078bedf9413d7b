package iamsvc

import (
	"maps"
	"regexp"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
)

// variable is a policy variable: ${aws:username}, ${aws:PrincipalTag/team, 'none'}.
var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{([A-Za-z0-9-]+:[^},]+)[^}]*\}`) })

// contextKeys returns the condition keys and variables in policies, sorted.
func contextKeys(sources []policy.Source) []string {
	keys := map[string]bool{}
	for _, source := range sources {
		if source.Document == nil {
			continue
		}
		for _, statement := range source.Document.Statements {
			for _, condition := range statement.Conditions {
				keys[condition.Key] = true
			}
		}
		for _, m := range variable().FindAllStringSubmatch(source.Document.String(), -1) {
			keys[m[1]] = true
		}
	}
	names := slices.Sorted(maps.Keys(keys))
	if names == nil {
		names = []string{}
	}
	return names
}

func parsedInputs(c *operation.Call, texts []string) ([]policy.Source, error) {
	var sources []policy.Source
	for _, text := range texts {
		source := c.World.Parse("PolicyInputList", policy.Identity, text)
		if source.Err != nil {
			return nil, invalidInput("Invalid Input: %v", source.Err)
		}
		sources = append(sources, source)
	}
	return sources, nil
}

func getContextKeysForCustomPolicy(c *operation.Call, in *iam.GetContextKeysForCustomPolicyInput) (*iam.GetContextKeysForCustomPolicyOutput, error) {
	sources, err := parsedInputs(c, in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForCustomPolicyOutput{ContextKeyNames: contextKeys(sources)}, nil
}

// getContextKeysForPrincipalPolicy reads the policies of a user, group or role, and those
// of the input.
func getContextKeysForPrincipalPolicy(c *operation.Call, in *iam.GetContextKeysForPrincipalPolicyInput) (*iam.GetContextKeysForPrincipalPolicyOutput, error) {
	sources, err := parsedInputs(c, in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	var s simulation
	if err := s.source(c, *in.PolicySourceArn); err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForPrincipalPolicyOutput{ContextKeyNames: contextKeys(append(sources, s.set.Identity...))}, nil
}
