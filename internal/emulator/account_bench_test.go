package emulator

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/emulator/world"
)

// BenchmarkAccounts measures eight clients, each with an account of its own, of whose
// calls one in four writes. With one account, the clients share it: the difference is what
// accounts cost each other. p99-ms is the time within which 99 of 100 calls end.
func BenchmarkAccounts(b *testing.B) {
	for _, accounts := range []int{1, 8} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			c := newCloud(b, Options{})
			var callers []world.Caller
			for i := range accounts {
				callers = append(callers, newAdministrator(b, c, fmt.Sprintf("7000000000%02d", i)))
			}
			mixedCalls(b, c, callers)
		})
	}
}

// newAdministrator adds an account with a hundred users, and returns one who may do
// everything.
func newAdministrator(b *testing.B, c *Cloud, account string) world.Caller {
	b.Helper()
	key := "AKIA" + account + "0000"
	c.Update(func(w *world.World) {
		users := map[string]*world.User{}
		for i := range 100 {
			name := fmt.Sprint("user", i)
			users[name] = user(name, administrator)
		}
		w.AddAccount(&world.Account{ID: account, Name: account, Users: users})
		w.AddKey(account, "user0", &world.Key{ID: key, Secret: "secret", Active: true, Created: made})
	})
	caller, err := c.Caller(key)
	if err != nil {
		b.Fatal(err)
	}
	return caller
}

func mixedCalls(b *testing.B, c *Cloud, callers []world.Caller) {
	var client atomic.Int64
	var mu sync.Mutex
	var latencies []time.Duration
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		caller := callers[int(client.Add(1))%len(callers)]
		var own []time.Duration
		for n := 0; pb.Next(); n++ {
			start, name := time.Now(), aws.String(fmt.Sprint("user", n%100))
			var err error
			if n%4 == 0 {
				_, err = c.Do(caller, "iam", "UpdateUser", &iam.UpdateUserInput{UserName: name, NewPath: aws.String("/x/")})
			} else {
				_, err = c.Do(caller, "iam", "GetUser", &iam.GetUserInput{UserName: name})
			}
			if err != nil {
				b.Error(err)
				return
			}
			own = append(own, time.Since(start))
		}
		mu.Lock()
		defer mu.Unlock()
		latencies = append(latencies, own...)
	})
	slices.Sort(latencies)
	b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
