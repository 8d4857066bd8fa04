package events_test

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

func TestAWeekBeginsOnMonday(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]time.Time{
		monday: monday, monday.Add(-1): monday.AddDate(0, 0, -7), monday.Add(7*24*time.Hour - 1): monday,
		time.Date(2026, 11, 23, 0, 30, 0, 0, time.FixedZone("", 3600)): monday.AddDate(0, 0, -7),
	} {
		if got := events.Week(at); !got.Equal(want) {
			t.Errorf("the week of %s begins on %s, want %s", at, got, want)
		}
	}
}
