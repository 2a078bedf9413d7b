package policy

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDecimalsCompareAsRationals(t *testing.T) {
	number := rapid.StringMatching(`[-+]?[0-9]{1,4}(\.[0-9]{1,3})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, ok := parseDecimal(a)
		y, ok2 := parseDecimal(b)
		if !ok || !ok2 {
			t.Fatalf("%s or %s is no number", a, b)
		}
		p, _ := new(big.Rat).SetString(a)
		q, _ := new(big.Rat).SetString(b)
		if got, want := sign(x.compare(y)), p.Cmp(q); got != want {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
	})
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestInstantsAgreeInBothForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), 0).UTC()
		iso, ok := parseInstant(at.Format(time.RFC3339))
		if !ok || iso.seconds != at.Unix() {
			t.Fatalf("%v read as %+v", at, iso)
		}
		zoned, ok := parseInstant(at.In(time.FixedZone("", 5400)).Format("2006-01-02T15:04:05.000Z07:00"))
		if !ok || zoned.compare(iso) != 0 {
			t.Fatalf("%v with a zone read as %+v", at, zoned)
		}
	})
}

// Seconds before 1970 with a fraction are earlier than without.
func TestInstantsBefore1970(t *testing.T) {
	for _, pair := range [][2]string{{"-1.5", "-1"}, {"-1.5", "-1.25"}, {"-2", "-1.5"}, {"-0.5", "1970-01-01"}, {"-0.5", "0.25"}} {
		a, ok := parseInstant(pair[0])
		b, ok2 := parseInstant(pair[1])
		if !ok || !ok2 || a.compare(b) >= 0 || b.compare(a) <= 0 {
			t.Errorf("%s is not before %s", pair[0], pair[1])
		}
	}
}

func TestTruthTables(t *testing.T) {
	if no.not() != yes || maybe.not() != maybe || yes.not() != no {
		t.Error("not")
	}
	if len(doubts) != int(missingPolicy)+1 {
		t.Error("a doubt without text")
	}
	for d, text := range doubts {
		if text == "" && doubt(d) != noDoubt {
			t.Errorf("doubt %d has no text", d)
		}
	}
}

func TestServicesWithRCPsAreSorted(t *testing.T) {
	for i := 1; i < len(rcpServices); i++ {
		if rcpServices[i-1] >= rcpServices[i] {
			t.Errorf("%s before %s", rcpServices[i-1], rcpServices[i])
		}
	}
	for service, want := range map[string]bool{"s3": true, "STS": true, "cognito-idp": true, "Cognito-Identity": true, "xray": true, "aoss": true,
		"iam": false, "ec2": false, "": false, "s": false, "s33": false, "zz": false} {
		if got := (&evaluation{service: service}).takesRCPs(); got != want {
			t.Errorf("%s: %v", service, got)
		}
	}
}
