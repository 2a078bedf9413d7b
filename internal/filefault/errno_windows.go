package filefault

import "syscall"

// Source: Windows "System Error Codes": ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL and
// ERROR_DISK_QUOTA_EXCEEDED; ERROR_WRITE_PROTECT.
var (
	full     = []syscall.Errno{39, 112, 1295}
	readOnly = []syscall.Errno{19}
)
