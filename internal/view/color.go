package view

import "github.com/jedib0t/go-pretty/v6/text"

// The colors of texts. They are of the fixed part of the 256 colors, because the theme of a
// terminal decides what its first sixteen look like: their yellow and green are pale on
// white in most of them. Contrast is about 4:1 and more on white and on black. No color is the
// only sign of anything.
var (
	red   = text.Fg256Color(196) // #ff0000
	green = text.Fg256Color(28)  // #008700
	amber = text.Fg256Color(130) // #af5f00
)
