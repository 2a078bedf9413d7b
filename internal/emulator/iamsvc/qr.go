package iamsvc

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/url"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

const (
	qrScale = 4 // pixels of a module
	qrQuiet = 4 // modules of white around the code, as ISO/IEC 18004 asks
)

// qrCode draws what an authenticator app scans.
// Source: IAM API Reference, VirtualMFADevice, QRCodePNG:
// otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String.
//
// The lowest error correction and one byte a pixel: the code is for a screen,
// and a rehearsal makes hundreds of them.
func qrCode(device, account, secret string) ([]byte, error) {
	code, err := qr.Encode("otpauth://totp/"+url.PathEscape(device+"@"+account)+"?secret="+secret, qr.L, qr.Unicode)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	err = encoder.Encode(&b, enlarged(code))
	return b.Bytes(), err
}

func enlarged(code barcode.Barcode) image.Image {
	modules := code.Bounds().Dx()
	side := (modules + 2*qrQuiet) * qrScale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range modules {
		for x := range modules {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fill(picture, (x+qrQuiet)*qrScale, (y+qrQuiet)*qrScale)
			}
		}
	}
	return picture
}

// fill makes one module black.
func fill(picture *image.Paletted, x, y int) {
	for dy := range qrScale {
		row := picture.Pix[(y+dy)*picture.Stride+x:][:qrScale]
		for i := range row {
			row[i] = 1
		}
	}
}
