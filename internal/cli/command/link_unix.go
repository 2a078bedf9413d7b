//go:build unix

package command

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// othersLink returns the first link on the way from a name to its file that somebody else
// made in a directory that everybody can write to, such as /tmp. It chooses the file that
// is overwritten. Linux refuses to follow such links where fs.protected_symlinks is 1, but
// not to resolve and replace what they lead to.
func othersLink(name string, me int) (link string, found bool) {
	for range maxLinks {
		info, err := os.Lstat(name)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return "", false
		}
		dir, err := os.Stat(filepath.Dir(name))
		stat, known := info.Sys().(*syscall.Stat_t)
		if err == nil && known && dir.Mode().Perm()&0o002 != 0 && int(stat.Uid) != me && stat.Uid != 0 {
			return name, true
		}
		to, err := os.Readlink(name)
		if err != nil {
			return "", false
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return "", false
}

// maxLinks is how many links Linux follows.
const maxLinks = 40

// checkLinks refuses a name that leads over a link of somebody else.
func checkLinks(name string) error {
	if link, found := othersLink(name, os.Geteuid()); found {
		if link == name {
			return errors.New("is a link that another user made in a directory that everybody can write to")
		}
		return errors.New("leads to " + link + ", a link that another user made in a directory that everybody can write to")
	}
	return nil
}
