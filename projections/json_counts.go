package projections

import (
	"encoding/json"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// MarshalJSON writes the documented shape.
func (r PatternRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Workflow      string      `json:"workflow"`
		Kind          PatternKind `json:"kind"`
		Digest        string      `json:"digest"`
		Steps         []string    `json:"steps"`
		Count         int64       `json:"count"`
		Runs          int64       `json:"runs"`
		Succeeded     int64       `json:"succeeded"`
		Failed        int64       `json:"failed"`
		Cancelled     int64       `json:"cancelled"`
		Unrated       int64       `json:"unrated"`
		FirstPosition uint64      `json:"first_position"`
		LastPosition  uint64      `json:"last_position"`
	}{
		r.Workflow, r.Kind, r.Digest, jsonList(r.Steps), r.Count, r.Runs, r.Succeeded, r.Failed, r.Cancelled, r.Unrated,
		r.FirstPosition, r.LastPosition,
	})
}

// MarshalJSON writes the documented shape.
func (r CostRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Day          string `json:"day"`
		Workflow     string `json:"workflow"`
		Agent        string `json:"agent"`
		Model        string `json:"model"`
		Calls        int64  `json:"calls"`
		InputTokens  int64  `json:"input_tokens"`
		OutputTokens int64  `json:"output_tokens"`
		CachedTokens int64  `json:"cached_tokens"`
		CostUSD      string `json:"cost_usd"`
	}{
		r.Day, r.Workflow, r.Agent, r.Model, r.Calls, r.InputTokens, r.OutputTokens, r.CachedTokens, r.CostNanos.String(),
	})
}

// MarshalJSON writes the documented shape.
func (r ImprovementRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Improvement    string           `json:"improvement"`
		Analyst        string           `json:"analyst"`
		AnalystVersion int64            `json:"analyst_version"`
		Kind           string           `json:"kind"`
		Workflow       string           `json:"workflow"`
		Agent          string           `json:"agent"`
		Status         string           `json:"status"`
		Generation     int64            `json:"generation"`
		Previous       string           `json:"previous"`
		Claim          events.Claim     `json:"claim"`
		Strength       events.Strength  `json:"strength"`
		EndedPosition  uint64           `json:"ended_position"`
		Reason         string           `json:"reason"`
		Change         events.Change    `json:"change"`
		Evidence       events.Evidence  `json:"evidence"`
		Expected       events.Expected  `json:"expected"`
		Measured       *events.Evidence `json:"measured"`
		DecidedBy      string           `json:"decided_by"`
		Note           string           `json:"note"`
		ProposedAt     *time.Time       `json:"proposed_at"`
		UpdatedAt      *time.Time       `json:"updated_at"`
		Position       uint64           `json:"position"`
	}{
		r.Improvement, r.Analyst, r.AnalystVersion, r.Kind, r.Workflow, r.Agent, r.Status,
		r.Generation, r.Previous, r.Claim, r.Strength, r.EndedPosition, r.Reason, r.Change, r.Evidence,
		r.Expected, r.Measured, r.DecidedBy, r.Note, jsonTime(r.ProposedAt), jsonTime(r.UpdatedAt), r.Position,
	})
}

// MarshalJSON writes the documented shape.
func (r RunbookRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Runbook  string               `json:"runbook"`
		Version  int64                `json:"version"`
		Workflow string               `json:"workflow"`
		Run      string               `json:"run"`
		Steps    []events.RunbookStep `json:"steps"`
		Notes    string               `json:"notes"`
		SavedAt  *time.Time           `json:"saved_at"`
		Position uint64               `json:"position"`
	}{
		r.Runbook, r.Version, r.Workflow, r.Run, jsonList(r.Steps), r.Notes, jsonTime(r.SavedAt), r.Position,
	})
}

// MarshalJSON writes the documented shape.
func (r BudgetRow) MarshalJSON() ([]byte, error) {
	var exhausted *string
	if r.Exhausted != "" {
		exhausted = &r.Exhausted
	}
	return json.Marshal(struct {
		Budget    string              `json:"budget"`
		Period    events.BudgetPeriod `json:"period"`
		LimitUSD  string              `json:"limit_usd"`
		Exhausted *string             `json:"exhausted"`
		Position  uint64              `json:"position"`
	}{r.Budget, r.Period, r.LimitNanos.String(), exhausted, r.Position})
}

// MarshalJSON writes the documented shape.
func (m MetricRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Workspace    string    `json:"workspace"`
		Dimension    Dimension `json:"dimension"`
		Name         string    `json:"name"`
		Day          string    `json:"day"`
		Runs         int64     `json:"runs"`
		Succeeded    int64     `json:"succeeded"`
		Failed       int64     `json:"failed"`
		Cancelled    int64     `json:"cancelled"`
		Unrated      int64     `json:"unrated"`
		Steps        int64     `json:"steps"`
		FailedSteps  int64     `json:"failed_steps"`
		InputTokens  int64     `json:"input_tokens"`
		OutputTokens int64     `json:"output_tokens"`
		CostUSD      string    `json:"cost_usd"`
	}{
		m.Workspace, m.Dimension, m.Name, m.Day, m.Runs, m.Succeeded, m.Failed, m.Cancelled, m.Unrated, m.Steps, m.FailedSteps,
		m.InputTokens, m.OutputTokens, m.CostNanos.String(),
	})
}
