package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/events"
)

// tableBlock is how many rows are aligned with each other: a log can be larger than the memory.
const tableBlock = 1000

// table prints rows under headings, aligned.
func table(w io.Writer, headings string, rows func(row func(cells ...any))) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(headings, "|", "\t"))
	n, failed := 0, error(nil)
	rows(func(cells ...any) {
		if n++; n%tableBlock == 0 {
			failed = cmp.Or(failed, t.Flush())
		}
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, oneLine(fmt.Sprint(c)))
		}
		fmt.Fprintln(t)
	})
	return cmp.Or(failed, t.Flush())
}

// oneLine is a text on one line, so that it stands in a table's cell.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if moves(r) {
			return ' '
		}
		return r
	}, s)
}

// short cuts a text to n characters.
func short(s string, n int) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func seconds(ns int64) string {
	if ns < 0 {
		return "-"
	}
	return secondsOf(float64(ns) / 1e9)
}

func secondsOf(s float64) string {
	switch {
	case s < 10:
		return fmt.Sprintf("%.2fs", s)
	case s < 120:
		return fmt.Sprintf("%.0fs", s)
	}
	return (time.Duration(s) * time.Second).String()
}

func optionalSeconds(s *float64) string {
	if s == nil {
		return "-"
	}
	return secondsOf(*s)
}

// dollars is an amount for people: to a hundredth of a cent where it is a cent or more. --json has it exact.
func dollars(n events.Nanos) string {
	const hundredth = 100_000
	switch {
	case n == 0:
		return "-"
	case n >= 100*hundredth:
		n = events.Add(n, hundredth/2) / hundredth * hundredth
	}
	return "$" + n.String()
}

// spent is what something cost, in a table.
func spent(c events.Cost) string { return c.Mark(dollars(c.CostNanos)) }

// spentInWords is the same among other figures of a sentence.
func spentInWords(c events.Cost) string {
	if c.Whole() {
		return dollars(c.CostNanos)
	}
	return "cost " + c.Say(dollars(c.CostNanos))
}

// rate is a share of rated runs as a percentage, or "-" where none is rated.
func rate(succeeded, failed int64) string {
	if succeeded+failed == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(succeeded)/float64(succeeded+failed))
}
