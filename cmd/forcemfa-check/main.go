// Command forcemfa-check checks the proofs in an evidence pack of forcemfa.
//
//	forcemfa-check PACK.zip
//
// It is written to be read. Of forcemfa it uses only the policy evaluator (package
// policy) and the checker of proof certificates (package policy/prove/certificate). It
// reads no snapshot and no config, and knows nothing of the program that made the proofs.
// docs/checker.md explains the result and its limits.
//
// Its steps, in the order of the source:
//
//  1. pack.go reads the archive, compares the SHA-256 of each file with the manifest, and
//     decodes the policies, the sets, the proofs and the users.
//  2. claim.go builds from each line of users.jsonl the claim that is to be proved: who
//     makes requests, which policies decide them, and which condition keys they have.
//  3. This file has the certificate checker check the proof of every user that is said to
//     be enforced, and counts.
//
// The exit status is 0 if every proof proves its claim, else 1. The signature of a pack is
// checked with minisign, which is not part of forcemfa.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"

	"forcemfa/policy/prove/certificate"
)

func main() {
	if len(os.Args) != 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprint(os.Stderr, "usage: forcemfa-check PACK.zip\n\n"+
			"Checks the proofs in an evidence pack of forcemfa. Check its signature first:\n"+
			"  minisign -Vm PACK.zip -p evidence.pub\n")
		os.Exit(1)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "forcemfa-check: %s: %q\n", os.Args[1], err.Error())
		os.Exit(1)
	}
}

// run checks one pack and prints the result.
func run(name string, out io.Writer) error {
	p, err := openPack(name)
	if err != nil {
		return err
	}
	defer p.file.Close()
	result, err := check(p)
	if err != nil {
		return err
	}
	result.print(out, p)
	return nil
}

// A result counts the users of a pack.
type result struct {
	states    map[string]int
	observed  map[string]int // users by what their proofs rely on in addition to AWS's documentation
	anyAction int            // users whose proof covers every action that AWS could have
	listed    int            // users whose proof covers the actions of actions.jsonl
}

// check checks the proof of every user that is said to be enforced.
func check(p *pack) (*result, error) {
	r := &result{states: map[string]int{}, observed: map[string]int{}}
	var checker certificate.Checker
	err := p.users(func(line int, u *user) error {
		r.states[u.State]++
		if u.State != "enforced" {
			return nil
		}
		proof, claim, err := p.claim(u)
		if err == nil {
			err = checker.Check(proof, claim)
		}
		if err != nil {
			return fmt.Errorf("users.jsonl, line %d: %s is not proved: %w", line, u.ARN, err)
		}
		for _, statement := range proof.Observed.Statements() {
			r.observed[statement]++
		}
		if proof.Strict {
			r.anyAction++
		} else {
			r.listed++
		}
		return nil
	})
	return r, err
}

func (r *result) print(w io.Writer, p *pack) {
	total := 0
	for _, n := range r.states {
		total += n
	}
	fmt.Fprintf(w, "file       SHA-256 %s\n", p.hash)
	fmt.Fprintf(w, "as of      %s\n", clean(p.manifest.AsOf))
	fmt.Fprintf(w, "proved     %d of %d users: no request without MFA passes, except those below\n", r.states["enforced"], total)
	fmt.Fprintf(w, "           %d for every action that AWS could have, %d for the %d actions of actions.jsonl\n", r.anyAction, r.listed, len(p.actions))
	fmt.Fprintf(w, "not proved %d exempt, %d open, %d unknown\n", r.states["exempt"], r.states["open"], r.states["unknown"])
	fmt.Fprintf(w, "except     %s\n", clean(strings.Join(p.manifest.Claim.Enrollment, ", ")))
	if p.manifest.Claim.ForwardedCallsPass {
		fmt.Fprintln(w, "except     requests that an AWS service forwards for a user")
	}
	for _, statement := range slices.Sorted(maps.Keys(r.observed)) {
		fmt.Fprintf(w, "assuming   %s: observed, not documented by AWS (%d users)\n", statement, r.observed[statement])
	}
	fmt.Fprintln(w, "\nIs the pack signed? minisign -Vm PACK.zip -p evidence.pub")
	fmt.Fprintln(w, "Are these the policies of these users? forcemfa evidence check PACK.zip --key evidence.pub")
}

// clean removes control characters, which a terminal could obey, and those that no reader
// sees.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}
