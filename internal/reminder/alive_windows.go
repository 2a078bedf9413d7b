package reminder

import "os"

// alive reports whether a process runs: Windows finds no other.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Release() == nil
}
