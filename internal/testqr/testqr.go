// Package testqr reads QR codes, as the camera of a phone does. Only tests import it.
package testqr

import (
	"bytes"
	"errors"
	"image/color"
	"image/png"

	"rsc.io/qr/coding"
)

// PNG reads the code of a picture whose modules have scale pixels.
func PNG(picture []byte, scale int) (string, error) {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", err
	}
	var rows [][]bool
	for y := img.Bounds().Min.Y + scale/2; y < img.Bounds().Max.Y; y += scale {
		var row []bool
		for x := img.Bounds().Min.X + scale/2; x < img.Bounds().Max.X; x += scale {
			row = append(row, color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 128)
		}
		rows = append(rows, row)
	}
	return Decode(Cropped(rows))
}

// Cropped removes the quiet zone: the first finder pattern begins with a dark module.
func Cropped(rows [][]bool) [][]bool {
	for y, row := range rows {
		for x, dark := range row {
			if !dark {
				continue
			}
			size := len(row) - 2*x
			var out [][]bool
			for i := y; i < y+size && i < len(rows); i++ {
				out = append(out, rows[i][x:x+size])
			}
			return out
		}
	}
	return nil
}

// Decode reads the text of a code without its quiet zone; true is dark. It knows level L,
// and tries its eight masks. Source: ISO/IEC 18004.
func Decode(modules [][]bool) (string, error) {
	for mask := range coding.Mask(8) {
		plan, err := coding.NewPlan(coding.Version((len(modules)-17)/4), coding.L, mask)
		if err != nil || len(plan.Pixel) != len(modules) {
			return "", errors.New("there is no QR code")
		}
		if bits, ok := bitsOf(plan, modules); ok {
			return textOf(bits, plan.Version)
		}
	}
	return "", errors.New("the format of the QR code is not readable")
}

// bitsOf returns the bits of a code, if its format is that of the plan.
func bitsOf(plan *coding.Plan, modules [][]bool) (bits []byte, ok bool) {
	bits = make([]byte, plan.DataBytes*8)
	for y, row := range plan.Pixel {
		for x, pixel := range row {
			differs := modules[y][x] != (pixel&coding.Black != 0)
			switch {
			case pixel.Role() == coding.Format && differs:
				return nil, false
			case pixel.Role() == coding.Data && differs:
				bits[pixel.Offset()] = 1
			}
		}
	}
	return bits, true
}

// textOf reads one segment in byte mode, the mode of a URI.
func textOf(bits []byte, v coding.Version) (string, error) {
	number := func(n int) (value int) {
		for _, bit := range bits[:n] {
			value = value<<1 | int(bit)
		}
		bits = bits[n:]
		return value
	}
	length := 8
	if v >= 10 {
		length = 16
	}
	if number(4) != 4 {
		return "", errors.New("the QR code is not in byte mode")
	}
	out := make([]byte, number(length))
	for i := range out {
		out[i] = byte(number(8))
	}
	return string(out), nil
}
