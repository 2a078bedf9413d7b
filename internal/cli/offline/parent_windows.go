package offline

import (
	"context"
	"os"
)

// parentEnded is closed when the process that started this one ends. It is nil where
// the parent has ended already or cannot be watched.
func parentEnded(context.Context) <-chan struct{} {
	parent, err := os.FindProcess(os.Getppid())
	if err != nil {
		return nil
	}
	ended := make(chan struct{})
	go func() {
		if _, err := parent.Wait(); err == nil {
			close(ended)
		}
	}()
	return ended
}
