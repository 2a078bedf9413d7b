package world

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// The race detector decides whether goroutines may use different accounts at once.
func TestAccountsAreUsedAtOnce(t *testing.T) {
	w := New("aws", 1)
	for n := range 4 {
		w.AddAccount(&Account{ID: fmt.Sprint("10000000000", n)})
	}
	shared := w.Fork() // so that the accounts are copied at their first write
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			account := fmt.Sprint("10000000000", n)
			own := w.Within(account)
			for i := range 20 {
				name := fmt.Sprint("u", i)
				own.Edit(account).Users[name] = &User{Name: name, ID: own.NewID("AIDA")}
				key := &Key{ID: own.NewID("AKIA"), Secret: own.NewSecret()}
				own.AddKey(account, name, key)
				own.AddSession(&Session{AccessKeyID: own.NewID("ASIA"), Account: account, User: name})
				own.UseKey(key.ID, Use{At: time.Unix(int64(i), 0)})
				own.RenameUser(account, name, name+"x")
				own.ServiceUses(account, func(string, string, Use) {})
				own.RemoveKey(account, name+"x", key.ID)
			}
		})
	}
	all.Wait()
	for n := range 4 {
		account := fmt.Sprint("10000000000", n)
		if got := len(w.Account(account).Users); got != 20 || len(shared.Account(account).Users) != 0 {
			t.Errorf("account %s has %d users, the fork %d", account, got, len(shared.Account(account).Users))
		}
	}
}

func TestCallWithinAnAccountReachesNothingElse(t *testing.T) {
	w := New("aws", 1)
	w.AddAccount(&Account{ID: "100000000001"})
	w.AddAccount(&Account{ID: "100000000002"})
	own := w.Within("100000000001")
	if own.Account("100000000001") == nil {
		t.Error("it does not reach its own account")
	}
	for name, reach := range map[string]func(){
		"another account":  func() { own.Account("100000000002") },
		"editing another":  func() { own.Edit("100000000002") },
		"all accounts":     func() { own.Accounts() },
		"the organization": func() { own.EditOrganization() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("it reaches %s", name)
				}
			}()
			reach()
		}()
	}
}
