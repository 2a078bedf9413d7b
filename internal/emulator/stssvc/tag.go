package stssvc

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// sessionTags holds the tags of a session.
type sessionTags struct {
	all        []org.Tag
	transitive []string // keys of the tags that an assumed session inherits
}

// newSessionTags returns the tags of a new session: those of the call, and the
// transitive tags of the calling session (nil: none). Keys are case-insensitive.
// Source: IAM User Guide, "Pass session tags in AWS STS".
func newSessionTags(from *world.Session, tags []types.Tag, transitive []string) (sessionTags, error) {
	made := inheritedTags(from)
	inherited := len(made.all)
	for _, t := range tags {
		key := aws.ToString(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return made, invalid("Tag keys that begin with aws: are reserved: %s", key)
		}
		switch i := made.index(key); {
		case i >= 0 && i < inherited:
			return made, invalid("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		case i >= 0:
			return made, invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		made.all = append(made.all, org.Tag{Key: key, Value: aws.ToString(t.Value)})
	}
	for _, key := range transitive {
		if made.index(key) < inherited {
			return made, invalid("The specified transitive tag key must be included in the requested tags.")
		}
		made.transitive = append(made.transitive, key)
	}
	return made, nil
}

func inheritedTags(from *world.Session) sessionTags {
	var made sessionTags
	if from == nil {
		return made
	}
	for _, t := range from.Tags {
		if slices.ContainsFunc(from.TransitiveTags, func(key string) bool { return strings.EqualFold(key, t.Key) }) {
			made.all = append(made.all, t)
			made.transitive = append(made.transitive, t.Key)
		}
	}
	return made
}

// index returns the position of the tag with this key, or -1.
func (s *sessionTags) index(key string) int {
	return slices.IndexFunc(s.all, func(t org.Tag) bool { return strings.EqualFold(t.Key, key) })
}

// setRequestTags sets the condition keys of the tags in a call.
func setRequestTags(x *policy.Context, tags []types.Tag, transitive []string) {
	var names []string
	for _, t := range tags {
		x.Set("aws:RequestTag/"+aws.ToString(t.Key), aws.ToString(t.Value))
		names = append(names, aws.ToString(t.Key))
	}
	if len(names) > 0 {
		x.SetMany("aws:TagKeys", names)
	}
	if len(transitive) > 0 {
		x.SetMany("sts:TransitiveTagKeys", transitive)
	}
}
