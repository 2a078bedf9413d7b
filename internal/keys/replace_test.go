package keys

import (
	"encoding/json"
	"strings"
	"testing"

	"forcemfa/internal/impact"
)

var recordedCalls = []impact.Recorded{
	{Action: "ec2:DescribeInstances", Known: true, Region: "eu-west-1", Count: 800},
	{Action: "ec2:DescribeInstances", Known: true, Region: "us-east-1", Count: 2},
	{Action: "s3:ListAllMyBuckets", Known: true, Region: "us-east-1", Count: 4},
	{Action: "sts:AssumeRole", Known: true, Region: "us-east-1", Count: 1},
	{Action: "newthing:DoIt", Region: "eu-west-1", Count: 1},
}

var roles = []string{"arn:aws:iam::111122223333:role/deploy"}

func TestAReplacementAllowsWhatWasRecordedAndNothingBeyondThePattern(t *testing.T) {
	for pattern, allowed := range map[Pattern]string{PatternRegion: "3", PatternAction: "3", PatternService: "many"} {
		r, err := Replace(recordedCalls, roles, pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if r.Calls != 808 || r.Distinct != 5 || strings.Join(r.Unmapped, " ") != "newthing:DoIt" || (r.Allowed == 3) != (allowed == "3") || r.Refused < 1000 {
			t.Errorf("%s: %+v", pattern, r)
		}
		var d struct {
			Statement []struct {
				Action, Resource []string
				Condition        map[string]map[string][]string
			}
		}
		if err := json.Unmarshal([]byte(r.Document), &d); err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Statement {
			if (s.Action[0] == "sts:AssumeRole") != (s.Resource[0] == roles[0]) && pattern != PatternService {
				t.Errorf("%s: %v on %v", pattern, s.Action, s.Resource)
			}
			if (len(s.Condition) > 0) != (pattern != PatternAction) {
				t.Errorf("%s: condition %v of %v", pattern, s.Condition, s.Action)
			}
		}
	}
}

// The proof is no formality: a document that says more or less is refused.
func TestADocumentThatDiffersFromTheRecordIsRefused(t *testing.T) {
	for name, row := range map[string]struct{ old, new, want string }{
		"a call less":      {`"s3:ListAllMyBuckets"`, `"s3:ListAllMyBuckets2"`, "refuses the recorded call s3:ListAllMyBuckets"},
		"an action more":   {`"ec2:DescribeInstances"`, `"ec2:Describe*"`, "which was not recorded"},
		"other Regions":    {`"us-east-1"`, `"eu-west-3"`, "refuses the recorded call"},
		"another role":     {roles[0], "arn:aws:iam::111122223333:role/*", "role/forcemfa-unnamed"},
		"every role":       {`"` + roles[0] + `"`, `"*"`, "sts:AssumeRole"},
		"no Region at all": {`"StringEquals"`, `"StringNotEquals"`, "the recorded call"},
	} {
		r, err := Replace(recordedCalls, roles, PatternRegion)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(r.Document, row.old, row.new, 1)
		if changed == r.Document {
			t.Fatalf("%s: nothing to change in %s", name, r.Document)
		}
		r.Document = changed
		err = r.prove(recordedCalls, roles)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}
