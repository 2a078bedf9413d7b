package rehearse

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/org"
)

var loadedAccounts = flag.Int("accounts", 100, "accounts of BenchmarkOpenOrganization, with 100 users each")

// BenchmarkOpenOrganization loads a snapshot with 100 users in each account. The budget is
// 20 s and 4 GB for 10,000 accounts on two quiet cores: -accounts 10000 -benchtime 1x.
func BenchmarkOpenOrganization(b *testing.B) {
	name := filepath.Join(b.TempDir(), "snapshot.jsonl")
	writeOrganization(b, name, *loadedAccounts)
	b.ResetTimer()
	for range b.N {
		box, err := OpenSandbox(name, emulator.Options{Clock: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		box.CompleteReports()
		b.StopTimer()
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/float64(100**loadedAccounts), "B/user")
		b.ReportMetric(float64(m.Sys)/1e6, "MB-of-system")
		runtime.KeepAlive(box)
		b.StartTimer()
	}
	b.ReportMetric(float64(100**loadedAccounts)*float64(b.N)/b.Elapsed().Seconds(), "users/s")
}

// writeOrganization writes the sample's identity account many times, with 100 users.
func writeOrganization(b *testing.B, name string, accounts int) {
	w, err := sample.World()
	if err != nil {
		b.Fatal(err)
	}
	header, all := w.Snapshot(time.Now())
	header.Accounts = accounts
	var home, identity *org.Account
	for a := range all {
		switch a.ID {
		case w.Organization.ManagementAccount:
			home = a
		case sample.Identity:
			identity = a
		}
	}
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	err = org.Write(file, header, func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			a := home
			if i > 0 {
				a = numbered(*identity, fmt.Sprintf("2%011d", i))
			}
			if !yield(a, nil) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
}

// numbered is an account under another ID, with 100 users like those that it has.
func numbered(a org.Account, id string) *org.Account {
	before, old := a.ID, a.Users
	there := func(arn string) string { return strings.Replace(arn, ":"+before+":", ":"+id+":", 1) }
	a.ID, a.Alias, a.Unassigned, a.Users = id, "", nil, nil
	for i := range 100 {
		u := old[i%len(old)]
		name := fmt.Sprintf("user%02d", i)
		u.ARN, u.ID = strings.TrimSuffix(there(u.ARN), u.Name)+name, ""
		u.Name, u.Attached, u.Boundary = name, slices.Clone(u.Attached), there(u.Boundary)
		for j := range u.Attached {
			u.Attached[j] = there(u.Attached[j])
		}
		u.Devices = slices.Clone(u.Devices)
		for j := range u.Devices {
			u.Devices[j].Serial = there(u.Devices[j].Serial) + name
		}
		a.Users = append(a.Users, u)
	}
	a.Policies, a.Roles, a.Groups = slices.Clone(a.Policies), slices.Clone(a.Roles), slices.Clone(a.Groups)
	for j := range a.Policies {
		a.Policies[j].ARN = there(a.Policies[j].ARN)
	}
	for j := range a.Roles {
		a.Roles[j].ARN = there(a.Roles[j].ARN)
	}
	for j := range a.Groups {
		a.Groups[j].ARN = there(a.Groups[j].ARN)
	}
	return &a
}
