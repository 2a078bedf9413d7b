package report_test

import (
	"io"
	"testing"

	"forcemfa/internal/report"
)

// BenchmarkReportHTML writes the report of 50,000 users with 150,000 findings. The budget
// is 3 s, 300 MB and a file of 15 MB.
func BenchmarkReportHTML(b *testing.B) {
	c := manyUsers(50_000)
	b.ReportAllocs()
	for b.Loop() {
		p := report.New(head, c.end)
		for i := range c.records {
			p.Add(&c.records[i])
		}
		size := &counter{}
		if err := p.Write(size); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size.n)/1e6, "MB/file")
	}
}

type counter struct {
	io.Writer
	n int
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
