package lint

import "forcemfa/policy"

// Overlap reports whether some text matches two globs.
var Overlap = overlap

// Inspect is Check without trying the fixes.
func Inspect(kind policy.Kind, text string) (*Report, error) { return inspect(kind, text, inspections) }
