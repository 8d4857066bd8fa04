package events_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
)

func TestDerivedIDsAreUUIDv7OfTheirParentsTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "ms"))
		parent := events.NameID(at, rapid.String().Draw(t, "name"))
		i, j := rapid.IntRange(0, 1000).Draw(t, "i"), rapid.IntRange(0, 1000).Draw(t, "j")
		a, b := events.DeriveID(parent, i), events.DeriveID(parent, j)
		if a.Version() != 7 || a.Variant() != uuid.RFC4122 || parent.Version() != 7 {
			t.Fatalf("%s is not a UUIDv7", a)
		}
		if (a == b) != (i == j) || a == parent {
			t.Fatalf("indexes %d and %d give %s and %s of %s", i, j, a, b, parent)
		}
		if sec, nsec := a.Time().UnixTime(); time.Unix(sec, nsec).UnixMilli() != at.UnixMilli() {
			t.Fatalf("%s is of %v, want %v", a, time.Unix(sec, nsec), at)
		}
	})
}

func TestIDsStayTheSameForEver(t *testing.T) {
	t.Parallel()
	parent := events.NameID(time.UnixMilli(1_700_000_000_000), "runs/r1")
	if got := parent.String(); got != "018bcfe5-6800-7bcf-acff-38c78c6cd42c" {
		t.Errorf("NameID = %s: ids in existing logs would no longer be recognised", got)
	}
	if got := events.DeriveID(parent, 1).String(); got != "018bcfe5-6800-7c6b-9ed0-83920741820b" {
		t.Errorf("DeriveID = %s: ids in existing logs would no longer be recognised", got)
	}
}

func TestCategory(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]string{"run-a-b": "run", "run": "run", "": "", "-x": ""} {
		if got := events.Category(stream); got != want {
			t.Errorf("Category(%q) = %q, want %q", stream, got, want)
		}
	}
}
