package session_test

import (
	"testing"

	"forcemfa/internal/session"
)

// A destination is a page of the console of some partition: a sign-in link must not lead to another site.
func TestADestinationIsAPageOfAConsole(t *testing.T) {
	for destination, accepted := range map[string]bool{
		"": true, "cloudwatch/home": true, "https://console.aws.amazon.com/ec2/home": true, "https://eu-west-1.console.aws.amazon.com/s3": true,
		"https://console.amazonaws.cn/iam/home": true, "https://example.com/": false, "https://console.aws.amazon.com.example.com/": false,
		"http://console.aws.amazon.com/": false, "https://user@console.aws.amazon.com/": false, "//example.com/": false, "javascript:alert(1)": false,
	} {
		if err := (session.ConsolePage{Destination: destination}).Check(); (err == nil) != accepted {
			t.Errorf("%q: %v, want accepted %v", destination, err, accepted)
		}
	}
}
