// Package testbrowser opens pages in a headless Chromium, and fails the test for what a
// page must not do: ask another origin for something, run into an error, open a dialog,
// violate its content security policy or the rules of axe-core.
//
// Only tests import this package. TestMain calls [Run].
package testbrowser

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"forcemfa/internal/testclients"
)

// browser is one Chromium for all tests. It ends with this process on Linux.
var browser sharedBrowser

type sharedBrowser struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
}

func (b *sharedBrowser) start() {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testclients.Chromium()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(2*time.Minute))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b.ctx, b.cancel = ctx, func() { cancel(); stop() }
}

// Run runs the tests of a package as [testclients.Run] does, ends the browser if a test
// started it, and returns the exit status.
func Run(m *testing.M) int {
	status := testclients.Run(m)
	if browser.cancel != nil {
		browser.cancel()
	}
	return status
}

// A Tab shows one page. What it asks of the network, and what its script or its content
// security policy complains about, fails the test.
type Tab struct {
	T   *testing.T
	Ctx context.Context
	// URL is the page. Requests for it, and for URLs that Allowed accepts, are expected.
	URL     string
	Allowed func(url string) bool
	// Refusals are expected: the browser complains about an answer with status 4xx.
	Refusals bool
}

// Open opens an empty tab of that width. The test is skipped without Chromium.
func Open(t *testing.T, width int64) *Tab {
	t.Helper()
	testclients.Need(t, "chromium")
	browser.once.Do(browser.start)
	if err := chromedp.Do(browser.ctx); err != nil {
		t.Fatal(err)
	}
	b := &Tab{T: t}
	ctx, cancel := chromedp.NewContext(browser.ctx, chromedp.WithListener(b.hear))
	b.Ctx = ctx
	t.Cleanup(cancel)
	b.Do(chromedp.EmulateViewport(width, 900))
	return b
}

// hear fails the test for what a page must not do.
func (b *Tab) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		asked, _, _ := strings.Cut(e.Request.URL, "#")
		if asked != b.URL && asked != "about:blank" && (b.Allowed == nil || !b.Allowed(asked)) {
			b.T.Errorf("the page asks for %s", e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		b.T.Errorf("the script fails: %+v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !(b.Refusals && strings.Contains(e.Entry.Text, "the server responded with a status of 4")) {
			b.T.Errorf("the browser complains: %s", e.Entry.Text)
		}
	case *page.EventJavascriptDialogOpening:
		b.T.Errorf("a dialog opens: %s", e.Message)
	}
}

// Do runs steps.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	if err := chromedp.Do(b.Ctx, steps...); err != nil {
		b.T.Fatal(err)
	}
}

// Click clicks on the first element of a CSS selector.
func (b *Tab) Click(selector string) {
	b.T.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Keys presses keys.
func (b *Tab) Keys(keys string) {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Script runs a statement.
func (b *Tab) Script(statement string) {
	b.T.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](statement))
}

// Eval is the value of an expression.
func Eval[T any](b *Tab, expression string) T {
	b.T.Helper()
	value, err := chromedp.Run(b.Ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.T.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Until waits for an expression to be true. While a page is loaded there may be nothing
// that could evaluate it.
func (b *Tab) Until(expression string) {
	b.T.Helper()
	var is bool
	var err error
	for end := time.Now().Add(2 * time.Minute); !is && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		is, err = chromedp.Run(b.Ctx, chromedp.Evaluate[bool](expression))
	}
	if !is {
		b.T.Fatalf("%s does not become true: %v", expression, err)
	}
}

// Is fails unless an expression has that value.
func Is[T comparable](b *Tab, expression string, want T) {
	b.T.Helper()
	if got := Eval[T](b, expression); got != want {
		b.T.Errorf("%s is %v, want %v", expression, got, want)
	}
}

// Dark switches between the dark and the light color scheme.
func (b *Tab) Dark(on bool) {
	scheme := "light"
	if on {
		scheme = "dark"
	}
	b.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, err
	})
}

//go:embed axe/axe.min.js.gz
var axeFile []byte

// axe is the accessibility checker axe-core.
var axe = sync.OnceValues(func() (string, error) {
	text, err := gzip.NewReader(bytes.NewReader(axeFile))
	if err != nil {
		return "", err
	}
	all, err := io.ReadAll(text)
	return string(all), errors.Join(err, text.Close())
})

// Accessible fails for each violation that axe-core finds in the page as it is now.
func (b *Tab) Accessible(when string) {
	b.T.Helper()
	script, err := axe()
	if err != nil {
		b.T.Fatal(err)
	}
	b.Script(script)
	found := Eval[[]violation](b, `axe.run({resultTypes: ["violations"]}).then(r => r.violations.map(v => ({Rule: v.id, Help: v.help, Where: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ": " + n.failureSummary)})))`)
	for _, v := range found {
		b.T.Errorf("%s: axe-core finds %s (%s): %s", when, v.Rule, v.Help, strings.Join(v.Where, "\n"))
	}
}

type violation struct {
	Rule, Help string
	Where      []string
}
