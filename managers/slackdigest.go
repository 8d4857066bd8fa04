package managers

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// SlackDigest is the work of posting what a day came to.
type SlackDigest struct{ SlackCard }

// Kind implements Work.
func (SlackDigest) Kind() string { return "slack.digest" }

// Day is the UTC day that it is about.
func (d SlackDigest) Day() (time.Time, error) {
	return time.Parse(time.DateOnly, strings.TrimPrefix(d.Of, digestCards))
}

// digestCards begin the names of the digests.
const digestCards = "digest:"

// Morning is when of a day a digest is posted. The zero value is 07:00 UTC.
type Morning struct {
	// At is the time of the day there, 24 h for midnight. Default 7 h.
	At time.Duration
	// Zone is where. Default UTC.
	Zone *time.Location
}

// After is the first such time that is not before end.
func (m Morning) After(end time.Time) time.Time {
	zone, at := m.Zone, m.At
	if zone == nil {
		zone = time.UTC
	}
	if at <= 0 {
		at = 7 * time.Hour
	}
	local := end.In(zone)
	for days := -1; ; days++ { // midnight is told by its evening
		t := time.Date(local.Year(), local.Month(), local.Day()+days, int(at/time.Hour), int(at%time.Hour/time.Minute), 0, 0, zone)
		if !t.Before(end) {
			return t.UTC()
		}
	}
}

type slackDigestState struct {
	Workspace string `json:"workspace,omitempty"`
	// Day is the one that a digest is to be posted of, empty for none. Later is the latest day after it on which something ran, Last
	// the latest of which one was posted.
	Day   string `json:"day,omitempty"`
	Later string `json:"later,omitempty"`
	Last  string `json:"last,omitempty"`
}

// slackDigest has what a day came to posted on the morning after it, where something ran on that day.
func slackDigest(morning Morning) Manager[slackDigestState] {
	return Manager[slackDigestState]{
		Name: "slack_digest", Version: 1, Opens: []string{"run.started"}, Follows: []string{"slack.posted"},
		Key: func(e *events.Envelope) string { return events.StreamName("digest", e.Workspace, "daily") },
		Evolve: func(s slackDigestState, e *events.Envelope, fact events.Event) slackDigestState {
			switch f := fact.(type) {
			case events.RunStarted:
				switch day := e.OccurredAt.UTC().Format(time.DateOnly); {
				case f.Source != nil || day <= s.Last:
				case s.Day == "":
					s.Workspace, s.Day = e.Workspace, day
				case day > s.Day:
					s.Later = max(s.Later, day)
				}
			case events.SlackPosted:
				if day, ok := strings.CutPrefix(f.Post, digestCards); ok && day == s.Day {
					s.Last, s.Day, s.Later = day, s.Later, ""
				}
			}
			return s
		},
		Wants: func(s slackDigestState) []Want {
			day, err := time.Parse(time.DateOnly, s.Day)
			if err != nil {
				return nil
			}
			card := SlackCard{Workspace: s.Workspace, Of: digestCards + s.Day, Since: day}
			return []Want{{ID: events.NameID(day, "the digest of "+s.Workspace), Work: SlackDigest{card}, At: morning.After(day.Add(24 * time.Hour))}}
		},
		Over: func(s slackDigestState) bool { return s == slackDigestState{} },
	}
}
