package main

// keepBrokenPipes does nothing: Windows has no signal for a closed pipe.
func keepBrokenPipes() {}
