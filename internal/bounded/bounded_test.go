package bounded

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
)

func TestReadAllReadsToTheLimit(t *testing.T) {
	text := strings.Repeat("0123456789", 20_000)
	for _, most := range []int64{0, 1, first - 1, first, first + 1, 200_000, 1 << 30} {
		want := text[:min(most, int64(len(text)))]
		for name, in := range map[string]io.Reader{
			"at once":      strings.NewReader(want),
			"byte by byte": iotest.OneByteReader(strings.NewReader(want)),
			"with its end": iotest.DataErrReader(strings.NewReader(want)),
			"a file":       file(t, want),
		} {
			if got, err := ReadAll(in, most); err != nil || string(got) != want {
				t.Errorf("%s, %d bytes: %d bytes, %v", name, most, len(got), err)
			}
		}
	}
}

func TestReadAllRefusesMoreThanTheLimit(t *testing.T) {
	for _, most := range []int64{0, 1, first - 1, first, first + 1, 200_000} {
		text := strings.Repeat("x", int(most)+1)
		for name, in := range map[string]io.Reader{
			"at once":      strings.NewReader(text),
			"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
			"a file":       file(t, text),
			"no end":       endless{},
		} {
			if got, err := ReadAll(in, most); !errors.Is(err, ErrTooLarge) || got != nil {
				t.Errorf("%s, %d bytes: %d bytes, %v", name, most, len(got), err)
			}
		}
	}
}

func TestErrorsOfReadingAreReturned(t *testing.T) {
	broken := errors.New("broken")
	if _, err := ReadAll(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), 10); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestMemoryStaysNearTheLimit counts all bytes that are allocated, also those that the
// garbage collector frees.
func TestMemoryStaysNearTheLimit(t *testing.T) {
	const most = 64 << 20
	if got := allocated(func() { _, _ = ReadAll(endless{}, most) }); got > most*11/10 {
		t.Errorf("without an end: %d bytes for a limit of %d", got, most)
	}
	in := file(t, strings.Repeat("x", most/8))
	if got := allocated(func() { _, _ = ReadAll(in, most) }); got > most/8*11/10 {
		t.Errorf("a file: %d bytes for %d", got, most/8)
	}
}

func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func file(t *testing.T, text string) fs.File {
	t.Helper()
	f, err := fstest.MapFS{"f": {Data: []byte(text)}}.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFilesWithoutASizeAreRead reads a file of the kernel, which says that it is empty.
func TestFilesWithoutASizeAreRead(t *testing.T) {
	f, err := os.Open(filepath.Join("/proc/self", "status"))
	if err != nil {
		t.Skip("the system has no /proc")
	}
	defer f.Close()
	if got, err := ReadAll(f, 1<<20); err != nil || !bytes.HasPrefix(got, []byte("Name:")) {
		t.Errorf("%q, %v", got, err)
	}
}

type endless struct{}

func (endless) Read(to []byte) (int, error) { return len(to), nil }
