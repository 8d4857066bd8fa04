package ingest

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// The readers below take a value of the sort that its key asks for. null is as good as leaving an optional key out.

func textOf(key string, v value) (string, *flaw) {
	switch v.kind() {
	case null:
		return "", nil
	case text:
		return v.text(), nil
	}
	return "", flawed(key, "is %s, not a text", v.kind())
}

func name(key string, v value) (string, *flaw) {
	if v.kind() != text {
		return "", flawed(key, "is %s, not a text", v.kind())
	}
	s := v.text()
	return s, checkName(key, s)
}

func timeOf(key string, v value) (time.Time, *flaw) {
	switch v.kind() {
	case null:
		return time.Time{}, nil
	case text:
		return rfc3339(key, v.text())
	}
	return time.Time{}, flawed(key, "is %s; a time is a text like 2026-11-01T09:30:00Z", v.kind())
}

func countOf(key string, v value) (int64, *flaw) {
	switch v.kind() {
	case null:
		return 0, nil
	case number:
		return count(key, v.raw())
	}
	return 0, flawed(key, "is %s, not a number", v.kind())
}

func outcomeOf(key string, v value) (events.Outcome, *flaw) {
	switch o := events.Outcome(v.text()); {
	case v.kind() == null:
		return "", nil
	case v.kind() != text:
		return "", flawed(key, "is %s, not a text", v.kind())
	case o == events.Succeeded, o == events.Failed, o == events.Cancelled:
		return o, nil
	default:
		return "", flawed(key, "%q is unknown; it is succeeded, failed or cancelled", clip(string(o)))
	}
}

func labelsOf(key string, v value) (map[string]string, *flaw) {
	switch v.kind() {
	case null:
		return nil, nil
	case object:
	default:
		return nil, flawed(key, "is %s, not an object", v.kind())
	}
	labels := map[string]string{}
	for k, m := range v.members() {
		if m.kind() != text {
			return nil, flawed(key+"."+clip(k), "is %s, not a text", m.kind())
		}
		labels[k] = m.text()
	}
	if len(labels) == 0 {
		return nil, nil
	}
	return labels, nil
}
