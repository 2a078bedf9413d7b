package report_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the pictures of docs/report.md and README.md")

// The pictures of docs/report.md. Fonts differ between machines, so only the size of a
// picture is compared; -update writes them anew.
func TestPicturesOfTheDocumentation(t *testing.T) {
	for _, picture := range []struct {
		name          string
		width, height int64
		dark          bool
		fragment      string
	}{
		{"summary", 1280, 1000, false, ""},
		{"summary-dark", 1280, 1000, true, ""},
		{"summary-phone", 390, 900, false, ""},
		{"users", 1280, 800, false, "#users?state=open"},
		{"user", 1280, 800, false, "#user/111111111111/frank"},
	} {
		t.Run(picture.name, func(t *testing.T) {
			b := inChromium(t, samplePage(t), picture.width, "")
			b.Do(chromedp.EmulateViewport(picture.width, picture.height))
			b.Dark(picture.dark)
			b.visit(picture.fragment)
			b.Picture(filepath.Join("../../docs/pictures", "report-"+picture.name+".png"), picture.width, picture.height, *update)
		})
	}
}
