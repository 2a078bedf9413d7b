package filefault

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Read returns the content of a file of at most this many bytes. A larger file, or a
// device that never ends, is an error before it fills the memory.
func Read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d bytes", most)}
	}
	return text, err
}
