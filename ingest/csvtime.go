package ingest

import (
	"math"
	"slices"
	"strings"
	"time"
)

// dateForms and clockForms make up the layouts that are tried on a CSV file's times. The first groups write the day
// in different places: where more than one of them fits, and they tell different times, a person must choose.
var dateForms = []string{
	"2006-01-02", "2006/01/02", "02.01.2006", "02-01-2006", "02/01/2006", "01/02/2006", "01-02-2006",
	"2006.01.02", "2.1.2006", "2/1/2006", "1/2/2006",
}

// A fraction of a second is read behind any seconds, whether a layout names it or not.
var clockForms = []string{"15:04:05", "15:04", "15:04:05Z07:00", "15:04:05 Z07:00", "15:04:05Z0700", "03:04:05 PM", "3:04:05 PM", "3:04 PM"}

// layouts lists the layouts that may be detected, with the names of those that are no layout.
func layouts() []string {
	out := []string{time.RFC3339Nano, "unix", "unixms"}
	for _, date := range dateForms {
		for _, clock := range clockForms {
			out = append(out, date+" "+clock, date+"T"+clock)
		}
		out = append(out, date)
	}
	return out
}

// parseTime reads a time in a layout of ours.
func parseTime(key, layout, s string, zone *time.Location) (time.Time, *flaw) {
	switch layout {
	case "excel":
		return excelTime(key, s, zone)
	case "unix", "unixms":
		f, flaw := real(key, s)
		if flaw != nil {
			return time.Time{}, flaw
		}
		if (layout == "unixms") != (*f >= 1e11) && *f != 0 {
			return time.Time{}, flawed(key, "%q is no time in %s", clip(s), layout)
		}
		return unixTime(key, s)
	}
	t, err := time.ParseInLocation(layout, s, zone)
	if err != nil {
		return time.Time{}, flawed(key, "%q is not a time like the others (%s); name the layout by --time-layout", clip(s), layout)
	}
	return inRange(key, t)
}

// excelTime reads a spreadsheet's number of days since the end of 1899, to the millisecond.
func excelTime(key, s string, zone *time.Location) (time.Time, *flaw) {
	f, flaw := real(key, s)
	if flaw != nil {
		return time.Time{}, flaw
	}
	if *f < 1 || *f >= 2_958_466 {
		return time.Time{}, flawed(key, "%q is no day of a spreadsheet", clip(s))
	}
	days, part := math.Modf(*f)
	at := time.Date(1899, 12, 30, 0, 0, 0, 0, zone).AddDate(0, 0, int(days))
	return inRange(key, at.Add(time.Duration(math.Round(part*86_400_000))*time.Millisecond))
}

// isNothing tells the words that programs write where there is no value.
func isNothing(s string) bool {
	switch strings.ToLower(s) {
	case "", "nat", "nan", "null", "none", "n/a", "na", "-", "nil":
		return true
	}
	return false
}

// detectLayout finds the layout that the samples are written in: all of them, or else most, of which the others are
// then named one by one. Layouts that read every sample as the same time are as good as one.
func detectLayout(column string, samples []string, zone *time.Location) (string, *flaw) {
	var fitting []string
	most := len(samples)/2 + 1
	for _, layout := range layouts() {
		if layout == "unix" && slices.ContainsFunc(samples, tooEarly) {
			continue
		}
		switch n := fits(layout, samples, zone); {
		case n > most:
			most, fitting = n, []string{layout}
		case n == most:
			fitting = append(fitting, layout)
		}
	}
	if len(fitting) == 0 && !slices.ContainsFunc(samples, func(s string) bool { return !tooEarly(s) }) {
		return "", flawed(column, "%q may be a spreadsheet's number of days, or seconds since 1970: name it by --time-layout excel or --time-layout unix", clip(samples[0]))
	}
	if len(fitting) == 0 {
		return "", flawed(column, "%q is written in no time layout that is known; name it by --time-layout, such as '02.01.2006 15:04'", clip(samples[0]))
	}
	for _, other := range fitting[1:] {
		for _, s := range samples {
			a, af := parseTime(column, fitting[0], s, zone)
			b, bf := parseTime(column, other, s, zone)
			if af == nil && bf == nil && !a.Equal(b) {
				return "", flawed(column, "%q may mean %s or %s; name the layout by --time-layout '%s' or --time-layout '%s'",
					clip(s), a.Format("2 January 2006"), b.Format("2 January 2006"), fitting[0], other)
			}
		}
	}
	return fitting[0], nil
}

// tooEarly tells a number that would be a time before 1973 if it counted seconds: more likely it counts days.
func tooEarly(s string) bool {
	f, flaw := real("", s)
	return flaw == nil && *f < 1e8
}

// fits counts the samples that a layout reads.
func fits(layout string, samples []string, zone *time.Location) (n int) {
	for _, s := range samples {
		if _, f := parseTime("", layout, s, zone); f == nil {
			n++
		}
	}
	return n
}
