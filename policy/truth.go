package policy

// A truth is the result of a condition, a match or a layer. It is maybe where
// AWS does not document which of two interpretations holds and their results
// differ; and, or and not keep results that hold in both.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }

// A doubt is the reason of a maybe.
type doubt uint8

const (
	noDoubt doubt = iota
	unreadable
	notParsed
	serviceWildcard
	shortARN
	mappedAddress
	typeWildcard
	headVariable
	unresolvedNotResource
	bareNotPrincipal
	roleCase
	canonicalUser
	wildPrincipal
	anyValueIfExists
	operatorForOne
	setOfNull
	noValues
	oddBool
	boolVariable
	oddBinary
	oddValue
	oddCase
	oddARN
	oddDate
	missingPolicy
)

var doubts = [...]string{
	noDoubt:               "",
	unreadable:            "could not be read",
	notParsed:             "was not created by Parse",
	serviceWildcard:       "AWS does not document a wildcard in the service prefix of an action",
	mappedAddress:         "AWS does not document whether an IPv4 address is in a network that is written as ::ffff:192.0.2.0/120",
	shortARN:              "AWS does not document a resource pattern of fewer than six parts",
	typeWildcard:          "AWS does not document a wildcard in the resource type of an ARN",
	headVariable:          "AWS does not document a variable before the fifth colon of an ARN",
	unresolvedNotResource: "AWS does not document a NotResource with a variable that has no value",
	bareNotPrincipal:      "AWS does not document a NotPrincipal that lists the caller without its account, or without its role",
	roleCase:              "a role ARN that differs from the caller's only in case",
	canonicalUser:         "the canonical user ID of the caller is not known",
	wildPrincipal:         "AWS does not document * among service or federated principals",
	anyValueIfExists:      "AWS does not document ForAnyValue with IfExists on an absent key",
	operatorForOne:        "AWS does not document an operator for one value on a key with several",
	setOfNull:             "AWS does not document a set operator with Null",
	noValues:              "AWS does not document a condition without values",
	oddBool:               "AWS does not document Bool on a value that is neither true nor false",
	boolVariable:          "AWS documents both ways whether Bool resolves variables",
	oddBinary:             "AWS does not document BinaryEquals on a key that is not binary",
	oddCase:               "AWS does not document whether letters with only one case in common, such as k and the Kelvin sign, are equal if case is ignored",
	oddValue:              "AWS does not document a negated operator on a value of the wrong type",
	oddARN:                "AWS does not document an ARN operator on a value that is not an ARN",
	oddDate:               "a number of four digits can be a year or seconds since 1970",
	missingPolicy:         "the policy of the role or key was not given",
}
