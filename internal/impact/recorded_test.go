package impact_test

import (
	"slices"
	"testing"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
)

// A user has two access keys, and each assumed a role of its own.
func TestRolesBelongToTheKeyThatAssumedThem(t *testing.T) {
	const deploy, backup = "arn:aws:iam::111122223333:role/deploy", "arn:aws:iam::111122223333:role/backup"
	tally := judgeOf(t, &org.Header{Partition: "aws"}, baseline.Default()).NewTally()
	signedWith := func(key string) func(*trail.Call) { return func(c *trail.Call) { c.Caller.Key = key } }
	for _, c := range []trail.Call{
		call("sts:AssumeRole", signedWith("AKIAONE"), gives("ASIAONE", deploy)),
		call("sts:AssumeRole", signedWith("AKIATWO"), gives("ASIATWO", backup)),
	} {
		tally.Add(&c)
	}
	for key, want := range map[string][]string{"AKIAONE": {deploy}, "AKIATWO": {backup}, "AKIATHREE": nil} {
		if got := tally.RolesOf(key); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
}
