package main

import "context"

type snapshotsVerb struct {
	Delete bool  `help:"Delete all of them. Nothing but time is lost."`
	JSON   bool  `name:"json" help:"Print one JSON value."`
	Limit  count `placeholder:"N" help:"Rows, 0 for all." default:"0"`
}

// Help tells what they are for.
func (snapshotsVerb) Help() string {
	return "Snapshots of the read models are taken every 32,768 events, in a long log more seldom, so that --as-of need not " +
		"fold the log from its start. A full replay takes them anew.\n\nExamples:\n  virtuous6 snapshots\n  virtuous6 snapshots --delete"
}

// Run lists the snapshots, or deletes them.
func (v snapshotsVerb) Run(ctx context.Context, a *app) error {
	if _, err := a.read(ctx); err != nil {
		return err
	}
	if v.Delete {
		if err := a.models.DeleteSnapshots(ctx); err != nil {
			return err
		}
	}
	all, err := a.models.Snapshots(ctx)
	if err != nil {
		return err
	}
	all = limited(all, v.Limit)
	if v.JSON {
		return a.json(all)
	}
	return table(a.out, "POSITION|ROWS|BYTES|USABLE", func(row func(...any)) {
		for _, s := range all {
			row(s.Position, s.Rows, s.Bytes, yesNo(s.Usable))
		}
	})
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
