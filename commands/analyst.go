package commands

import "github.com/virtuous6/virtuous6/events"

// AnalystStream is the stream of an analyst's scores in a workspace.
func AnalystStream(workspace, analyst string) string {
	return events.StreamName("analyst", workspace, analyst)
}

// ScoreForecast holds an analyst to what it foretold of an improvement that was measured.
type ScoreForecast struct {
	Meta
	Analyst     string
	Improvement string
	Foretold    events.Expected
	Found       events.Evidence
}

func (c ScoreForecast) Stream() string { return AnalystStream(c.Workspace, c.Analyst) }

func (ScoreForecast) analyst() {}
