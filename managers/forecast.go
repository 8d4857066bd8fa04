package managers

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// forecastsState are the forecasts of a workspace that are not scored yet, by improvement.
type forecastsState struct {
	Workspace string              `json:"workspace,omitempty"`
	Open      map[string]forecast `json:"open,omitempty"`
}

// forecast is what an analyst expects of a change. Found is what was measured of it, at At by the fact Cause.
type forecast struct {
	Analyst  string           `json:"analyst"`
	Expected events.Expected  `json:"expected"`
	Found    *events.Evidence `json:"found,omitempty"`
	Cause    uuid.UUID        `json:"cause,omitzero"`
	At       time.Time        `json:"at,omitzero"`
}

// forecasts holds each analyst to what it foretold, once its change was measured.
func forecasts() Manager[forecastsState] {
	return Manager[forecastsState]{
		Name: "forecasts", Version: 1, Opens: []string{"improvement.proposed"},
		Key:     func(e *events.Envelope) string { return e.Workspace },
		Follows: []string{"improvement.evidence_changed", "improvement.rejected", "improvement.effect_measured", "analyst.scored"},
		Evolve:  evolveForecasts,
		Wants: func(s forecastsState) (wants []Want) {
			for _, id := range slices.Sorted(maps.Keys(s.Open)) {
				if f := s.Open[id]; f.Found != nil {
					c := commands.ScoreForecast{
						Meta: meta("forecasts", f.Cause, 0, f.At, s.Workspace, ""), Analyst: f.Analyst, Improvement: id, Foretold: f.Expected, Found: *f.Found,
					}
					wants = append(wants, Want{ID: c.ID, Command: c})
				}
			}
			return wants
		},
		Over: func(s forecastsState) bool { return len(s.Open) == 0 },
	}
}

func evolveForecasts(s forecastsState, e *events.Envelope, fact events.Event) forecastsState {
	s.Workspace = e.Workspace
	id := events.Identity(e.Stream)
	switch f := fact.(type) {
	case events.ImprovementProposed:
		// Only success is measured. Who expects nothing has foretold nothing.
		if f.Expected.Metric == measured && f.Expected.Change != 0 {
			if s.Open == nil {
				s.Open = map[string]forecast{}
			}
			s.Open[id] = forecast{Analyst: f.Analyst, Expected: f.Expected}
		}
	case events.ImprovementEvidenceChanged:
		if f.Strength.Withdraws() {
			delete(s.Open, id)
		} else if o, open := s.Open[id]; open && f.Expected.Metric == measured && f.Expected.Change != 0 {
			o.Expected = f.Expected
			s.Open[id] = o
		}
	case events.ImprovementRejected:
		delete(s.Open, id)
	case events.ImprovementEffectMeasured:
		if o, open := s.Open[id]; open && f.Metric == measured {
			o.Found, o.Cause, o.At = &f.Evidence, e.ID, e.OccurredAt
			s.Open[id] = o
		}
	case events.AnalystScored:
		delete(s.Open, f.Improvement)
	}
	return s
}
