package answers

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/virtuous6/virtuous6/projections"
)

// Latest is the last UTC day on which a run ended. It is zero, and runs are, where there are some and none has a time.
func Latest(ctx context.Context, r projections.Reader) (day time.Time, runs int64, err error) {
	rows, err := r.Daily(ctx, projections.ByWorkflow)
	if err != nil {
		return day, 0, err
	}
	for i := range rows {
		runs += rows[i].Runs
		if at, err := time.Parse(time.DateOnly, rows[i].Day); err == nil && at.After(day) {
			day = at
		}
	}
	return day, runs, nil
}

// filter is of whole UTC days, both inclusive; of all that there is where there is no day.
func filter(since, until time.Time) projections.MetricsFilter {
	if since.IsZero() {
		return projections.MetricsFilter{}
	}
	return projections.MetricsFilter{Since: since.Format(time.DateOnly), Until: until.Format(time.DateOnly)}
}

// lasting is a time in the unit in which people speak of it.
func lasting(seconds float64) string {
	switch d := math.Abs(seconds); {
	case d < 120:
		return fmt.Sprintf("%.1f s", seconds)
	case d < 2*3600:
		return fmt.Sprintf("%.0f min", seconds/60)
	case d < 48*3600:
		return fmt.Sprintf("%.1f h", seconds/3600)
	}
	return fmt.Sprintf("%.1f days", seconds/86_400)
}
