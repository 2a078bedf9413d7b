//go:build !unix

package awsfile

import (
	"io/fs"
	"os"
)

// keepOwner has nothing to do where ownership comes with the directory.
func keepOwner(*os.File, fs.FileInfo) {}
