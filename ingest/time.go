package ingest

import (
	"math"
	"strconv"
	"time"
)

// The range of times that fit into Unix nanoseconds, which is how stores keep them.
var (
	earliest = time.Unix(0, math.MinInt64)
	latest   = time.Unix(0, math.MaxInt64)
)

// rfc3339 reads a time with its zone.
func rfc3339(key, s string) (time.Time, *flaw) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, flawed(key, "%q is not a time like 2026-11-01T09:30:00Z (RFC 3339)", clip(s))
	}
	return inRange(key, t)
}

func inRange(key string, t time.Time) (time.Time, *flaw) {
	if t.Before(earliest) || t.After(latest) {
		return time.Time{}, flawed(key, "the year %d is out of range; 1678 to 2262 can be kept", t.Year())
	}
	return t.UTC(), nil
}

// unixNanos reads nanoseconds since 1970. Zero and nothing are no time.
func unixNanos(key, s string) (time.Time, *flaw) {
	if s == "" || s == "0" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return time.Time{}, flawed(key, "%q is not a time in nanoseconds since 1970", clip(s))
	}
	return time.Unix(0, int64(n)).UTC(), nil //nolint:gosec // parsed within 63 bits
}

// unixTime reads seconds or milliseconds since 1970: what would be beyond the year 5138 as seconds is milliseconds.
func unixTime(key, s string) (time.Time, *flaw) {
	f, flaw := real(key, s)
	if flaw != nil {
		return time.Time{}, flaw
	}
	const most = 1e11
	if math.Abs(*f) >= most {
		*f /= 1000
	}
	if math.Abs(*f) >= most {
		return time.Time{}, flawed(key, "%q is not a time in seconds or milliseconds since 1970", clip(s))
	}
	whole, part := math.Modf(*f)
	return inRange(key, time.Unix(int64(whole), int64(math.Round(part*1e6))*1000))
}

// anyTime reads a time as JSON has it: RFC 3339 text, the same without a zone, or a number since 1970.
func anyTime(key string, v value, zone *time.Location) (time.Time, *flaw) {
	switch v.kind() {
	case missing, null:
		return time.Time{}, nil
	case text:
		for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"} {
			if t, err := time.ParseInLocation(layout, v.text(), zone); err == nil {
				return inRange(key, t)
			}
		}
		return rfc3339(key, v.text())
	case number:
		return unixTime(key, v.raw())
	}
	return time.Time{}, flawed(key, "is %s, not a time", v.kind())
}
