package workflow

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// percent is a share in words, without decimals: "68%".
func percent(share float64) string { return fmt.Sprintf("%.0f%%", math.Round(share*100)) }

// points is the size of a difference in success, in percentage points: "31 points".
func points(difference float64) string {
	n := math.Round(math.Abs(difference) * 100)
	if n == 1 {
		return "1 point"
	}
	return fmt.Sprintf("%.0f points", n)
}

// arrows joins steps in their order.
func arrows(steps []string) string { return strings.Join(steps, " → ") }

// counted is a number with its noun: "1 run", "41 runs".
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// lasting is a duration in words, rounded to what a reader wants: "1.25s", "1m30s".
func lasting(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// times is a factor in words, of its logarithm.
func times(log float64) string {
	if n := math.Ceil(math.Exp(log)); n <= 1000 {
		return fmt.Sprintf("%.0f", n)
	}
	return "more than 1000"
}
