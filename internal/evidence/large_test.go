//go:build unix

package evidence_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/evidence"
	"forcemfa/internal/org"
	"forcemfa/internal/testdepth"
)

// large is an organization whose users have the ForceMFA policy through the group, next
// to policies of their own.
func large(accounts, users int) evidence.Input {
	b := baseline.Default()
	header := org.Header{
		Taken: now, Partition: "aws", Accounts: accounts,
		Organization: &org.Organization{ID: "o-large12345", ManagementAccount: "100000000000", FeatureSet: "ALL"},
		Units:        []org.Unit{{ID: "r-root", Name: "Root"}},
	}
	return evidence.Input{Header: &header, Baseline: b, Now: now, Program: program, Head: head(&header, b), Formats: formats, Accounts: func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(largeAccount(b, i, users), nil) {
				return
			}
		}
	}}
}

func largeAccount(b *baseline.Baseline, number, users int) *org.Account {
	id := fmt.Sprint(100000000000 + number)
	policy, group := baseline.PolicyARN("aws", id), baseline.GroupARN("aws", id)
	a := &org.Account{
		ID: id, Name: "account " + id, Partition: "aws", State: "ACTIVE", Unit: "r-root", Read: true, Report: now, Management: number == 0,
		Groups:   []org.Group{{Name: baseline.GroupName, Path: baseline.Path, ARN: group, ID: "AGPA" + id, Attached: []string{policy}}},
		Policies: []org.Policy{{ARN: policy, Name: baseline.PolicyName, Path: baseline.Path, Default: "v1", Versions: []org.Version{{ID: "v1", Document: b.Document("aws")}}}},
	}
	for i := range users {
		name := fmt.Sprintf("user-%03d-%s", i, id)
		used := now.Add(-time.Duration(i) * time.Hour)
		a.Users = append(a.Users, org.User{
			Name: name, Path: "/", ARN: "arn:aws:iam::" + id + ":user/" + name, ID: fmt.Sprintf("AIDA%s%04d", id, i), Created: used,
			Groups: []string{baseline.GroupName}, Password: org.Yes, MFA: org.TriOf(i%2 == 0), PasswordUsed: &used,
			Tags: []org.Tag{{Key: "owner", Value: name}},
			Inline: []org.InlinePolicy{{Name: "work", Document: fmt.Sprintf(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","ec2:*"],"Resource":"arn:aws:s3:::bucket-%d/*"}]}`, i%7)}},
		})
	}
	return a
}

// A pack of 400 accounts checks in less than 10 seconds and 256 MB. The time is that of
// two processors, so that other programs don't count, and the memory what the process has
// from the system, whatever GOMEMLIMIT says.
func TestALargePackIsCheckedQuicklyInLittleMemory(t *testing.T) {
	const users, seconds, memory = 5, 10, 256 << 20
	accounts := 400 / testdepth.Each(4)
	file, size := writtenFile(t, large(accounts, users))
	debug.FreeOSMemory()
	before, used := mapped(), processorTime()
	r, err := evidence.Check(t.Context(), file, size, program, formats)
	if err != nil {
		t.Fatal(err)
	}
	took, more := (processorTime()-used).Seconds()/2, int64(mapped())-int64(before)
	t.Logf("%d users, %d KB: %.1f s, %d MB", r.Manifest.Users.Users, size>>10, took, more>>20)
	if r.Manifest.Users.Enforced != accounts*users {
		t.Errorf("%d users are enforced", r.Manifest.Users.Enforced)
	}
	if took > seconds || more > memory {
		t.Errorf("took %.1f s and %d MB", took, more>>20)
	}
}

// BenchmarkCheck checks packs of 400 accounts with 10,000 users.
func BenchmarkCheck(b *testing.B) {
	file, size := writtenFile(b, large(400, 25))
	used := processorTime()
	for b.Loop() {
		if _, err := evidence.Check(b.Context(), file, size, program, formats); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorTime()-used).Seconds()/float64(b.N), "cpu-s/op")
}

func writtenFile(t testing.TB, in evidence.Input) (*os.File, int64) {
	t.Helper()
	file, err := os.Create(t.TempDir() + "/pack.zip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if _, err := evidence.Write(file, in); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return file, info.Size()
}

// mapped is the memory that the process has from the system.
func mapped() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() - sample[1].Value.Uint64()
}

// processorTime is the time that the process had a processor.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
