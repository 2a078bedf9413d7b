package engineer

import (
	"bytes"
	"fmt"
	"io"

	"github.com/mdp/qrterminal/v3"

	"forcemfa/internal/session"
	"forcemfa/internal/view"
)

// White on black, from the part of the palette that themes do not change. Without
// colors, a terminal with a light background would show the code inverted, which many
// authenticator apps do not read.
const (
	qrColors = "\x1b[38;5;231;48;5;16m"
	noColors = "\x1b[0m"
)

func showQR(w io.Writer, d *session.NewDevice) {
	fmt.Fprintf(w, "Scan this QR code with your authenticator app (%s):\n\n", view.Clean(d.Serial))
	drawQR(w, d.URI())
	fmt.Fprint(w, "\nIf you cannot scan it, press Ctrl-C and use --otpauth, which prints the seed as text.\n\n")
}

// drawQR draws a text as half blocks, two modules of the code in each character.
func drawQR(w io.Writer, text string) {
	var blocks bytes.Buffer
	qrterminal.GenerateHalfBlock(text, qrterminal.L, &blocks)
	for line := range bytes.Lines(blocks.Bytes()) {
		fmt.Fprintf(w, "%s%s%s\n", qrColors, bytes.TrimRight(line, "\n"), noColors)
	}
}
