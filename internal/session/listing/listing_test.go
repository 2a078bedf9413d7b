package listing

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/session/cache"
)

func TestTimeLeftIsShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "over", 30 * time.Second: "over", 59 * time.Minute: "59m", 3*time.Hour + 5*time.Minute: "3h05m", 36 * time.Hour: "36h00m",
	} {
		if got := Left(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// The table aligns names by their characters, and sends no control characters to a terminal.
func TestTheTableIsAlignedAndClean(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	dir := cache.Dir{Path: filepath.Join(t.TempDir(), "cache")}
	for name, profile := range map[string]string{"1": "müller", "2": "production", "3": "a\x1b]0;x", "4": "over"} {
		e := &cache.Entry{Kind: cache.MFASession, AccessKeyID: "ASIA" + name, SecretAccessKey: "s", SessionToken: "t", Profile: profile, Serial: "GAHT12345678", Issued: now, Expires: now.Add(3 * time.Hour)}
		if profile == "over" {
			e.Expires = now
		}
		if err := dir.Store(cache.Name(name), e); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Current(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Text(&b, list, now); err != nil {
		t.Fatal(err)
	}
	until := now.Add(3 * time.Hour).Local().Format("15:04")
	want := strings.ReplaceAll(`PROFILE     LEFT     UNTIL   SESSION
a?]0;x      3h00m    hh:mm   MFA by GAHT12345678
müller      3h00m    hh:mm   MFA by GAHT12345678
production  3h00m    hh:mm   MFA by GAHT12345678
`, "hh:mm", until)
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
