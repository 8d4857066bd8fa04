package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/audit"
)

type verifyVerb struct {
	Seal *string `help:"The digest of a seal or of a whole log, noted elsewhere: the log must be what it was then, and what came since." placeholder:"DIGEST"`
	JSON bool    `name:"json" help:"Print one JSON value."`
}

// Help tells what is checked.
func (verifyVerb) Help() string {
	return "Checks that positions rise strictly, every stream is gapless, no event stands twice, every fact can be read, the log is what " +
		"was sealed, and the read models equal a rebuild. Where it is not, the first position that was changed, removed, swapped or " +
		"inserted is named. Exit code 1 where a problem is found.\n\nWho can rewrite the log can rewrite its seals, or cut both off at the " +
		"end: keep the digest that verify prints somewhere else, and give it to --seal later.\n\nExamples:\n  virtuous6 verify --json\n" +
		"  virtuous6 verify --seal \"$(cat digest-of-last-month)\""
}

// Run checks everything and prints what it found.
func (v verifyVerb) Run(ctx context.Context, a *app) error {
	noted, err := v.noted()
	if err != nil {
		return err
	}
	fresh, head, err := a.beside(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("verify", int64(head), "events")
	found, err := audit.Verify(ctx, a.store, a.models, fresh, noted, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return err
	}
	if v.JSON {
		err = a.json(found)
	} else {
		err = v.print(a, found)
	}
	if err == nil && !found.OK {
		return errSaid
	}
	return err
}

// noted is the digest of --seal, nil where none is given.
func (v verifyVerb) noted() ([]byte, error) {
	if v.Seal == nil {
		return nil, nil
	}
	digest, err := hex.DecodeString(strings.TrimSpace(*v.Seal))
	if err != nil || len(digest) != sha256.Size {
		return nil, usage("--seal: a digest is 64 hexadecimal digits, as `virtuous6 verify` prints it")
	}
	return digest, nil
}

func (v verifyVerb) print(a *app, found audit.Verification) error {
	fmt.Fprintf(a.out, "%d events in %d streams up to position %d\nlog %s\n", found.Events, found.Streams, found.Position, found.Digest)
	switch {
	case found.Tampered != nil:
		fmt.Fprintf(a.out, "as it was sealed up to position %d only\n", found.SealedPosition)
	case found.Seal == "":
		fmt.Fprintf(a.out, "not sealed yet: %d events\n", found.UnsealedEvents)
	default:
		fmt.Fprintf(a.out, "sealed up to position %d; %d events behind it are not sealed yet\nseal %s\n", found.SealedPosition, found.UnsealedEvents, found.Seal)
	}
	for _, p := range found.Problems {
		fmt.Fprintln(a.out, "PROBLEM:", oneLine(p))
	}
	if found.MoreProblems > 0 {
		fmt.Fprintf(a.out, "... and %d more problems\n", found.MoreProblems)
	}
	if !found.OK {
		return nil
	}
	_, err := fmt.Fprintln(a.out, "OK: streams gapless, positions rising, all as it was sealed, read models equal a rebuild")
	return err
}
