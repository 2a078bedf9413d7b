package emulator

import (
	"os"
	"testing"

	"forcemfa/internal/testclients"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }
