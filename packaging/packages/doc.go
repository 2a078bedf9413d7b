// Package packages tests that the nfpms section of .goreleaser.yaml gives deb, rpm and
// apk packages that install and run. It builds them with nfpm, the library that
// goreleaser uses, because goreleaser itself takes a quarter of an hour to build.
package packages
