package baseline_test

import (
	"testing"

	"pgregory.net/rapid"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// Whatever tag a match means, its example is one that it means.
func TestTheExampleOfAMatchMatches(t *testing.T) {
	part := rapid.SampledFrom([]string{"service", "s.rvice", "[a-z]+", "x*", "(one|two)", "a{2,3}", "q?", `\d\d`, "[^a]", `(?:workload)`})
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.SampledFrom([]string{"Service", "*", "ser?ice", "", "a:b"}).Draw(rt, "value")
		if rapid.Bool().Draw(rt, "regex") {
			value = "regex:"
			for _, p := range rapid.SliceOfN(part, 1, 4).Draw(rt, "parts") {
				value += p
			}
		}
		m := baseline.Match{Tag: rapid.SampledFrom([]string{"userType", "user*", "t?am"}).Draw(rt, "key") + "=" + value}
		key, example := m.ExampleTag()
		if !m.MatchesTag([]org.Tag{{Key: key, Value: example}}) {
			rt.Fatalf("%s does not mean %s=%s", m.Tag, key, example)
		}
	})
}
