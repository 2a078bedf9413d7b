package attack

import (
	"testing"
	"time"
)

func TestDeviceNeverShowsACodeTwice(t *testing.T) {
	// RFC 6238, appendix B: the seed 12345678901234567890 and its SHA-1 codes,
	// the last six digits of eight.
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	now := time.Unix(1111111109, 0)
	clock := Clock{Now: func() time.Time { return now }, Advance: func(d time.Duration) { now = now.Add(d) }}
	device := NewDevice("serial", seed, clock)
	first, second, err := device.Pair()
	if err != nil {
		t.Fatal(err)
	}
	if first != "081804" || second != "050471" {
		t.Errorf("codes %s, %s; want 081804, 050471", first, second)
	}
	if want := time.Unix(1111111110, 0); !now.Equal(want) {
		t.Errorf("the clock stands at %d, want %d: no longer than the next code needs", now.Unix(), want.Unix())
	}
	if code := wrong(first); code == first || len(code) != 6 {
		t.Errorf("wrong(%s) = %s", first, code)
	}
}
