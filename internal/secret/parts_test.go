package secret

import (
	"errors"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"
)

// TestLongTextsInTheKeyring checks that no item is longer than the keyrings of
// Windows and macOS take: STS tokens may have 4,096 bytes.
func TestLongTextsInTheKeyring(t *testing.T) {
	keyring.MockInit()
	k := newKeyring(t.TempDir())
	ctx := t.Context()
	token := strings.Repeat("aZ09+/=é", 512)
	texts := []string{token, "short", token + "x", strings.Repeat("z", partSize), strings.Repeat("z", partSize+1), partedPrefix + " 2 abc", token}
	for _, text := range texts {
		if err := k.write(ctx, "texts/a", text); err != nil {
			t.Fatal(err)
		}
		if got, err := k.read(ctx, "texts/a"); err != nil || got != text {
			t.Fatalf("%d bytes: got %d bytes, error %v", len(text), len(got), err)
		}
		item, err := readItem(ctx, "texts/a")
		if err != nil || len(item) > partSize {
			t.Errorf("an item has %d bytes, error %v", len(item), err)
		}
		p, _ := partedOf(item)
		for i := range p.n {
			part, err := readItem(ctx, p.name("texts/a", i))
			if err != nil || len(part) > partSize || !strings.HasPrefix(text, part[:1]) && i == 0 {
				t.Errorf("part %d has %d bytes, error %v", i, len(part), err)
			}
		}
	}
	if ids, err := k.list(ctx); err != nil || len(ids) != 1 {
		t.Errorf("list: %q, error %v", ids, err)
	}
	item, _ := readItem(ctx, "texts/a")
	p, _ := partedOf(item)
	if err := k.write(ctx, "texts/a", "short"); err != nil {
		t.Fatal(err)
	}
	if _, err := readItem(ctx, p.name("texts/a", 0)); !errors.Is(err, ErrNotFound) {
		t.Errorf("a part of the replaced text is still there: %v", err)
	}
}

func TestAPartIsMissing(t *testing.T) {
	keyring.MockInit()
	k := newKeyring(t.TempDir())
	ctx := t.Context()
	if err := k.write(ctx, "texts/a", strings.Repeat("t", 2*partSize)); err != nil {
		t.Fatal(err)
	}
	item, _ := readItem(ctx, "texts/a")
	p, ok := partedOf(item)
	if !ok {
		t.Fatalf("%d bytes are one item", len(item))
	}
	if err := removeItem(ctx, p.name("texts/a", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.read(ctx, "texts/a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("read: %v", err)
	}
	if err := k.remove(ctx, "texts/a"); err != nil {
		t.Errorf("remove: %v", err)
	}
	if _, err := readItem(ctx, p.name("texts/a", 0)); !errors.Is(err, ErrNotFound) {
		t.Errorf("a part is still there: %v", err)
	}
}
