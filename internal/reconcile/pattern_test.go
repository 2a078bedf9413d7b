package reconcile

import (
	"encoding/json"
	"strings"
	"testing"

	"forcemfa/internal/trail"
)

func TestThePatternSelectsTheEventsThatHaveARule(t *testing.T) {
	if n := len(Pattern); n > 2048 {
		t.Errorf("the pattern has %d characters; a rule takes 2048", n)
	}
	p, err := trail.ParsePattern([]byte(Pattern))
	if err != nil {
		t.Fatal(err)
	}
	var rule struct {
		Detail struct {
			EventName []string `json:"eventName"`
		} `json:"detail"`
	}
	if err := json.Unmarshal([]byte(Pattern), &rule); err != nil {
		t.Fatal(err)
	}
	chosen := map[string]bool{}
	for _, name := range rule.Detail.EventName {
		chosen[name] = true
		if eventRules[name].scope == noScope {
			t.Errorf("%s is delivered, and the handler does nothing with it", name)
		}
	}
	for name := range eventRules {
		if !chosen[name] {
			t.Errorf("%s is known to the handler, and no rule delivers it", name)
		}
	}
	for text, want := range map[string]bool{
		`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"CreateUser"}}`:                            true,
		`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"CreateUser","errorCode":"AccessDenied"}}`: false,
		`{"source":"aws.signin","detail-type":"AWS Console Signin via CloudTrail","detail":{"eventName":"ConsoleLogin"}}`:                 true,
		`{"source":"aws.signin","detail-type":"AWS Console Sign In via CloudTrail","detail":{"eventName":"ConsoleLogin"}}`:                true,
		`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"GetUser"}}`:                               false,
		`{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"CreateUser"}}`:                            false,
	} {
		if p.Match([]byte(text)) != want {
			t.Errorf("%s: matched %v", strings.TrimSpace(text), !want)
		}
	}
}
