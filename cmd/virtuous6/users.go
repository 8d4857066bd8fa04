package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/veil"
)

type usersVerb struct {
	List   usersListVerb   `cmd:"" default:"withargs" help:"List the people whose texts are kept."`
	Show   usersShowVerb   `cmd:"" help:"Tell what is kept of a person."`
	Export usersExportVerb `cmd:"" help:"Hand out what is kept of a person, as JSON Lines."`
	Erase  usersEraseVerb  `cmd:"" help:"Forget a person, for good."`
}

type usersListVerb struct {
	Limit count `placeholder:"N" help:"Rows, 0 for all." default:"50"`
	JSON  bool  `name:"json" help:"Print one JSON value."`
}

// Help tells who they are.
func (usersListVerb) Help() string {
	return "What people write in Slack, what they are answered and their names are encrypted in the log with a key of each person; " +
		"`erasable: all` in the configuration does so for everyone who asks.\n\nExample:\n  virtuous6 users"
}

// Run lists them.
func (v usersListVerb) Run(ctx context.Context, a *app) error {
	if err := a.openStore(ctx, true); err != nil {
		return err
	}
	all, err := a.keys.All(ctx)
	if err != nil {
		return err
	}
	if all = limited(all, v.Limit); v.JSON {
		return a.json(append([]veil.Person{}, all...))
	}
	return table(a.out, "USER|SINCE|ERASED|ID", func(row func(...any)) {
		for _, p := range all {
			row(orDash(p.Name), when(p.Since), when(p.Erased), p.ID)
		}
	})
}

type usersShowVerb struct {
	User string `arg:"" help:"The person, such as slack:T024BE7LH:U2147483697, or an id of the list or the beginning of one."`
	JSON bool   `name:"json" help:"Print one JSON value."`
}

// Help gives an example.
func (usersShowVerb) Help() string {
	return "Reads the log from its start, and counts the facts that hold a person's texts or name them.\n\nExample:\n  virtuous6 users show slack:T024BE7LH:U2147483697"
}

// userKept is what is kept of a person.
type userKept struct {
	veil.Person
	Facts map[string]int `json:"facts"`
	Runs  int            `json:"runs"`
	First *time.Time     `json:"first"`
	Last  *time.Time     `json:"last"`
	// Plain counts facts that name the person and are not encrypted: they were stored before, or are about others.
	Plain int `json:"plain"`
}

// Run counts.
func (v usersShowVerb) Run(ctx context.Context, a *app) error {
	p, err := a.user(ctx, v.User)
	if err != nil {
		return err
	}
	kept := userKept{Person: p, Facts: map[string]int{}}
	for e, err := range a.veil.Stored().ReadAll(ctx, eventstore.ReadOptions{}) {
		if err != nil {
			return err
		}
		if namesInTheClear(&e, p) {
			kept.Plain++
		}
		if !holds(&e, p) {
			continue
		}
		if kept.Facts[e.Kind]++; e.Kind == "run.started" {
			kept.Runs++
		}
		if kept.First == nil {
			kept.First = &e.OccurredAt
		}
		kept.Last = &e.OccurredAt
	}
	if v.JSON {
		return a.json(kept)
	}
	if !p.Erased.IsZero() {
		fmt.Fprintf(a.out, "%s was erased at %s: what is there can't be read.\n", p.ID, when(p.Erased))
	} else {
		fmt.Fprintf(a.out, "%s, known as %s in the log since %s.\n", oneLine(p.Name), p.ID, when(p.Since))
	}
	if kept.First != nil {
		fmt.Fprintf(a.out, "%d runs; from %s to %s.\n", kept.Runs, when(*kept.First), when(*kept.Last))
	}
	err = table(a.out, "KIND|FACTS", func(row func(...any)) {
		for _, kind := range events.Known.Kinds() {
			if n := kept.Facts[kind]; n > 0 {
				row(kind, n)
			}
		}
	})
	if err == nil && kept.Plain > 0 {
		fmt.Fprintf(a.out, "%d more facts name %s in the clear: they were stored before texts were encrypted, and can't be erased.\n", kept.Plain, oneLine(p.Name))
	}
	return err
}

type usersExportVerb struct {
	User string `arg:"" help:"The person, such as slack:T024BE7LH:U2147483697, or an id of the list or the beginning of one."`
}

// Help gives an example.
func (usersExportVerb) Help() string {
	return "Prints each fact that holds a person's texts or names them, decrypted, one JSON value a line, in the order of the log.\n\n" +
		"Example:\n  virtuous6 users export slack:T024BE7LH:U2147483697 > U2147483697.jsonl"
}

// Run writes fact by fact: there may be more than the memory holds.
func (v usersExportVerb) Run(ctx context.Context, a *app) error {
	p, err := a.user(ctx, v.User)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.out)
	for e, err := range a.veil.Stored().ReadAll(ctx, eventstore.ReadOptions{}) {
		if err != nil {
			return err
		}
		if !holds(&e, p) && !namesInTheClear(&e, p) {
			continue
		}
		if err := a.veil.Unveil(ctx, &e); err != nil {
			return err
		}
		row, err := eventJSON(e)
		if err != nil {
			return err
		}
		_, _ = out.Write(append(row, '\n')) // the first failure stays, and Flush tells it
	}
	return out.Flush()
}

type usersEraseVerb struct {
	User string `arg:"" help:"The person, such as slack:T024BE7LH:U2147483697, or an id of the list or the beginning of one."`
	Yes  bool   `help:"Do it. Nobody can take it back."`
}

// Help tells what is done, and what is not.
func (usersEraseVerb) Help() string {
	return "Cancels the person's goals and runs under way, destroys the key that their texts are encrypted with, and rebuilds the read models: what they wrote, what " +
		"they were answered and who they were reads as " + events.Erased + " from then on, in every copy of the log too. Counts, seals and `virtuous6 verify` hold. " +
		"Cut off in the middle, it is done again with the id that it tells.\n\nNot covered are backups of the keys, what the model's provider and Slack keep, what others " +
		"quoted, and what was stored before texts were encrypted, which `users show` counts.\n\nExample:\n  virtuous6 users erase slack:T024BE7LH:U2147483697 --yes"
}

// Run forgets somebody.
func (v usersEraseVerb) Run(ctx context.Context, a *app) error {
	p, err := a.user(ctx, v.User)
	if err != nil {
		return err
	}
	if !v.Yes {
		return usage("nobody can take it back, also not for %s: `virtuous6 users show` tells what is kept, --yes erases it", orDash(p.Name))
	}
	if err := replay.Belong(ctx, a.store, a.models); err != nil {
		return err
	}
	if p.Erased.IsZero() {
		if err := a.endWhatIsOf(ctx, p.Name); err != nil {
			return err
		}
		meta := a.meta("")
		_, err := a.dispatcher().Dispatch(ctx, commands.ErasePerson{Meta: meta, Person: p.ID, By: meta.Actor})
		if err != nil && !errors.Is(err, aggregates.ErrEnded) {
			return err
		}
		if err := a.keys.Erase(ctx, p.ID, a.clock()); err != nil {
			return fmt.Errorf("destroy the key: %w", err)
		}
		a.veil.Forget()
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("read models", int64(head), "events")
	err = replay.RebuildModels(ctx, a.store, a.models, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err == nil {
		err = a.models.Overwrite(ctx)
	}
	if err != nil {
		return fmt.Errorf("the key is destroyed, and the read models still hold what they held: `virtuous6 users erase %s --yes` goes on: %w", p.ID, err)
	}
	_, err = fmt.Fprintf(a.out, "Erased. In the log the person is %s, and nobody can tell who that was.\n", p.ID)
	return err
}

// endWhatIsOf ends what is under way for a person, goals first, whose runs would be tried again: it could not be answered to any more.
func (a *app) endWhatIsOf(ctx context.Context, name string) error {
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	for goal, err := range a.models.AllGoals(ctx) {
		if err == nil && goal.Requester == name && !goal.Status.Ended() {
			meta := a.meta("")
			meta.Workspace = goal.Workspace
			_, err = a.dispatcher().Dispatch(ctx, commands.CancelGoal{Meta: meta, Goal: goal.Goal, By: meta.Actor, Reason: "who asked is forgotten"})
			if errors.Is(err, aggregates.ErrState) || errors.Is(err, aggregates.ErrEnded) {
				err = nil // it has ended meanwhile
			}
		}
		if err != nil {
			return err
		}
	}
	for run, err := range a.models.UnderWay(ctx) {
		if err == nil && run.Requester == name {
			meta := a.meta(run.Run)
			meta.Workspace = run.Workspace
			_, err = a.runs().Cancel(ctx, commands.CancelRun{Meta: meta, Run: run.Run, Reason: "who asked is forgotten"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// user finds a person by name or by id.
func (a *app) user(ctx context.Context, name string) (veil.Person, error) {
	if err := a.openStore(ctx, true); err != nil {
		return veil.Person{}, err
	}
	p, err := a.keys.Named(ctx, name)
	if errors.Is(err, veil.ErrNoPerson) {
		p, err = a.keys.Person(ctx, name)
	}
	if errors.Is(err, veil.ErrNoPerson) && len(name) >= 4 {
		var all []veil.Person
		if all, err = a.keys.All(ctx); err != nil {
			return p, err
		}
		all = slices.DeleteFunc(all, func(p veil.Person) bool { return !strings.HasPrefix(p.ID, name) })
		if len(all) == 1 {
			return all[0], nil
		}
		if err = veil.ErrNoPerson; len(all) > 1 {
			return p, fmt.Errorf("%d ids begin with %q: write more of it", len(all), name)
		}
	}
	if errors.Is(err, veil.ErrNoPerson) {
		return p, fmt.Errorf("there is no such person %q: `virtuous6 users` lists those whose texts are kept", name)
	}
	return p, err
}

// holds tells of a fact, as it is stored, that has a person's texts in it or names them: their id stands in it.
func holds(e *events.Envelope, p veil.Person) bool {
	return bytes.Contains(e.Data, []byte(p.ID)) || strings.Contains(e.Actor, p.ID) || strings.Contains(e.Stream, p.ID)
}

// namesInTheClear tells of a fact, as it is stored, in which a person's name stands.
func namesInTheClear(e *events.Envelope, p veil.Person) bool {
	return p.Name != "" && (bytes.Contains(e.Data, []byte(p.Name+`"`)) || strings.HasSuffix(e.Actor, ":"+p.Name))
}
