// Command site makes a static site of the documentation:
//
//	go -C packaging/site run . [-root DIR] OUT
//
// It begins with README.md, which becomes index.html, and follows links: pages in
// Markdown become HTML with a navigation, other files are copied. A link that leads
// nowhere, and a page of docs that no link leads to, are errors. The site has no script
// and loads nothing from other servers, so it can be read from the disk.
//
// It is a module of its own, so that the program does not depend on a Markdown library.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "../..", "root of the source tree")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: go -C packaging/site run . [-root DIR] OUT")
		os.Exit(1)
	}
	n, err := build(*root, flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Printf("%d pages in %s\n", n, flag.Arg(0))
}

// build writes the site, and returns its number of pages.
func build(root, out string) (int, error) {
	s := &site{root: root, pages: map[string]*page{}, files: map[string]bool{}}
	if err := s.read("README.md"); err != nil {
		return 0, err
	}
	err := errors.Join(s.checkLinks(), s.checkReached())
	if err != nil {
		return 0, err
	}
	return len(s.pages), s.write(out)
}
