package apply_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
)

// BenchmarkApply applies the plan of whole organizations, as the program does:
// through a fleet, five accounts at a time, each at its request rate. The
// budgets are 5 000 users in 50 accounts at no less than 80 % of that rate
// (rate-%), and 200 MB (MB-peak, in which is the emulator). The share is the
// time that the rates alone would take, bursts taken off, of the time that it
// took. The whole takes minutes: go test ./internal/apply -run '^$' -bench Apply -benchtime 1x.
func BenchmarkApply(b *testing.B) {
	for _, size := range []struct {
		accounts, users int
		rate            float64
	}{{5, 100, 5}, {5, 100, 20}, {50, 100, 20}} {
		b.Run(fmt.Sprintf("%dx%d/rate=%g", size.accounts, size.users, size.rate), func(b *testing.B) {
			for b.Loop() {
				benchApply(b, size.accounts, size.users, size.rate)
			}
		})
	}
}

func benchApply(b *testing.B, accounts, users int, rate float64) {
	b.StopTimer()
	r := crowd(b, accounts, users)
	p, _ := r.plan(b, nil)
	f := r.fleet(b, rate)
	var peak atomic.Uint64
	watched, stop := context.WithCancel(context.Background())
	go watch(watched, &peak)
	runtime.GC()
	b.StartTimer()
	began := time.Now()
	result := apply.Run(context.Background(), p.Steps, func(id string) (aws.Config, error) {
		cfg, _, err := f.Enter(context.Background(), id)
		return cfg, err
	}, &memory{}, apply.Options{Concurrency: f.Concurrency()})
	took := time.Since(began)
	stop()
	if odd := became(result, apply.Done); odd != nil {
		b.Fatal(odd[:min(3, len(odd))])
	}
	perAccount := float64(f.Calls()) / float64(accounts)
	rounds := float64((accounts + f.Concurrency() - 1) / f.Concurrency())
	ideal := rounds * max(0, perAccount-5*rate) / rate // a burst is five seconds' worth
	b.ReportMetric(100*ideal/took.Seconds(), "rate-%")
	b.ReportMetric(float64(f.Calls())/took.Seconds(), "requests/s")
	b.ReportMetric(float64(len(p.Steps))/took.Seconds(), "steps/s")
	b.ReportMetric(float64(peak.Load())/1e6, "MB-peak")
}

// watch records the largest heap in use.
func watch(ctx context.Context, peak *atomic.Uint64) {
	for tick := time.NewTicker(500 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse))
		}
	}
}

const managementID = "100000000000"

// crowd is an organization whose member accounts have this many users without
// enforcement. The management account has none.
func crowd(t testing.TB, members, users int) *rig {
	t.Helper()
	h := org.Header{
		Format: org.Format, Taken: time.Now(), Partition: "aws",
		Organization: &org.Organization{ID: "o-crowd00000", ManagementAccount: managementID, FeatureSet: "ALL"},
		Units:        []org.Unit{{ID: "r-crow", Name: "Root"}},
	}
	accounts := []org.Account{accountOf(managementID)}
	accounts[0].Management, accounts[0].Unit = true, "r-crow"
	for n := 1; n <= members; n++ {
		a := accountOf(fmt.Sprintf("1%011d", n))
		a.Unit, a.Roles[0].Name = "r-crow", "OrganizationAccountAccessRole"
		a.Roles[0].ARN = "arn:aws:iam::" + a.ID + ":role/OrganizationAccountAccessRole"
		a.Roles[0].Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + managementID + `"},"Action":"sts:AssumeRole"}]}`
		for i := range users {
			a.Users = append(a.Users, person(a.ID, fmt.Sprintf("user%05d", i), nil, []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, phone))
		}
		accounts = append(accounts, a)
	}
	w, err := world.Load(h, func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}, 7)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{cloud: emulator.New(w, emulator.Options{}), baseline: baseline.Default(), role: func(id string) string {
		if id == managementID {
			return "forcemfa"
		}
		return "OrganizationAccountAccessRole"
	}}
}

// fleet signs in to the accounts from the management account, each at a request rate.
func (r *rig) fleet(t testing.TB, rate float64) *fleet.Fleet {
	t.Helper()
	creds, err := r.cloud.AssumeAs(managementID, "forcemfa", "forcemfa")
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.New(r.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1"), fleet.Options{Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	return f
}
