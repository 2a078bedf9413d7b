package view

import (
	"math"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Contrast as WCAG 2.2 defines it, on the backgrounds that terminals have.
func TestColorsAreReadableOnLightAndDark(t *testing.T) {
	colors := map[text.Color][3]float64{red: {255, 0, 0}, green: {0, 135, 0}, amber: {175, 95, 0}}
	backgrounds := []struct {
		name  string
		color [3]float64
		least float64
	}{{"white", [3]float64{255, 255, 255}, 3.9}, {"black", [3]float64{}, 3.9}, {"cream", [3]float64{253, 246, 227}, 3}, {"dark gray", [3]float64{30, 30, 30}, 3}, {"dark blue", [3]float64{0, 43, 54}, 3}}
	for color, rgb := range colors {
		for _, b := range backgrounds {
			x, y := luminance(rgb), luminance(b.color)
			if contrast := (max(x, y) + 0.05) / (min(x, y) + 0.05); contrast < b.least {
				t.Errorf("color %d on %s: contrast %.1f, want at least %.1f", color, b.name, contrast, b.least)
			}
		}
	}
	for color, want := range map[text.Color]string{red: "\x1b[38;5;196m", green: "\x1b[38;5;28m", amber: "\x1b[38;5;130m"} {
		if got := color.EscapeSeq(); got != want {
			t.Errorf("color %d is %q, want %q", color, got, want)
		}
	}
}

func luminance(rgb [3]float64) float64 {
	linear := func(c float64) float64 {
		if c /= 255; c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(rgb[0]) + 0.7152*linear(rgb[1]) + 0.0722*linear(rgb[2])
}
