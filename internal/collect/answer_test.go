package collect

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

// hollow answers one operation of IAM or Organizations with status 200 and a text, from
// the page after so many, and passes the others on.
type hollow struct {
	next      aws.HTTPClient
	operation string
	text      func(operation string) string
	pages     atomic.Int64 // accounts are read side by side
}

// operationOf is the operation of a request to IAM or Organizations.
func operationOf(r *http.Request) (string, error) {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok || r.Body == nil {
		return operation, nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	form, err := url.ParseQuery(string(text))
	return form.Get("Action"), err
}

func (h *hollow) Do(r *http.Request) (*http.Response, error) {
	operation, err := operationOf(r)
	if err != nil {
		return nil, err
	}
	if operation != h.operation || h.pages.Add(-1) >= 0 {
		return h.next.Do(r)
	}
	return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(h.text(operation))), Request: r}, nil
}

var hollowTexts = map[string]func(operation string) string{
	"no body": func(string) string { return "" },
	"a page":  func(string) string { return "<html><body>OK</body></html>" },
	"no result": func(operation string) string {
		return "<" + operation + "Response></" + operation + "Response>"
	},
	"an empty result": func(operation string) string {
		return "<" + operation + "Response><" + operation + "Result/></" + operation + "Response>"
	},
}

func (s *stand) hollowFleet(t *testing.T, operation string, pages int, text func(string) string) *fleet.Fleet {
	t.Helper()
	cfg := s.cloud.Config(s.creds, "")
	client := &hollow{next: cfg.HTTPClient, operation: operation, text: text}
	client.pages.Store(int64(pages))
	cfg.HTTPClient = client
	f, err := fleet.New(cfg, fleet.Options{Rate: -1, Now: s.cloud.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A proxy that answers with an empty page must not look like an account without users,
// devices or policies: what such an answer says is not read.
func TestAnswersThatContainNothingAreGaps(t *testing.T) {
	for _, row := range []struct {
		operation string
		list      bool // its result may be empty
	}{
		{"GetAccountAuthorizationDetails", true}, {"ListVirtualMFADevices", true}, {"GetAccountSummary", true}, {"ListAccountAliases", true},
		{"GetCredentialReport", false}, {"GetPolicy", false}, {"GetPolicyVersion", false}, {"ListMFADevices", true},
	} {
		for name, text := range hollowTexts {
			t.Run(row.operation+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h, accounts := company()
					s := newStand(t, h, accounts, emulator.Options{})
					_, all, err := Run(t.Context(), s.hollowFleet(t, row.operation, 0, text), Options{})
					if err != nil {
						t.Fatal(err)
					}
					a := collected(t, all)[1]
					what := "iam:" + row.operation
					if row.operation == "GetPolicy" { // of the ForceMFA policy, for its fingerprint
						what += " " + baseline.PolicyARN("aws", member)
					}
					told := slices.ContainsFunc(a.Gaps, func(g org.Gap) bool { return strings.HasPrefix(g.What, what) })
					if !told && !(row.list && name == "an empty result") {
						t.Errorf("no gap: %v", a.Gaps)
					}
					if row.operation == "GetAccountAuthorizationDetails" && a.Read && name != "an empty result" {
						t.Error("the account counts as read")
					}
				})
			})
		}
	}
}

// A list of which a page is missing is not read. Half of the users, or half of the
// devices, would look like an account without the others.
func TestAListWithoutItsSecondPageIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		crowd(accounts[1], 1200)
		s := newStand(t, h, accounts, emulator.Options{})
		for _, operation := range []string{"GetAccountAuthorizationDetails", "ListVirtualMFADevices"} {
			f := s.hollowFleet(t, operation, 1, func(string) string { return "" })
			_, all, err := Run(t.Context(), f, Options{})
			if err != nil {
				t.Fatal(err)
			}
			read := collected(t, all)
			i := slices.IndexFunc(read, func(a *org.Account) bool { return len(a.Gaps) > 0 && a.Caller != "" })
			if i < 0 {
				t.Fatalf("%s: no account has a gap", operation)
			}
			a := read[i]
			if !slices.ContainsFunc(a.Gaps, func(g org.Gap) bool { return g.What == "iam:"+operation }) {
				t.Errorf("%s: gaps %v", operation, a.Gaps)
			}
			if operation == "GetAccountAuthorizationDetails" && (a.Read || len(a.Users)+len(a.Groups)+len(a.Roles)+len(a.Policies) > 0) {
				t.Errorf("read %v, with %d users", a.Read, len(a.Users))
			}
			if operation == "ListVirtualMFADevices" && (len(a.Unassigned) > 0 || a.Root.HardwareMFA != org.Unknown) {
				t.Errorf("unassigned devices %v, hardware device of the root user %v", a.Unassigned, a.Root.HardwareMFA)
			}
		}
	})
}

// garbled replaces a text in the answers to one operation.
type garbled struct {
	next           aws.HTTPClient
	operation      string
	text, replaced string
}

func (g garbled) Do(r *http.Request) (*http.Response, error) {
	operation, err := operationOf(r)
	if err != nil {
		return nil, err
	}
	answer, err := g.next.Do(r)
	if err != nil || operation != g.operation {
		return answer, err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(g.text), []byte(g.replaced))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return answer, nil
}

// A document that cannot be decoded may deny or allow anything, so it is a gap.
func TestADocumentThatCannotBeDecodedIsAGap(t *testing.T) {
	const quote = "%22" // in each document, which IAM encodes
	for operation, want := range map[string]string{
		"GetAccountAuthorizationDetails": "trust policy of role OrganizationAccountAccessRole", "GetPolicyVersion": "iam:GetPolicyVersion " + adminARN,
	} {
		synctest.Test(t, func(t *testing.T) {
			h, accounts := company()
			s := newStand(t, h, accounts, emulator.Options{})
			cfg := s.cloud.Config(s.creds, "")
			cfg.HTTPClient = garbled{cfg.HTTPClient, operation, quote, "%zz"}
			f, err := fleet.New(cfg, fleet.Options{Rate: -1, Now: s.cloud.Now})
			if err != nil {
				t.Fatal(err)
			}
			_, all, err := Run(t.Context(), f, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if gaps := collected(t, all)[1].Gaps; !slices.ContainsFunc(gaps, func(g org.Gap) bool { return g.What == want }) {
				t.Errorf("%s: no gap %s: %v", operation, want, gaps)
			}
			cfg.HTTPClient = garbled{s.cloud.Config(s.creds, "").HTTPClient, "GetUserPolicy", quote, "%zz"}
			if f, err = fleet.New(cfg, fleet.Options{Rate: -1, Now: s.cloud.Now}); err != nil {
				t.Fatal(err)
			}
			if cfg, _, err = f.Enter(t.Context(), member); err != nil {
				t.Fatal(err)
			}
			inline := slices.IndexFunc(accounts[1].Users, func(u org.User) bool { return len(u.Inline) > 0 })
			if u, _, err := User(t.Context(), cfg, accounts[1].Users[inline].Name); err == nil {
				t.Errorf("a user whose policy cannot be decoded: %+v", u)
			}
		})
	}
}

func TestAnswersThatContainNothingTellNothingOfAUser(t *testing.T) {
	for _, operation := range []string{"GetUser", "ListGroupsForUser", "ListAttachedUserPolicies", "ListUserPolicies", "GetLoginProfile", "ListMFADevices", "ListAccessKeys", "ListServiceSpecificCredentials", "ListSSHPublicKeys"} {
		for name, text := range hollowTexts {
			if name == "an empty result" && strings.HasPrefix(operation, "List") {
				continue // the list may be empty
			}
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company()
				s := newStand(t, h, accounts, emulator.Options{})
				cfg, _, err := s.hollowFleet(t, operation, 0, text).Enter(t.Context(), member)
				if err != nil {
					t.Fatal(err)
				}
				_, gaps, err := User(t.Context(), cfg, "virtual")
				var incomplete *fleet.IncompleteError
				if told := slices.ContainsFunc(gaps, func(g org.Gap) bool { return strings.HasPrefix(g.What, "iam:"+operation) }); !told && !errors.As(err, &incomplete) {
					t.Errorf("%s, %s: gaps %v, error %v", operation, name, gaps, err)
				}
			})
		}
	}
}

// An organization that answers nothing is not one without accounts.
func TestOrganizationsThatAnswerNothingAreGaps(t *testing.T) {
	for operation, gap := range map[string]string{
		"DescribeOrganization": "organizations:DescribeOrganization", "ListAccounts": "organizations:ListAccounts", "ListRoots": "organizations:ListRoots", "ListPolicies": "organizations:ListPolicies",
	} {
		for _, text := range []string{"", "{}"} {
			synctest.Test(t, func(t *testing.T) {
				h, accounts := company()
				s := newStand(t, h, accounts, emulator.Options{})
				f := s.hollowFleet(t, operation, 0, func(string) string { return text })
				got, _, err := Run(t.Context(), f, Options{})
				if err != nil {
					return // refused as a whole
				}
				if !slices.ContainsFunc(got.Gaps, func(g org.Gap) bool { return strings.HasPrefix(g.What, gap) }) {
					t.Errorf("%s %q: gaps %v", operation, text, got.Gaps)
				}
				if operation != "DescribeOrganization" {
					return
				}
				for _, text := range []string{text, `{"Other":{}}`} {
					f := s.hollowFleet(t, operation, 0, func(string) string { return text })
					if h, _, err := Self(t.Context(), f, Options{}); err != nil || len(h.Gaps) == 0 {
						t.Errorf("the account alone, %q: gaps %v, error %v", text, h.Gaps, err)
					}
				}
			})
		}
	}
}

// Without a password policy, users change an expired password themselves. When the policy
// cannot be read, nobody knows.
func TestThePolicyOfExpiredPasswordsIsAbsentOrNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		s.cloud.Update(func(w *world.World) {
			w.Edit(member).PasswordPolicy = &world.PasswordPolicy{MaxAge: 90, HardExpiry: true}
		})
		for name, text := range hollowTexts {
			_, all, err := Run(t.Context(), s.hollowFleet(t, "GetAccountPasswordPolicy", 0, text), Options{})
			if err != nil {
				t.Fatal(err)
			}
			a := collected(t, all)[1]
			if a.HardExpiry != org.Unknown || !slices.ContainsFunc(a.Gaps, func(g org.Gap) bool { return g.What == "iam:GetAccountPasswordPolicy" }) {
				t.Errorf("%s: hard expiry %q, gaps %v", name, a.HardExpiry, a.Gaps)
			}
		}
		s.cloud.Update(func(w *world.World) { w.Edit(member).PasswordPolicy = nil }) // after the credential report
		if a := collectAll(t, s)[1]; a.HardExpiry != org.No || a.User("console").PasswordExpires == nil {
			t.Errorf("no policy: hard expiry %q, gaps %v", a.HardExpiry, a.Gaps)
		}
	})
}

// A policy of AWS counts when it is attached, and when it is a boundary: without its text
// nobody knows what the boundary permits.
func TestPoliciesOfAWSThatAreUsedAnywhereAreRead(t *testing.T) {
	const of = "arn:aws:iam::aws:policy/"
	r := reader{to: &org.Account{
		Users:  []org.User{{Attached: []string{of + "A", "arn:aws:iam::" + member + ":policy/own"}, Boundary: of + "B"}},
		Groups: []org.Group{{Attached: []string{of + "C"}}},
		Roles:  []org.Role{{Attached: []string{of + "D"}, Boundary: of + "E"}, {Boundary: "arn:aws:iam::" + member + ":policy/own"}},
	}}
	want := map[string]bool{of + "A": true, of + "B": true, of + "C": true, of + "D": true, of + "E": true}
	if d := cmp.Diff(want, r.used()); d != "" {
		t.Errorf("policies (-want +got):\n%s", d)
	}
}
