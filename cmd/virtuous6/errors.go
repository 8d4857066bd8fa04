package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/answers"
)

type errorsVerb struct {
	JSON  bool   `name:"json" help:"Print one JSON value."`
	Limit *count `placeholder:"N" help:"Rows, 0 for all. Default: 20, and all with --json."`
	Texts string `help:"Read error texts from this file instead, one a line, and tell their fingerprints in the file's order." placeholder:"FILE"`
	pastFlag
}

// Help tells how errors are told apart.
func (errorsVerb) Help() string {
	return "Errors are told apart by what the source calls them (labels such as error.type), else by the frames of their stack, else " +
		"by the type of the exception and what it says, numbers, paths and ids aside. Beside each stands what runs went on with that succeeded " +
		"most, by the lower bound of a 95% interval: what goes with success, not what caused it. Where a fix is known to the agent, a part of the runs is " +
		"told nothing, and PREVENTED is how many failures it prevented in the others, with its bounds at any number of looks.\n\n" +
		"Examples:\n  virtuous6 errors\n  virtuous6 errors --json | jq '.[0].next'\n  virtuous6 errors --texts errors.log --json"
}

// Run lists errors, or fingerprints texts.
func (v errorsVerb) Run(ctx context.Context, a *app) error {
	if v.Texts != "" {
		return v.texts(a)
	}
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	view, err := failure.Load(ctx, reader)
	if err != nil {
		return err
	}
	list := failure.List(view)
	total := len(list)
	list = limited(list, rows(v.Limit, v.JSON, 20))
	_, prevented, err := answers.Prevention(ctx, reader)
	if err != nil {
		return err
	}
	known := make([]knownError, len(list))
	for i, e := range list {
		known[i] = knownError{e, answers.Together(slices.DeleteFunc(slices.Clone(prevented), func(p answers.Prevented) bool { return p.Fix != e.ID }))}
	}
	if v.JSON {
		return a.json(known)
	}
	if total == 0 {
		a.note("No errors: no run failed with a word, and no step did.")
		return nil
	}
	err = table(a.out, "ERROR|TIMES|RUNS|FAILED|MOST IN|BY|RUNS THAT SUCCEEDED WENT ON WITH|PREVENTED|TEXT", func(row func(...any)) {
		for _, e := range known {
			in, by, next, prevented := "-", "-", "-", "-"
			if p := e.Prevented; p != nil {
				prevented = fmt.Sprintf("%d (%d to %d)", p.Failures, p.Low, p.High)
			}
			if len(e.Steps) > 0 {
				in = fmt.Sprintf("%s (%d)", short(e.Steps[0].Name, 24), e.Steps[0].Times)
			}
			if len(e.Agents) > 0 {
				by = fmt.Sprintf("%s (%d)", short(e.Agents[0].Name, 20), e.Agents[0].Times)
			}
			if len(e.Next) > 0 && e.Next[0].Succeeded > 0 {
				next = fmt.Sprintf("%s (%d of %d)", short(e.Next[0].Step, 24), e.Next[0].Succeeded, e.Next[0].Runs)
			}
			row(e.ID, e.Times, e.Runs, e.Failed, in, by, next, prevented, short(e.Text, 80))
		}
	})
	if len(list) < total {
		fmt.Fprintf(a.out, "... and %d more (--limit 0 shows all)\n", total-len(list))
	}
	return err
}

// knownError is an error with what its known fixes prevented, where runs were held out.
type knownError struct {
	failure.Error
	Prevented *answers.Prevented `json:"prevented,omitempty"`
}

func (v errorsVerb) texts(a *app) error {
	file, err := os.Open(v.Texts)
	if err != nil {
		return fmt.Errorf("read error texts: %w", err)
	}
	defer func() { _ = file.Close() }()
	found, err := failure.ReadTexts(file)
	if err != nil {
		return fmt.Errorf("read error texts: %s:%d: %w", v.Texts, len(found)+1, err)
	}
	if v.JSON {
		ids := make([]string, len(found))
		for i, f := range found {
			ids[i] = f.ID
		}
		return a.json(ids)
	}
	return table(a.out, "ERROR|BY|TEXT", func(row func(...any)) {
		for _, f := range found {
			row(f.ID, f.By, short(f.Text, 100))
		}
	})
}
