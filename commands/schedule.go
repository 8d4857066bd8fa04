package commands

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// ErrSchedule tells that a text is no schedule.
var ErrSchedule = errors.New("that is no schedule")

// Schedule tells when a trigger's clock ticks.
type Schedule struct {
	at   cron.Schedule
	zone *time.Location
}

// leastPeriod is how often a clock may tick.
const leastPeriod = time.Minute

// fields are cron's usual five, and words such as @daily.
var fields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// ParseSchedule reads the five fields of cron (minute, hour, day of the month, month, day of the week), a word such as @daily, or
// @every with a duration, in a time zone by its name, or UTC.
func ParseSchedule(text, zone string) (Schedule, error) {
	if strings.Contains(text, "TZ=") {
		return Schedule{}, fmt.Errorf("%w: %q: the time zone is told beside it", ErrSchedule, text)
	}
	at, err := fields.Parse(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("%w: %q: %w; it is five fields such as \"0 7 * * 1-5\", or a word such as @daily, or @every 30m", ErrSchedule, text, err)
	}
	if every, is := at.(cron.ConstantDelaySchedule); is && every.Delay < leastPeriod {
		return Schedule{}, fmt.Errorf("%w: %q: the shortest is @every 1m", ErrSchedule, text)
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return Schedule{}, fmt.Errorf("%w: there is no time zone %q: it is a name such as Europe/Berlin", ErrSchedule, zone)
	}
	s := Schedule{at, location}
	if s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("%w: %q: there is no such day", ErrSchedule, text)
	}
	return s, nil
}

// Next is the first tick behind a moment.
func (s Schedule) Next(after time.Time) time.Time {
	next := s.at.Next(after.In(s.zone))
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

// Latest is the last tick from the one at first up to now, and how many came between.
func (s Schedule) Latest(first, now time.Time) (tick time.Time, missed int) {
	tick = first
	for {
		next := s.Next(tick)
		if next.IsZero() || next.After(now) {
			return tick, missed
		}
		tick, missed = next, missed+1
	}
}
