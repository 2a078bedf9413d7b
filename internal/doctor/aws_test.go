package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/doctor"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/secret"
)

// serve starts the sample organization and returns its endpoint and the active
// key of a user.
func serve(t *testing.T) (endpoint string, keyOf func(account, user string) secret.Keys) {
	t.Helper()
	header, accounts := sample.Organization()
	w, err := world.Load(header, func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	cloud := emulator.New(w, emulator.Options{Clock: time.Now})
	server, err := cloud.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server.Endpoint, func(account, user string) (keys secret.Keys) {
		cloud.View(func(w *world.World) {
			for _, k := range w.Account(account).Users[user].Keys {
				if k.Active {
					keys = secret.Keys{AccessKeyID: k.ID, SecretAccessKey: secret.NewText(k.Secret)}
				}
			}
		})
		return keys
	}
}

// use has the SDK call an endpoint with nothing of this machine's settings.
func use(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_PROFILE": "", "AWS_ACCESS_KEY_ID": "", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": "", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// withKey is a laptop whose profile bob has a key in the secret store.
func withKey(t *testing.T, config string, keys secret.Keys) *laptop {
	t.Helper()
	l := newLaptop(t, "[profile bob]\nforcemfa_store = file\n"+config, "")
	store := secret.Memory()
	if err := store.Set(t.Context(), "bob", keys); err != nil {
		t.Fatal(err)
	}
	l.Store = func(awsfile.Profile) (secret.Store, error) { return store, nil }
	return l
}

func TestFindingsOfAWS(t *testing.T) {
	endpoint, keyOf := serve(t)
	use(t, endpoint)
	anna := keyOf("222222222222", "anna")
	for _, row := range []struct {
		name   string
		keys   secret.Keys
		config string
		clock  time.Duration
		want   []string
	}{
		{name: "no problems", keys: anna, want: []string{}},
		{name: "a wrong serial", keys: anna, config: "mfa_serial = arn:aws:iam::222222222222:mfa/old\n",
			want: []string{"broken | device | config:3 | mfa_serial arn:aws:iam::222222222222:mfa/old is not a device of the user"}},
		{name: "no device", keys: keyOf("111111111111", "bob"), want: []string{"broken | device | bob | the user has no MFA device"}},
		{name: "security keys only", keys: keyOf("222222222222", "farid"),
			want: []string{"broken | device | bob | the user has only security keys, and STS accepts only codes"}},
		{name: "a deleted key", keys: secret.Keys{AccessKeyID: "AKIAGONEGONEGONE0000", SecretAccessKey: secret.NewText("gone")},
			want: []string{"broken | key | bob | AWS does not accept access key AKIAGONEGONEGONE0000: InvalidClientTokenId: The security token included in the request is invalid."}},
		{name: "clock ahead", keys: anna, clock: time.Hour, want: []string{"broken | clock | ENDPOINT | this machine's clock is 1h0m0s ahead"}},
		{name: "clock behind", keys: anna, clock: -time.Hour, want: []string{"broken | clock | ENDPOINT | this machine's clock is 1h0m0s behind"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := withKey(t, row.config, row.keys)
			l.Now = func() time.Time { return time.Now().Add(row.clock) }
			got := l.examine(t, doctor.Options{Profile: "bob"})
			for i := range got {
				got[i] = strings.NewReplacer(endpoint, "ENDPOINT", "59m59s", "1h0m0s", "59m58s", "1h0m0s", "1h0m1s", "1h0m0s", "1h0m2s", "1h0m0s").Replace(got[i])
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// answers is an AWS that returns one answer to every call of an action.
func answers(t *testing.T, actions map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		answer, ok := actions[r.PostForm.Get("Action")]
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if code, isError := strings.CutPrefix(answer, "error "); isError {
			w.WriteHeader(http.StatusForbidden)
			answer = fmt.Sprintf("<ErrorResponse><Error><Code>%s</Code><Message>refused</Message></Error></ErrorResponse>", code)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func identity(arn string) string {
	return "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>" + arn + "</Arn><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
}

func TestFindingsOfRareAnswers(t *testing.T) {
	bob := identity("arn:aws:iam::222222222222:user/bob")
	for _, row := range []struct {
		name, config string
		actions      map[string]string
		want         []string
	}{
		{name: "root user", actions: map[string]string{"GetCallerIdentity": identity("arn:aws:iam::222222222222:root")},
			want: []string{"risk | key | bob | this is a key of the root user, which no policy can restrict"}},
		{name: "listing is denied", actions: map[string]string{"GetCallerIdentity": bob, "ListMFADevices": "error AccessDenied"},
			want: []string{"unknown | device | bob | the user is not allowed to list their own MFA devices"}},
		{name: "listing is denied and mfa_serial is set", config: "mfa_serial = GAHT1\n",
			actions: map[string]string{"GetCallerIdentity": bob, "ListMFADevices": "error AccessDenied"}, want: []string{}},
		{name: "a wrong clock", actions: map[string]string{"GetCallerIdentity": "error RequestExpired"},
			want: []string{"broken | key | bob | AWS does not accept access key AKIABOB: RequestExpired: refused"}},
		{name: "an unknown code", actions: map[string]string{"GetCallerIdentity": "error OptInRequired"},
			want: []string{"broken | key | bob | AWS does not accept access key AKIABOB: OptInRequired: refused"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			use(t, answers(t, row.actions))
			l := withKey(t, row.config, secret.Keys{AccessKeyID: "AKIABOB", SecretAccessKey: secret.NewText("s")})
			if diff := cmp.Diff(row.want, l.examine(t, doctor.Options{Profile: "bob"})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnEndpointThatDoesNotAnswer(t *testing.T) {
	use(t, "http://127.0.0.1:1")
	l := withKey(t, "", secret.Keys{AccessKeyID: "AKIABOB", SecretAccessKey: secret.NewText("s")})
	got := l.examine(t, doctor.Options{Profile: "bob"})
	if len(got) != 1 || !strings.HasPrefix(got[0], "broken | endpoint | http://127.0.0.1:1 | does not answer: connection refused: ") {
		t.Errorf("%q", got)
	}
	// Without an endpoint the SDK computes one, which needs a valid Region.
	use(t, "")
	l = withKey(t, "", secret.Keys{AccessKeyID: "AKIABOB", SecretAccessKey: secret.NewText("s")})
	got = l.examine(t, doctor.Options{Profile: "bob", Region: "not a region"})
	if len(got) != 1 || !strings.HasPrefix(got[0], "broken | endpoint | not a region | no endpoint for STS: ") {
		t.Errorf("%q", got)
	}
}

func TestFindingsOfTheKey(t *testing.T) {
	locked := &secret.Error{Backend: secret.File, Op: "read", Err: errors.New("no passphrase"), Next: "unlock it"}
	for _, row := range []struct {
		name, config, credentials string
		store                     func(awsfile.Profile) (secret.Store, error)
		want                      []string
	}{
		{name: "store is locked", config: "[profile bob]\nforcemfa_store = file\n",
			store: func(awsfile.Profile) (secret.Store, error) { return nil, locked },
			want:  []string{"unknown | store | bob | read the file store: no passphrase"}},
		{name: "key is not in the store", config: "[profile bob]\nforcemfa_store = file\n",
			store: func(awsfile.Profile) (secret.Store, error) { return secret.Memory(), nil },
			want:  []string{"broken | store | bob | bob: not in the secret store (memory)"}},
		{name: "no credentials", config: "[profile bob]\nregion = eu-west-1\n",
			want: []string{"broken | profile | config:1 | profile bob has no credentials"}},
		{name: "SSO is not tried", config: "[profile bob]\nsso_session = corp\n", want: []string{}},
		{name: "the source of a role is tried", config: "[profile bob]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = base\n[profile base]\nregion = eu-west-1\n",
			want: []string{"broken | profile | config:4 | profile base has no credentials"}},
		{name: "a source that does not end", config: "[profile bob]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = bob\n",
			want: []string{"broken | profile | config:3 | source_profile settings form a loop: bob → bob"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLaptop(t, row.config, row.credentials)
			l.Store = row.store
			if diff := cmp.Diff(row.want, l.examine(t, doctor.Options{Profile: "bob"})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAKeyInAFileIsTried(t *testing.T) {
	endpoint, keyOf := serve(t)
	use(t, endpoint)
	anna := keyOf("222222222222", "anna")
	l := newLaptop(t, "", "[bob]\naws_access_key_id = "+anna.AccessKeyID+"\naws_secret_access_key = "+anna.SecretAccessKey.Reveal()+"\n")
	report := doctor.Examine(context.Background(), l.Machine, doctor.Options{})
	if report.Profile != "bob" || len(report.Findings) != 1 || report.Findings[0].Check != "plaintext" {
		t.Errorf("%+v", report)
	}
}
