// Package forcemfa is the root of the module and holds no code: the program is
// cmd/forcemfa, and docs/architecture.md is the map of the folders.
package forcemfa
