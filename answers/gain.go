package answers

import (
	"fmt"
	"math"

	"github.com/virtuous6/virtuous6/events"
)

// Gain says what something may bring, with its interval: in points of success, or in what is saved in 30 days.
func Gain(w *events.Worth) string {
	switch w.Unit {
	case events.LessDollars:
		return fmt.Sprintf("$%s less a month (%s to %s)", Amount(w, w.Month), Amount(w, w.Low), Amount(w, w.High))
	case events.LessMinutes:
		return fmt.Sprintf("%s minutes less a month (%s to %s)", Amount(w, w.Month), Amount(w, w.Low), Amount(w, w.High))
	}
	return fmt.Sprintf("%+.1f points (%.1f to %.1f)", w.Points, w.PointsLow, w.PointsHigh)
}

// Amount writes an amount of a worth's unit.
func Amount(w *events.Worth, x float64) string {
	switch n := math.Abs(x); {
	case w.Unit == events.LessDollars && n < 100:
		return fmt.Sprintf("%.2f", x)
	case n < 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}
