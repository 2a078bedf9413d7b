package cache

import (
	"errors"
	"os"
	"strconv"
	"time"
)

const pageSuffix = ".html"

// pageAge is how long a sign-in link works. Source: IAM User Guide, "Enable custom
// identity broker access to the AWS console".
const pageAge = 15 * time.Minute

// WritePage writes a page for the browser of this user, and returns its path. A later
// call removes it when its link has expired, as do Sweep and Clear.
func (d Dir) WritePage(text string, now time.Time) (string, error) {
	if err := d.Make(); err != nil {
		return "", err
	}
	if err := d.sweepPages(now); err != nil {
		return "", err
	}
	path := join(d.Path, "console-"+strconv.FormatInt(time.Now().UnixNano(), 36)+pageSuffix)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return path, err
}

// sweepPages removes the pages whose links have expired; the zero time removes all.
func (d Dir) sweepPages(now time.Time) error {
	names, err := d.names(pageSuffix)
	for _, name := range names {
		info, unread := os.Lstat(join(d.Path, name+pageSuffix))
		if now.IsZero() || unread == nil && now.Sub(info.ModTime()) > pageAge {
			err = errors.Join(err, d.remove(name+pageSuffix))
		}
	}
	return err
}
