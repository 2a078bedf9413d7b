package cli

import (
	"bytes"
	"context"
	"testing"
	"time"
)

// rehearseAs runs the verb in this process.
func rehearseAs(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	e := &Env{
		Args: append([]string{"rehearse"}, args...), Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now,
	}
	return Main(context.Background(), e), out.String(), errs.String()
}

// BenchmarkRehearse is the whole job on the sample organization, warm: the
// budget is 3 s.
func BenchmarkRehearse(b *testing.B) {
	for b.Loop() {
		if status, _, stderr := rehearseAs("-q"); status != statusOK {
			b.Fatalf("exit %d: %s", status, stderr)
		}
	}
}
