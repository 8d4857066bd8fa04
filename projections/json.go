package projections

import (
	"encoding/json"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// The shapes below are what programs read (docs/cli.md): the columns' names, times in RFC 3339 with nanoseconds in
// UTC, durations in seconds, money as exact decimal text in dollars, and null for what is not known.

func jsonTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func jsonSeconds(ns int64) *float64 {
	if ns < 0 {
		return nil
	}
	s := seconds(ns)
	return &s
}

func jsonNumber(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func jsonList[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func jsonLabels(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}

// MarshalJSON writes the documented shape.
func (r RunRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Run           string            `json:"run"`
		Workspace     string            `json:"workspace"`
		Workflow      string            `json:"workflow"`
		Task          string            `json:"task"`
		Requester     string            `json:"requester"`
		Conversation  string            `json:"conversation"`
		Agent         string            `json:"agent"`
		AgentRevision *int64            `json:"agent_revision"`
		Outcome       events.Outcome    `json:"outcome"`
		FinishReason  string            `json:"finish_reason"`
		Error         string            `json:"error"`
		StartedAt     *time.Time        `json:"started_at"`
		EndedAt       *time.Time        `json:"ended_at"`
		Duration      *float64          `json:"duration_seconds"`
		Steps         int64             `json:"steps"`
		FailedSteps   int64             `json:"failed_steps"`
		InputTokens   int64             `json:"input_tokens"`
		OutputTokens  int64             `json:"output_tokens"`
		CostUSD       string            `json:"cost_usd"`
		Unpriced      bool              `json:"unpriced"`
		Agents        []string          `json:"agents"`
		Models        []string          `json:"models"`
		Tools         []string          `json:"tools"`
		Trace         []string          `json:"trace"`
		Labels        map[string]string `json:"labels"`
		Source        string            `json:"source"`
		Scripted      bool              `json:"scripted"`
		Prompt        string            `json:"prompt"`
		Answer        string            `json:"answer"`
		FirstPosition uint64            `json:"first_position"`
		LastPosition  uint64            `json:"last_position"`
	}{
		r.Run, r.Workspace, r.Workflow, r.Task, r.Requester, r.Conversation, r.Agent, jsonNumber(r.AgentRevision), r.Outcome, r.FinishReason, r.Error, jsonTime(r.StartedAt), jsonTime(r.EndedAt),
		jsonSeconds(r.DurationNS), r.Steps, r.FailedSteps, r.InputTokens, r.OutputTokens, r.CostNanos.String(), r.Unpriced,
		jsonList(r.Agents), jsonList(r.Models), jsonList(r.Tools), jsonList(r.Trace), jsonLabels(r.Labels), r.Source,
		r.Scripted, r.Prompt, r.Answer, r.FirstPosition, r.LastPosition,
	})
}

// MarshalJSON writes the documented shape.
func (r StepRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Run          string            `json:"run"`
		Step         int64             `json:"step"`
		Workflow     string            `json:"workflow"`
		Name         string            `json:"name"`
		Type         events.StepKind   `json:"type"`
		Agent        string            `json:"agent"`
		Tool         string            `json:"tool"`
		Model        string            `json:"model"`
		Parent       *int64            `json:"parent"`
		DependsOn    []int             `json:"depends_on"`
		Labels       map[string]string `json:"labels"`
		Outcome      events.Outcome    `json:"outcome"`
		Error        string            `json:"error"`
		StartedAt    *time.Time        `json:"started_at"`
		EndedAt      *time.Time        `json:"ended_at"`
		Duration     *float64          `json:"duration_seconds"`
		InputTokens  int64             `json:"input_tokens"`
		OutputTokens int64             `json:"output_tokens"`
		CachedTokens int64             `json:"cached_tokens"`
		CostUSD      string            `json:"cost_usd"`
		Unpriced     bool              `json:"unpriced"`
		Position     uint64            `json:"position"`
	}{
		r.Run, r.Step, r.Workflow, r.Name, r.Type, r.Agent, r.Tool, r.Model, jsonNumber(r.Parent), jsonList(r.DependsOn),
		jsonLabels(r.Labels), r.Outcome, r.Error, jsonTime(r.StartedAt), jsonTime(r.EndedAt), jsonSeconds(r.DurationNS),
		r.InputTokens, r.OutputTokens, r.CachedTokens, r.CostNanos.String(), r.Unpriced, r.Position,
	})
}

// MarshalJSON writes the documented shape.
func (r AgentRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Agent       string     `json:"agent"`
		Role        string     `json:"role"`
		Status      string     `json:"status"`
		Model       string     `json:"model"`
		Fallbacks   []string   `json:"fallbacks"`
		Temperature *float64   `json:"temperature"`
		MaxTokens   int64      `json:"max_tokens"`
		Tools       []string   `json:"tools"`
		Prompt      string     `json:"prompt"`
		Imported    bool       `json:"imported"`
		Configured  int64      `json:"configured"`
		Runs        int64      `json:"runs"`
		SpawnedAt   *time.Time `json:"spawned_at"`
		RetiredAt   *time.Time `json:"retired_at"`
		Position    uint64     `json:"position"`
	}{
		r.Agent, r.Role, r.Status, r.Model, jsonList(r.Fallbacks), r.Temperature, r.MaxTokens, jsonList(r.Tools), r.Prompt, r.Imported, r.Configured,
		r.Runs, jsonTime(r.SpawnedAt), jsonTime(r.RetiredAt), r.Position,
	})
}

// MarshalJSON writes the documented shape.
func (r TaskRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Workflow  string            `json:"workflow"`
		Task      string            `json:"task"`
		Title     string            `json:"title"`
		Status    events.TaskStatus `json:"status"`
		Note      string            `json:"note"`
		Assignee  string            `json:"assignee"`
		Runs      int64             `json:"runs"`
		Succeeded int64             `json:"succeeded"`
		Failed    int64             `json:"failed"`
		Cancelled int64             `json:"cancelled"`
		Unrated   int64             `json:"unrated"`
		UpdatedAt *time.Time        `json:"updated_at"`
		Position  uint64            `json:"position"`
	}{
		r.Workflow, r.Task, r.Title, r.Status, r.Note, r.Assignee, r.Runs, r.Succeeded, r.Failed, r.Cancelled, r.Unrated,
		jsonTime(r.UpdatedAt), r.Position,
	})
}

// MarshalJSON writes the documented shape.
func (r FeedbackRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Feedback string     `json:"feedback"`
		Run      string     `json:"run"`
		Step     *int64     `json:"step"`
		Agent    string     `json:"agent"`
		User     string     `json:"user"`
		Name     string     `json:"name"`
		Score    *float64   `json:"score"`
		Label    string     `json:"label"`
		Text     string     `json:"text"`
		Better   string     `json:"better"`
		GivenAt  *time.Time `json:"given_at"`
		Position uint64     `json:"position"`
	}{
		r.Feedback, r.Run, jsonNumber(r.Step), r.Agent, r.User, r.Name, r.Score, r.Label, r.Text, r.Better, jsonTime(r.GivenAt),
		r.Position,
	})
}
