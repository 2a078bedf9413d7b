package console

import (
	"encoding/base32"
	"encoding/base64"
	"flag"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/testbrowser"
	"forcemfa/internal/testqr"
)

// open serves the console of the sample and opens it.
func open(t *testing.T, width int64) (*emulator.Cloud, *testbrowser.Tab) {
	t.Helper()
	c := newSample(t)
	s, err := Listen(c, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := testbrowser.Open(t, width)
	b.URL = s.URL
	b.Allowed = func(asked string) bool {
		return strings.HasPrefix(asked, s.URL) || strings.HasPrefix(asked, "data:image/png;")
	}
	b.Do(chromedp.Navigate(s.URL))
	return c, b
}

const newest = `document.querySelector("#tried li").innerText`

// try clicks on an action and waits for its result.
func try(b *testbrowser.Tab, action string) string {
	b.T.Helper()
	const count = `document.querySelectorAll("#tried li").length`
	before := testbrowser.Eval[int](b, count)
	b.Click("button[value=" + action + "]")
	b.Until(count + " > " + string(rune('0'+before)))
	return testbrowser.Eval[string](b, newest)
}

func exists(id string) string { return `document.getElementById("` + id + `") !== null` }

// authenticator is an app that scans the QR code on the page.
func authenticator(b *testbrowser.Tab) (seed []byte) {
	b.T.Helper()
	_, encoded, _ := strings.Cut(testbrowser.Eval[string](b, `document.querySelector("img.qr").src`), "base64,")
	picture, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		b.T.Fatal(err)
	}
	text, err := testqr.PNG(picture, 4)
	if err != nil {
		b.T.Fatal(err)
	}
	uri, err := url.Parse(text)
	if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/petra@acme-staging" {
		b.T.Fatalf("the QR code is %q: %v", text, err)
	}
	seed, err = base32.StdEncoding.DecodeString(uri.Query().Get("secret"))
	if err != nil {
		b.T.Fatal(err)
	}
	return seed
}

func TestThreeMinutesForAManager(t *testing.T) {
	c, b := open(t, 1280)
	b.Accessible("sign-in page")
	b.Click(`a[href$="user=petra"]`)
	b.Until(`document.getElementById("user").value === "petra"`)
	b.Click("#sign-in")
	b.Until(exists("session"))
	testbrowser.Is(b, `document.getElementById("session").innerText.includes("without MFA")`, true)

	wants(t, try(b, "devices"), "Allowed")
	wants(t, try(b, "buckets"), "Refused", "Denied by statement", "policy/forcemfa/ForceMFA")
	b.Script(`document.querySelectorAll("details").forEach(d => d.open = true)`)
	b.Accessible("refused, details open")
	b.Dark(true)
	b.Accessible("refused, dark")
	b.Dark(false)

	b.Click("#enroll")
	b.Until(`document.querySelector("img.qr") !== null`)
	b.Accessible("enrollment")
	seed := authenticator(b)
	code := func(steps time.Duration) string { return world.CodeAt(seed, c.Now().Add(steps*30*time.Second)) }
	b.Do(chromedp.SendKeys(chromedp.CSS("#code1"), code(-1)), chromedp.SendKeys(chromedp.CSS("#code2"), code(0)))
	b.Click("#enable")
	b.Until(exists("enabled"))
	wants(t, try(b, "buckets"), "Refused")
	b.Accessible("enabled")

	b.Click("#again")
	b.Until(`document.getElementById("user")?.value === "petra"`)
	c.Advance(30 * time.Second)
	b.Click("#sign-in")
	b.Until(exists("code"))
	b.Accessible("code page")
	b.Do(chromedp.SendKeys(chromedp.CSS("#code"), code(0)))
	b.Click("#submit-code")
	b.Until(exists("session"))
	testbrowser.Is(b, `document.getElementById("session").innerText.includes("with MFA")`, true)
	wants(t, try(b, "buckets"), "Allowed", "AdministratorAccess")
	wants(t, try(b, "key"), "Allowed")
	b.Accessible("allowed")
}

// The whole way works without a mouse, on a narrow screen.
func TestKeyboardOnNarrowScreen(t *testing.T) {
	c, b := open(t, 390)
	b.Until(`document.activeElement.id === "account"`)
	b.Keys(staging + "\tpetra\t" + passwordOf(c, staging, "petra") + "\r")
	b.Until(exists("session"))
	const focused = `(document.activeElement.value || document.activeElement.id || document.activeElement.textContent)`
	tab := func(to string) {
		t.Helper()
		for range 20 {
			if testbrowser.Eval[string](b, focused) == to {
				return
			}
			b.Keys("\t")
		}
		t.Fatalf("the keyboard does not reach %s: it is at %s", to, testbrowser.Eval[string](b, focused))
	}
	b.Keys("\t")
	testbrowser.Is(b, focused, "Skip to the content")
	tab("buckets")
	b.Keys("\r")
	b.Until(exists("tried"))
	wants(t, testbrowser.Eval[string](b, newest), "Refused")
	testbrowser.Is(b, `location.hash`, "#result")
	b.Accessible("refused at 390 px")
	testbrowser.Is(b, `document.documentElement.scrollWidth <= 390`, true)
	b.Do(chromedp.Navigate(b.URL))
	tab("enroll")
	b.Keys("\r")
	b.Until(exists("code1"))
	testbrowser.Is(b, `document.documentElement.scrollWidth <= 390`, true)
}

var update = flag.Bool("update", false, "write the picture of docs/console.md")

func TestPictureOfTheDocumentation(t *testing.T) {
	c, b := open(t, 1280)
	b.Do(chromedp.EmulateViewport(1280, 640))
	b.Keys(staging + "\tpetra\t" + passwordOf(c, staging, "petra") + "\r")
	b.Until(exists("session"))
	try(b, "users")
	try(b, "devices")
	try(b, "buckets")
	b.Do(chromedp.Navigate(b.URL))
	b.Script(`document.querySelector("details").open = true`)
	b.Picture("../../../docs/pictures/console.png", 1280, 640, *update)
}
