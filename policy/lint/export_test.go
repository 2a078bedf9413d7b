package lint

// Inspect is Check without trying the fixes.
var Inspect = inspect
