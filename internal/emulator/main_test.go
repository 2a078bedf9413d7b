package emulator

import (
	"os"
	"testing"

	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/testclients"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }
