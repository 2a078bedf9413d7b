package main

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"forcemfa/internal/testqr"
)

var colors = regexp.MustCompile("\x1b\\[[0-9;]*m")

// readQR reads the QR code on a terminal, as a camera does: two rows of modules in each
// line of half blocks, light where the block is drawn.
func readQR(shown string) (string, error) {
	var rows [][]bool // true: dark
	for line := range strings.Lines(shown) {
		line = strings.TrimRight(colors.ReplaceAllString(line, ""), "\r\n")
		if !strings.ContainsAny(line, "█▀▄") {
			continue
		}
		upper, lower := make([]bool, 0, utf8.RuneCountInString(line)), []bool{}
		for _, block := range line {
			upper = append(upper, block == ' ' || block == '▄')
			lower = append(lower, block == ' ' || block == '▀')
		}
		rows = append(rows, upper, lower)
	}
	return testqr.Decode(testqr.Cropped(rows))
}
