//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// built is the program as it is deployed.
func built(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// BenchmarkStart is from the start of the process until it asks for its first
// event: less than 150 ms is wanted.
func BenchmarkStart(b *testing.B) {
	program := built(b)
	_, env := emulated(b, 1)
	env = append(env, packed(b))
	for b.Loop() {
		p := start(b, program, env...)
		p.ready()
		b.StopTimer()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		b.StartTimer()
	}
}

// BenchmarkScan is a scan of an account of 5,000 users who are enforced, and
// the most memory that the process took: less than 128 MB is wanted.
func BenchmarkScan(b *testing.B) {
	program := built(b)
	_, env := emulated(b, 5000)
	env = append(env, packed(b), "FORCEMFA_MODE=enforce")
	for b.Loop() {
		p := start(b, program, env...)
		if got := p.invoke(`{}`, 15*time.Minute); got.failed {
			b.Fatalf("%+v\n%s", got, p.log())
		}
		b.StopTimer()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		used := p.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
		b.ReportMetric(float64(used)/1024, "MB-peak")
		b.StartTimer()
	}
}
