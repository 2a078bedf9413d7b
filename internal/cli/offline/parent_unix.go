//go:build unix

package offline

import (
	"context"
	"os"
	"time"
)

// parentEnded is closed when the process that started this one ends: the system
// then gives this process another parent. It is nil where the parent is the first
// process of the machine or container, which never ends before this one.
func parentEnded(ctx context.Context) <-chan struct{} {
	parent := os.Getppid()
	if parent <= 1 {
		return nil
	}
	ended := make(chan struct{})
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for os.Getppid() == parent {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
		close(ended)
	}()
	return ended
}
