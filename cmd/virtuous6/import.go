package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type importVerb struct {
	Files     []string `arg:"" name:"file" help:"Files to read, folders, or patterns such as traces/*.json; files may be gzipped. - reads standard input."`
	Format    string   `help:"What they hold: auto, runs, chat, langfuse, langsmith, otlp, atif, xes or csv." enum:"auto,runs,chat,langfuse,langsmith,otlp,atif,xes,csv" default:"auto"`
	Workflow  string   `help:"The workflow that the runs belong to. Default: what the records say, else the file's name."`
	Agent     string   `help:"Who made the steps of which the source does not tell."`
	Partial   bool     `help:"Take traces whose top is missing as they are."`
	Unordered bool     `help:"Into EventStoreDB, append runs side by side, which is many times as fast. The log, and what depends on its order, is then another one each time."`
	Verdict   string   `help:"The rule that makes verdicts of the scores, such as correctness>=0.5 or grade=correct: the runs' workflows get it, as by verdicts set." placeholder:"RULE"`
	Strict    bool     `help:"Take nothing of any file if anything in them can't be taken."`
	JSON      bool     `name:"json" help:"Print one JSON value."`

	Case         string `group:"Columns of a CSV file" help:"The case, which becomes a run." placeholder:"COL"`
	Activity     string `group:"Columns of a CSV file" help:"The activity, which becomes a step. Of an XES log: a classifier of events, or an attribute." placeholder:"COL"`
	Time         string `group:"Columns of a CSV file" help:"When it happened, or started." placeholder:"COL"`
	EndTime      string `group:"Columns of a CSV file" help:"When it ended." placeholder:"COL"`
	Resource     string `group:"Columns of a CSV file" help:"Who did it." placeholder:"COL"`
	Model        string `group:"Columns of a CSV file" help:"The model." placeholder:"COL"`
	InputTokens  string `group:"Columns of a CSV file" help:"Tokens read." placeholder:"COL"`
	OutputTokens string `group:"Columns of a CSV file" help:"Tokens written." placeholder:"COL"`
	Cost         string `group:"Columns of a CSV file" help:"Cost in dollars." placeholder:"COL"`
	Outcome      string `group:"Columns of a CSV file" help:"How the case ended; also an attribute of XES traces." placeholder:"COL"`
	Separator    string `group:"Columns of a CSV file" help:"What parts the columns. Default: found by itself." placeholder:"CHAR"`
	Decimal      string `group:"Columns of a CSV file" help:"What stands before the decimals of numbers, . or ,; the other one may part thousands. Default: a point, and what could be meant otherwise is refused." placeholder:"CHAR"`
	TimeLayout   string `group:"Columns of a CSV file" help:"How times are written, in Go's notation (02.01.2006 15:04), or unix, or unixms. Default: found by itself." placeholder:"LAYOUT"`
	TimeZone     string `group:"Columns of a CSV file" help:"The zone of times that name none, such as Europe/Berlin. Default: UTC." placeholder:"ZONE"`
}

// Help gives examples.
func (importVerb) Help() string {
	return "Each source record is imported once, however often it is run. A record that can't be taken is named and left out, never " +
		"taken by half.\n\nExamples:\n  virtuous6 import history.jsonl\n  virtuous6 import traces/*.json --workflow support\n" +
		"  virtuous6 import log.csv --case \"Case ID\" --activity Activity --time \"Complete Timestamp\" --resource org:group --separator ';'"
}

// maxProblemsShown bounds what is told of a broken file.
const maxProblemsShown = 20

// imported is what `import --json` prints.
type imported struct {
	orchestrator.Imported
	Seconds float64 `json:"seconds"`
	// Parked counts the streams that were taken and that the read models can't show.
	Parked int `json:"parked"`
	// Problems are the first of those records that were left out, with file and line, and the files that can't be read.
	Problems []problem `json:"problems"`
	// Notices are what should be known of what was taken.
	Notices []problem `json:"notices"`
}

type problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Record string `json:"record"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// Run imports the files in their order.
func (v importVerb) Run(ctx context.Context, a *app) error {
	options, err := v.options(a)
	if err != nil {
		return err
	}
	if v.Verdict != "" {
		if _, err := commands.ParseCriterion(v.Verdict); err != nil {
			return usage("--verdict: %w", err)
		}
	}
	if v.Files, err = listed(v.Files); err != nil {
		return err
	}
	if v.Strict {
		if err := v.check(ctx, a, options); err != nil {
			return err
		}
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	before, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	started := a.clock()
	var all imported
	all.Problems, all.Notices = []problem{}, []problem{}
	leftOut := func(p problem, says string) {
		all.Problems = append(all.Problems, p)
		fmt.Fprintln(a.err, "left out:", oneLine(says))
	}
	onProblem := func(p *ingest.Problem) {
		told := problem{p.File, p.Line, p.Record, p.Key, p.Reason}
		switch {
		case p.Notice && len(all.Notices) < maxProblemsShown:
			all.Notices = append(all.Notices, told)
			fmt.Fprintln(a.err, "note:", oneLine(p.Error()))
		case !p.Notice && len(all.Problems) < maxProblemsShown:
			leftOut(told, p.Error())
		}
	}
	whole := true
	// What of a trace is spread over the files is joined behind the last of them.
	options.Joint = ingest.NewJoint()
	for _, file := range append(slices.Clone(v.Files), "") {
		sum, err := v.file(ctx, a, file, options, onProblem)
		all.add(sum)
		var unread unreadError
		if errors.As(err, &unread) {
			whole = false
			leftOut(problem{File: file, Reason: err.Error()}, err.Error())
			continue
		}
		if err != nil {
			if all.Records > 0 {
				err = errors.Join(err, v.print(a, all, a.clock().Sub(started)))
			}
			return err
		}
	}
	if err := a.sealImport(ctx); err != nil {
		return err
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	if err := v.judge(ctx, a, &all); err != nil {
		return err
	}
	if all.Parked, err = a.parkedSince(ctx, before); err != nil {
		return err
	}
	err = v.print(a, all, a.clock().Sub(started))
	if err == nil && (!whole || all.Parked > 0 || all.Taken+all.Repeated == 0 && all.Skipped > 0) {
		return errSaid
	}
	return err
}

// judge makes verdicts of what was brought in, by the rule that is given, or by the one that a workflow has.
func (v importVerb) judge(ctx context.Context, a *app, all *imported) error {
	rules, err := a.own().Rules(ctx)
	if err != nil {
		return err
	}
	rule := map[string]string{}
	for _, r := range rules {
		rule[r.Workflow] = r.Rule
	}
	for _, workflow := range slices.Sorted(maps.Keys(all.Workflows)) {
		by := cmp.Or(v.Verdict, rule[workflow])
		if by == "" {
			continue
		}
		sum, err := a.judgeBy(ctx, a.own(), workflow, by)
		if err != nil {
			return err
		}
		all.Verdicts += sum.Said
		all.Events += sum.Said
	}
	return a.catchUp(ctx)
}

// listed are the files that are named: those of a folder and of all in it, but for hidden ones, and those that fit a
// pattern which no shell resolved.
func listed(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case name == "-":
		case err == nil && info.IsDir():
			before := len(files)
			err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
				switch hidden := path != name && strings.HasPrefix(entry.Name(), "."); {
				case err != nil:
					return err
				case entry.IsDir() && hidden:
					return fs.SkipDir
				case entry.Type().IsRegular() && !hidden:
					files = append(files, path)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			if len(files) == before {
				return nil, usage("%s is a folder without a file", name)
			}
			continue
		case err != nil && strings.ContainsAny(name, "*?["):
			found, err := filepath.Glob(name)
			if err != nil {
				return nil, usage("%s: %w", name, err)
			}
			if len(found) == 0 {
				return nil, usage("no file fits %s", name)
			}
			inner, err := listed(found)
			if err != nil {
				return nil, err
			}
			files = append(files, inner...)
			continue
		}
		files = append(files, name)
	}
	return files, nil
}

// unreadError tells that a file can't be read, or no further. The next one may be.
type unreadError struct{ error }

func (e unreadError) Unwrap() error { return e.error }

// sealImport seals what was brought in, where it is enough for a seal. What is not waits for a server.
func (a *app) sealImport(ctx context.Context) error {
	_, err := audit.Seal(ctx, a.store, a.dispatcher().Dispatch, a.clock, audit.SealAfter)
	if errors.Is(err, audit.ErrLedger) {
		a.note("the history was taken in, and not sealed: %v", err)
		return nil
	}
	return err
}

// parkedSince counts the streams that are parked because of a fact behind a position.
func (a *app) parkedSince(ctx context.Context, position uint64) (int, error) {
	parked, err := a.models.Parked(ctx)
	if err != nil {
		return 0, err
	}
	streams := map[string]bool{}
	for _, p := range parked {
		if p.Position > position {
			streams[p.Stream] = true
		}
	}
	return len(streams), nil
}

func (i *imported) add(sum orchestrator.Imported) {
	i.Records += sum.Records
	i.Taken += sum.Taken
	i.Repeated += sum.Repeated
	i.Skipped += sum.Skipped
	i.Events += sum.Events
	i.Steps += sum.Steps
	i.Agents += sum.Agents
	i.Feedback += sum.Feedback
	i.Verdicts += sum.Verdicts
	if i.Workflows == nil {
		i.Workflows = map[string]bool{}
	}
	maps.Copy(i.Workflows, sum.Workflows)
}

func (v importVerb) print(a *app, all imported, took time.Duration) error {
	if v.JSON {
		all.Seconds = took.Seconds()
		return a.json(all)
	}
	if all.Parked > 0 {
		fmt.Fprintf(a.out, "Taken, and can't be shown: %d streams are parked. `virtuous6 doctor` tells why.\n", all.Parked)
	}
	fmt.Fprintf(a.out, "%s: %d taken, %d there already, %d left out.\n", english.Plural(all.Records, "record", ""), all.Taken, all.Repeated, all.Skipped)
	_, err := fmt.Fprintf(a.out, "%s added: %s, %s, %s, %d feedback, %d verdicts, in %s (%.0f events/s).\n", english.Plural(all.Events, "event", ""), english.Plural(all.Taken, "run", ""),
		english.Plural(all.Steps, "step", ""), english.Plural(all.Agents, "agent", ""), all.Feedback, all.Verdicts, took.Round(time.Millisecond), float64(all.Events)/max(took.Seconds(), 1e-9))
	if at, lerr := a.log(); lerr == nil && err == nil && all.Taken+all.Repeated > 0 {
		_, err = fmt.Fprintf(a.out, "They are in %s. Next: `virtuous6 metrics`, `virtuous6 analyze`.\n", at.String())
	}
	return err
}

// file imports one file, with a progress bar over its bytes.
func (v importVerb) file(ctx context.Context, a *app, name string, o ingest.Options, onProblem func(*ingest.Problem)) (orchestrator.Imported, error) {
	records, bar, closing, err := v.source(ctx, a, name, o)
	if err != nil {
		return orchestrator.Imported{}, unreadError{err}
	}
	var unread error
	read := func(yield func(ingest.Record, error) bool) {
		for r, err := range records {
			var problem *ingest.Problem
			if err != nil && !errors.As(err, &problem) {
				unread = unreadError{err}
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
	take := orchestrator.Import
	if v.Unordered {
		take = orchestrator.ImportUnordered
	}
	sum, err := take(ctx, a.dispatcher(), read, onProblem)
	bar.done()
	if err = errors.Join(err, closing()); err == nil {
		err = unread // a store that fails comes first: it ends the import
	}
	return sum, err
}

// source opens a file. One that is read without an end is let go of when ctx ends.
func (v importVerb) source(ctx context.Context, a *app, name string, o ingest.Options) (iter.Seq2[ingest.Record, error], *bar, func() error, error) {
	switch name {
	case "":
		return o.Joint.Records(), &bar{}, func() error { return nil }, nil
	case "-":
		return ingest.Parse(whileWanted{ctx, a.in}, "standard input", o), &bar{}, func() error { return nil }, nil
	}
	source, err := ingest.Open(name, o)
	if err != nil {
		return nil, nil, nil, err
	}
	hold := context.AfterFunc(ctx, func() { _ = source.Close() })
	closing := func() error {
		if !hold() {
			return nil // it is closed
		}
		return source.Close()
	}
	_, total := source.Progress()
	bar := a.progress(name, total, "bytes")
	records := func(yield func(ingest.Record, error) bool) {
		for r, err := range source.Records() {
			read, _ := source.Progress()
			bar.set(read)
			if !yield(r, err) {
				return
			}
		}
	}
	return records, bar, closing, nil
}

// whileWanted is a Reader that fails once ctx is done.
type whileWanted struct {
	ctx  context.Context
	from io.Reader
}

func (w whileWanted) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.from.Read(b)
}

// check reads everything without taking anything, and fails at the first thing that could not be taken.
func (v importVerb) check(ctx context.Context, a *app, o ingest.Options) error {
	o.Joint = ingest.NewJoint()
	for _, name := range append(slices.Clone(v.Files), "") {
		if name == "-" {
			return usage("--strict reads its input twice: it can't be standard input")
		}
		records, bar, closing, err := v.source(ctx, a, name, o)
		if err != nil {
			return fmt.Errorf("nothing was imported: %w", err)
		}
		for _, rerr := range records {
			var problem *ingest.Problem
			if errors.As(rerr, &problem) && problem.Notice {
				rerr = nil
			}
			if err = ctx.Err(); err == nil {
				err = rerr
			}
			if err != nil {
				break
			}
		}
		bar.done()
		if err = errors.Join(err, closing()); err != nil {
			return fmt.Errorf("nothing was imported: %w", err)
		}
	}
	return nil
}

func (v importVerb) options(a *app) (ingest.Options, error) {
	o := ingest.Options{
		Workspace: a.flags.Workspace,
		Format:    v.Format, Workflow: v.Workflow, Agent: v.Agent, Case: v.Case, Activity: v.Activity, Time: v.Time, Resource: v.Resource,
		EndTime: v.EndTime, InputTokens: v.InputTokens, OutputTokens: v.OutputTokens, Model: v.Model, Cost: v.Cost, Outcome: v.Outcome,
		TimeLayout: v.TimeLayout, Partial: v.Partial, Now: a.clock,
	}
	switch separator := v.Separator; {
	case separator == `\t` || separator == "tab":
		o.Separator = '\t'
	case utf8.RuneCountInString(separator) > 1:
		return o, usage("--separator %q: it is one character", separator)
	case separator != "":
		o.Separator, _ = utf8.DecodeRuneInString(separator)
	}
	switch v.Decimal {
	case "":
	case ",", ".":
		o.Decimal = rune(v.Decimal[0])
	default:
		return o, usage("--decimal %q: it is . or ,", v.Decimal)
	}
	if v.TimeZone != "" {
		zone, err := time.LoadLocation(v.TimeZone)
		if err != nil {
			return o, usage("--time-zone: %w", err)
		}
		o.Location = zone
	}
	return o, nil
}
