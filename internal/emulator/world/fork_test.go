package world

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"forcemfa/internal/org"
)

// everything prints all visible data of a world.
func everything(t testing.TB, w *World) string {
	t.Helper()
	state := struct {
		Organization *Organization
		Accounts     map[string]*Account
		Sessions     map[string]*Session
		Keys         map[string]KeyOwner
		Uses         map[string]Use
		Codes        map[string]int64
		Managed      map[string]*Policy
	}{
		w.Organization, maps.Collect(w.accounts.all), maps.Collect(w.sessions.all), maps.Collect(w.keys.all),
		maps.Collect(w.uses.all), maps.Collect(w.codes.all), maps.Collect(w.managed.all),
	}
	b, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// writes lists all ways to change a world, in every place that clone must copy.
var writes = []struct {
	name string
	do   func(w *World, n int)
}{
	{"add user", func(w *World, n int) {
		name := fmt.Sprintf("user%d", n)
		w.Edit(member).Users[name] = &User{Name: name, Groups: map[string]bool{}, Inline: map[string]string{}}
	}},
	{"tag user", func(w *World, n int) {
		bob := w.Edit(member).Users["bob"]
		bob.Tags = append(bob.Tags, org.Tag{Key: fmt.Sprint(n)})
	}},
	{"change tag", func(w *World, n int) {
		bob := w.Edit(member).Users["bob"]
		for i := range bob.Tags {
			bob.Tags[i].Value = fmt.Sprint(n)
		}
	}},
	{"join group", func(w *World, n int) { w.Edit(member).Users["bob"].Groups[fmt.Sprint(n)] = true }},
	{"inline policy", func(w *World, n int) { w.Edit(member).Users["bob"].Inline["p"] = fmt.Sprint(n) }},
	{"attach", func(w *World, n int) {
		bob := w.Edit(member).Users["bob"]
		bob.Attached = append(bob.Attached, fmt.Sprint(n))
	}},
	{"password", func(w *World, n int) {
		bob := w.Edit(member).Users["bob"]
		if bob.Login == nil {
			bob.Login = &Login{}
		}
		bob.Login.Password = fmt.Sprint(n)
	}},
	{"add key", func(w *World, n int) { w.AddKey(member, "bob", &Key{ID: fmt.Sprintf("AKIA%d", n)}) }},
	{"remove key", func(w *World, n int) { w.RemoveKey(member, "bob", fmt.Sprintf("AKIA%d", n-1)) }},
	{"deactivate keys", func(w *World, n int) {
		for _, k := range w.Edit(member).Users["bob"].Keys {
			k.Active = n%2 == 0
		}
	}},
	{"use key", func(w *World, n int) { w.UseKey("AKIAIOSFODNN7EXAMPLE", Use{Service: fmt.Sprint(n)}) }},
	{"credentials", func(w *World, n int) {
		bob := w.Edit(member).Users["bob"]
		for i := range bob.Services {
			bob.Services[i].Active = n%2 == 0
			bob.SSHKeys[i].Active = n%2 == 0
			bob.Certificates[i].Active = n%2 == 0
		}
		bob.Services = append(bob.Services, &ServiceCredential{})
		bob.SSHKeys = append(bob.SSHKeys, &SSHKey{})
		bob.Certificates = append(bob.Certificates, &Certificate{})
	}},
	{"group", func(w *World, n int) {
		a := w.Edit(member)
		if a.Groups["g"] == nil {
			a.Groups["g"] = &Group{Inline: map[string]string{}}
		}
		a.Groups["g"].Inline["p"] = fmt.Sprint(n)
		a.Groups["g"].Attached = append(a.Groups["g"].Attached[:0], fmt.Sprint(n))
	}},
	{"role", func(w *World, n int) {
		a := w.Edit(member)
		if a.Roles["r"] == nil {
			a.Roles["r"] = &Role{Inline: map[string]string{}}
		}
		a.Roles["r"].Trust = fmt.Sprint(n)
		a.Roles["r"].Inline["p"] = fmt.Sprint(n)
		a.Roles["r"].Tags = append(a.Roles["r"].Tags[:0], org.Tag{Key: fmt.Sprint(n)})
		a.Roles["r"].Attached = append(a.Roles["r"].Attached[:0], fmt.Sprint(n))
	}},
	{"policy", func(w *World, n int) {
		a := w.Edit(member)
		if a.Policies["p"] == nil {
			a.Policies["p"] = &Policy{ARN: "p"}
		}
		a.Policies["p"].Versions = append(a.Policies["p"].Versions[:0], org.Version{ID: fmt.Sprint(n)})
		a.Policies["p"].Tags = append(a.Policies["p"].Tags[:0], org.Tag{Key: fmt.Sprint(n)})
	}},
	{"device", func(w *World, n int) {
		d := w.Edit(member).Devices[bobsDevice]
		d.Tags = append(d.Tags[:0], org.Tag{Key: fmt.Sprint(n)})
		d.Skew = int64(n)
	}},
	{"code", func(w *World, n int) {
		now := noon.Add(time.Duration(n) * time.Minute)
		code, err := w.Code(bobsDevice, now)
		if err == nil {
			_ = w.VerifyCode(bobsDevice, code, now) // refused when a later one was used
		}
	}},
	{"session", func(w *World, n int) {
		w.AddSession(&Session{AccessKeyID: fmt.Sprintf("ASIA%d", n%3), Name: fmt.Sprint(n)})
	}},
	{"report", func(w *World, n int) {
		a := w.Edit(member)
		if a.Report == nil {
			a.Report = &Report{}
		}
		a.Report.Polls = n
	}},
	{"password policy", func(w *World, n int) {
		a := w.Edit(member)
		if a.PasswordPolicy == nil {
			a.PasswordPolicy = &PasswordPolicy{}
		}
		a.PasswordPolicy.MaxAge = int32(n)
	}},
	{"furniture", func(w *World, n int) {
		w.AddSampleData(member, noon)
		a := w.Edit(member)
		a.Instances[InstanceID(member)].State = fmt.Sprint(n)
		delete(a.Tables, TableName)
		a.Buckets[BucketName(member)].Objects["x"] = Object{Body: []byte(fmt.Sprint(n))}
	}},
	{"account", func(w *World, n int) {
		a := w.Edit(member)
		a.Alias = fmt.Sprint(n)
		a.SCPs = append(a.SCPs[:0], fmt.Sprint(n))
		a.Quotas[QuotaUsers] = int32(n)
	}},
	{"new account", func(w *World, n int) { w.AddAccount(&Account{ID: fmt.Sprintf("%012d", n)}) }},
	{"organization", func(w *World, n int) {
		o := w.EditOrganization()
		o.Units[0].SCPs = append(o.Units[0].SCPs[:0], fmt.Sprint(n))
		o.SCPs["p"] = org.SCP{ID: fmt.Sprint(n)}
		o.DelegatedAdmins = append(o.DelegatedAdmins[:0], DelegatedAdmin{Account: fmt.Sprint(n)})
	}},
	{"managed policy", func(w *World, n int) { w.SetAWSManaged(&Policy{ARN: "arn", Name: fmt.Sprint(n)}) }},
}

func TestWritesToOneWorldNeverShowInAnother(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		worlds := []*World{small(t)}
		seen := []string{everything(t, worlds[0])}
		for n := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			i := rapid.IntRange(0, len(worlds)-1).Draw(rt, "world")
			if len(worlds) < 5 && rapid.Bool().Draw(rt, "fork") {
				worlds = append(worlds, worlds[i].Fork())
				seen = append(seen, seen[i])
			} else {
				w := rapid.SampledFrom(writes).Draw(rt, "write")
				w.do(worlds[i], n+1)
				seen[i] = everything(t, worlds[i])
			}
			for j := range worlds {
				if got := everything(t, worlds[j]); got != seen[j] {
					rt.Fatalf("world %d changed when world %d was written to or forked:\n%s", j, i, cmp.Diff(seen[j], got))
				}
			}
		}
	})
}

func TestEveryWriteChangesSomething(t *testing.T) {
	for _, write := range writes {
		w := small(t)
		write.do(w, 1)
		write.do(w, 2)
		before := everything(t, w)
		write.do(w, 3)
		if everything(t, w) == before && write.name != "remove key" && write.name != "change tag" {
			t.Errorf("%s changes nothing, so the property above does not test it", write.name)
		}
	}
}

// The race detector watches this one.
func TestSeveralGoroutinesForkOneWorld(t *testing.T) {
	settled := small(t).Fork()
	want := everything(t, settled)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() { settled.Fork().Edit(member).Alias = fmt.Sprint(n) })
	}
	all.Wait()
	if got := everything(t, settled); got != want {
		t.Errorf("the world changed when its forks were written to:\n%s", cmp.Diff(want, got))
	}
}

func TestOverlayBehavesAsAMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := new(overlay[int])
		model := map[string]int{}
		for range rapid.IntRange(0, 40).Draw(rt, "steps") {
			key := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "key")
			switch rapid.SampledFrom([]string{"set", "remove", "fork"}).Draw(rt, "step") {
			case "set":
				v := rapid.IntRange(0, 9).Draw(rt, "value")
				o.set(key, v)
				model[key] = v
			case "remove":
				o.remove(key)
				delete(model, key)
			case "fork":
				other := o.fork()
				other.set(key, -1)
			}
			if diff := cmp.Diff(model, maps.Collect(o.all)); diff != "" {
				rt.Fatalf("contents (-model +overlay):\n%s", diff)
			}
			got, ok := o.get(key)
			if want, there := model[key]; got != want || ok != there {
				rt.Fatalf("get(%s) = %d, %v, want %d, %v", key, got, ok, want, there)
			}
		}
	})
}

// large is an account of 5000 users with a key, a group and a tag each.
func large(b *testing.B) *World {
	w := New("aws", 1)
	a := w.AddAccount(&Account{ID: member})
	for i := range 5000 {
		name := fmt.Sprintf("user%d", i)
		a.Users[name] = &User{
			Name: name, Path: "/", Tags: []org.Tag{{Key: "team", Value: "a"}}, Groups: map[string]bool{"ops": true},
			Inline: map[string]string{}, Keys: []*Key{{ID: w.NewID("AKIA")}},
		}
	}
	b.ResetTimer()
	return w
}

func BenchmarkFork(b *testing.B) {
	w := large(b)
	b.ReportAllocs()
	for b.Loop() {
		w.Fork()
	}
}

func BenchmarkFirstWriteAfterFork(b *testing.B) {
	w := large(b)
	b.ReportAllocs()
	for b.Loop() {
		w.Fork().Edit(member).Alias = "x"
	}
}
