//go:build unix

package cache

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"syscall"
)

// Paths have slashes. Package filepath, which does the same here, would initialize too late
// for package warm.
func join(elements ...string) string { return path.Join(elements...) }
func isAbs(name string) bool         { return path.IsAbs(name) }

// largest is more than any file of the cache holds.
const largest = 64 << 10

// readOwn reads a file that belongs to us alone, without following a symbolic
// link. It takes the short way to the system: os.OpenFile would start a poller.
func readOwn(path string) (string, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", ErrCold
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG ||
		int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0 || st.Size > largest {
		return "", ErrCold
	}
	buffer := make([]byte, st.Size)
	for n := 0; n < len(buffer); {
		m, err := syscall.Read(fd, buffer[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || m == 0 {
			return "", ErrCold
		}
		n += m
	}
	return string(buffer), nil
}

// own says that a file belongs to who runs this.
func own(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// wide says that others than the owner may do something with a file.
func wide(mode fs.FileMode) bool { return mode.Perm()&0o077 != 0 }

// identity tells a file from another that took its place.
func identity(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return strconv.FormatUint(uint64(st.Ino), 36)
	}
	return ""
}
