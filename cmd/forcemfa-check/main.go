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
//  1. pack.go reads the archive, compares size and SHA-256 of each file with the manifest,
//     refuses bytes that belong to no file, and decodes the policies, the sets, the proofs
//     and the users.
//  2. claim.go builds from each line of users.jsonl the claim that is to be proved: who
//     makes requests, which policies decide them, and which condition keys they have.
//  3. This file has the certificate checker check the proof of every user that is said to
//     be enforced, counts, and compares the numbers with the manifest.
//
// The exit status is 0 if every proof proves its claim, else 1. The signature of a pack is
// checked with minisign, which is not part of forcemfa.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
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
	users    userCounts
	proofs   proofCounts
	observed map[string]int // users by what their proofs rely on in addition to AWS's documentation
}

// check checks the proof of every user that is said to be enforced.
func check(p *pack) (*result, error) {
	r, seen := &result{observed: map[string]int{}}, map[[sha256.Size]byte]bool{}
	r.proofs.Certificates = len(p.proofs)
	var checker certificate.Checker
	err := p.users(func(u *user) error {
		id := sha256.Sum256([]byte(u.ARN))
		if seen[id] {
			return fmt.Errorf("%s is there twice", u.ARN)
		}
		seen[id] = true
		if err := r.users.add(u.State); err != nil {
			return err
		}
		if u.State != "enforced" {
			if u.Proof != nil {
				return errors.New("only an enforced user has a proof")
			}
			return nil
		}
		proof, claim, err := p.claim(u)
		if err == nil {
			err = checker.Check(proof, claim)
		}
		if err != nil {
			return fmt.Errorf("%s is not proved: %w", u.ARN, err)
		}
		for _, statement := range proof.Observed.Statements() {
			r.observed[statement]++
		}
		if proof.Strict {
			r.proofs.AnyAction++
		} else {
			r.proofs.ListedActions++
		}
		return nil
	})
	if err == nil {
		err = r.compare(&p.manifest)
	}
	return r, err
}

// add counts a user.
func (n *userCounts) add(state string) error {
	n.Users++
	switch state {
	case "enforced":
		n.Enforced++
	case "exempt":
		n.Exempt++
	case "open":
		n.Open++
	case "unknown":
		n.Unknown++
	default:
		return fmt.Errorf("%q is no state of a user", state)
	}
	return nil
}

// compare compares the numbers of the manifest with those that were counted.
func (r *result) compare(m *manifest) error {
	if m.Users != r.users {
		return fmt.Errorf("manifest.json: \"users\" is %+v, and users.jsonl gives %+v", m.Users, r.users)
	}
	if m.Proofs != r.proofs {
		return fmt.Errorf("manifest.json: \"proofs\" is %+v, and the other files give %+v", m.Proofs, r.proofs)
	}
	return nil
}

func (r *result) print(w io.Writer, p *pack) {
	fmt.Fprintf(w, "file       SHA-256 %s\n", p.hash)
	fmt.Fprintf(w, "as of      %s\n", p.manifest.AsOf.Format(time.RFC3339Nano))
	fmt.Fprintf(w, "proved     %d of %d users: no request without MFA passes, except those below\n", r.users.Enforced, r.users.Users)
	fmt.Fprintf(w, "           %d for every action that AWS could have, %d for the %d actions of actions.jsonl\n", r.proofs.AnyAction, r.proofs.ListedActions, len(p.actions))
	fmt.Fprintf(w, "not proved %d exempt, %d open, %d unknown\n", r.users.Exempt, r.users.Open, r.users.Unknown)
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
