// Package testfsync shows a test which files and directories a function syncs to disk,
// and lets a sync fail. Without that, no test notices that a sync, or its error, is left
// out: the difference shows only after a loss of power.
//
// Only tests import this package. It needs Linux.
package testfsync
