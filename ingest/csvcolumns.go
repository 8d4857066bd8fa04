package ingest

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// wellKnown are the names under which columns are found where none is given, compared as columnName makes them.
var wellKnown = map[string][]string{
	"case":     {"case:concept:name", "case_id", "caseid", "case", "trace_id", "traceid", "session_id", "run_id", "run"},
	"activity": {"concept:name", "activity", "activity_name", "event", "event_name", "task", "step"},
	"time": {
		"time:timestamp", "timestamp", "complete_timestamp", "completetime", "complete_time", "start_timestamp", "time", "datetime",
		"date", "event_time",
	},
	"resource":  {"org:resource", "resource", "org:group", "agent", "user"},
	"lifecycle": {"lifecycle:transition", "lifecycle", "transition"},
	// A table with both of these has an event's start and its end in one row, as Disco and pm4py's interval logs do.
	"start": {"start_timestamp", "start_time", "starttime"},
	"end":   {"time:timestamp", "complete_timestamp", "complete_time", "completetime", "end_timestamp", "end_time", "endtime"},
}

// columns are the indexes of the columns that matter, -1 for those that the file lacks.
type columns struct {
	id, activity, at, ended, resource, lifecycle, outcome, input, output, model, cost int
	// atName names the column of the times, for messages.
	atName string
}

// detectSeparator counts which of the usual ones the header holds most of.
func detectSeparator(prefix []byte) rune {
	header, _, _ := bytes.Cut(prefix, []byte{'\n'})
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t', '|'} {
		if n := bytes.Count(header, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// head finds the columns.
func (t *table) head(cells []string) *flaw {
	t.header = slices.Clone(cells)
	seen := make(map[string]bool, len(cells))
	for _, name := range t.header {
		if !utf8.ValidString(name) {
			return flawed("", "the header is not UTF-8; convert the file to UTF-8, for example by iconv")
		}
		if seen[name] && name != "" {
			return flawed("", "two columns are named %q", clip(name))
		}
		seen[name] = true
	}
	var bad *flaw
	find := func(flag, name string) int {
		if name != "" {
			i := slices.Index(t.header, name)
			if i < 0 && bad == nil {
				bad = flawed("", "there is no column %q for --%s; the columns are %s", clip(name), flag, clip(strings.Join(t.header, ", ")))
			}
			return i
		}
		for _, known := range wellKnown[flag] {
			if i := slices.IndexFunc(t.header, func(h string) bool { return columnName(h) == known }); i >= 0 {
				return i
			}
		}
		return -1
	}
	o := t.o
	t.cols = columns{
		id: find("case", o.Case), activity: find("activity", o.Activity), at: find("time", o.Time),
		resource: find("resource", o.Resource), ended: find("end-time", o.EndTime), lifecycle: find("lifecycle", ""),
		outcome: find("outcome", o.Outcome), input: find("input-tokens", o.InputTokens),
		output: find("output-tokens", o.OutputTokens), model: find("model", o.Model), cost: find("cost", o.Cost),
	}
	if start, end := find("start", ""), find("end", ""); o.Time == "" && o.EndTime == "" && t.cols.lifecycle < 0 && start >= 0 && end >= 0 {
		t.cols.at, t.cols.ended = start, end
	}
	missing := func(flag string) *flaw {
		calls := ""
		if flag == "case" {
			calls = "; where each row is a call of a model, name --time and --input-tokens"
		}
		return flawed("", "no column for --%s is found; name it: the columns are %s%s", flag, clip(strings.Join(t.header, ", ")), calls)
	}
	calls := t.cols.id < 0 && (t.cols.input >= 0 || t.cols.output >= 0)
	switch {
	case bad != nil:
		return bad
	case t.cols.at < 0:
		return missing("time")
	case t.cols.id < 0 && !calls:
		return missing("case")
	case t.cols.activity < 0 && !calls:
		return missing("activity")
	}
	t.cols.atName = t.header[t.cols.at]
	return nil
}

// columnName is how a column's name is compared: in lower case, with one separator for all.
func columnName(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '.':
			return '_'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(s)))
}
