package lint

import "forcemfa/policy"

// Inspect is Check without trying the fixes.
func Inspect(kind policy.Kind, text string) (*Report, error) { return inspect(kind, text, inspections) }
