package testbrowser

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// Picture compares the page with a picture of the documentation. Fonts differ between
// machines, so only the size is compared; update writes the picture anew.
func (b *Tab) Picture(name string, width, height int64, update bool) {
	b.T.Helper()
	got, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.T.Fatal(err)
	}
	if update {
		if err := os.WriteFile(name, fewColors(b.T, got), 0o644); err != nil {
			b.T.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		b.T.Fatal(err)
	}
	if w, h := sizeOf(b.T, got); w != width || h != height {
		b.T.Errorf("the picture has %d × %d pixels", w, h)
	}
	if w, h := sizeOf(b.T, want); w != width || h != height {
		b.T.Errorf("%s has %d × %d pixels: write it with -update", name, w, h)
	}
}

func sizeOf(t *testing.T, picture []byte) (width, height int64) {
	t.Helper()
	config, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	return int64(config.Width), int64(config.Height)
}

// fewColors is a picture with its 256 most frequent colors, which is a third of the size.
func fewColors(t *testing.T, picture []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	area := from.Bounds()
	used := map[color.RGBA]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			used[color.RGBAModel.Convert(from.At(x, y)).(color.RGBA)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(used), func(a, b color.RGBA) int {
		return cmp.Or(used[b]-used[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	palette := color.Palette{}
	for _, c := range colors[:min(len(colors), 256)] {
		palette = append(palette, c)
	}
	to := image.NewPaletted(area, palette)
	draw.Draw(to, area, from, area.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
