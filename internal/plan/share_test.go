package plan

import (
	"fmt"
	"testing"
)

// A share is not rounded: 6 of 101 users are more than 5 %.
func TestALimitInPercentIsExact(t *testing.T) {
	limit, err := ParseLimit("5%")
	if err != nil {
		t.Fatal(err)
	}
	for changed, over := range map[int]bool{5: false, 6: true} {
		p := &Plan{Users: 101}
		for n := range changed {
			p.Steps = append(p.Steps, NewStep(AddUserToGroup, "111111111111", fmt.Sprintf("arn:aws:iam::111111111111:user/u%d", n), "ForceMFA", State{}, State{Present: true}))
		}
		if err := limit.Check(p); (err != nil) != over {
			t.Errorf("%d of 101: %v", changed, err)
		}
	}
}
