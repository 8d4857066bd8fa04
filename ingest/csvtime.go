package ingest

import (
	"slices"
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

// detectLayout finds the layout that all samples are written in. Layouts that read every sample as the same time are
// as good as one.
func detectLayout(column string, samples []string, zone *time.Location) (string, *flaw) {
	var fitting []string
	for _, layout := range layouts() {
		if fits(layout, samples, zone) {
			fitting = append(fitting, layout)
		}
	}
	if len(fitting) == 0 {
		return "", flawed(column, "%q is written in no time layout that is known; name it by --time-layout, such as '02.01.2006 15:04'", clip(samples[0]))
	}
	for _, other := range fitting[1:] {
		for _, s := range samples {
			a, _ := parseTime(column, fitting[0], s, zone)
			b, _ := parseTime(column, other, s, zone)
			if !a.Equal(b) {
				return "", flawed(column, "%q may mean %s or %s; name the layout by --time-layout '%s' or --time-layout '%s'",
					clip(s), a.Format("2 January 2006"), b.Format("2 January 2006"), fitting[0], other)
			}
		}
	}
	return fitting[0], nil
}

func fits(layout string, samples []string, zone *time.Location) bool {
	return !slices.ContainsFunc(samples, func(s string) bool {
		_, f := parseTime("", layout, s, zone)
		return f != nil
	})
}
