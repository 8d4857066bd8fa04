package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// DefaultModel is the model that agents of OpenAI's use where nobody names one: its cheapest with tools.
const DefaultModel = "gpt-6-luna"

// ListedModel is a model that a server says it has.
type ListedModel struct {
	ID string `json:"id"`
	// Shutdown is the day on which the provider ends it (2027-01-14), empty where it has announced none.
	Shutdown string `json:"shutdown_date"`
}

// listTime bounds the wait for a list of models.
const listTime = 2 * time.Second

// Models asks the server which models it has, in its order. Not every server tells.
func (m *OpenAI) Models(ctx context.Context) ([]ListedModel, error) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.base+"/models", nil)
	if err != nil {
		return nil, err
	}
	if m.key != "" {
		req.Header.Set("Authorization", "Bearer "+m.key)
	}
	resp, err := m.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("list the models of %s: %s", m.base, m.clean(err.Error()))
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLine))
	if err != nil {
		return nil, fmt.Errorf("list the models of %s: %s", m.base, m.clean(err.Error()))
	}
	if resp.StatusCode != http.StatusOK {
		e := &CallError{Status: resp.StatusCode, fault: readFault(body), Attempts: 1}
		if e.fault == nil {
			e.fault = &fault{message: string(body)}
		}
		m.classify(e)
		e.Detail = m.clean(e.Detail)
		return nil, fmt.Errorf("list the models of %s: %w", m.base, e)
	}
	var list struct {
		Data many[struct {
			ID       label `json:"id"`
			Shutdown label `json:"shutdown_date"`
		}] `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("list the models of %s: %w", m.base, ErrProtocol)
	}
	var models []ListedModel
	for _, one := range list.Data {
		// Gemini puts the kind in front.
		if id := strings.TrimPrefix(string(one.ID), "models/"); id != "" {
			models = append(models, ListedModel{ID: id, Shutdown: string(one.Shutdown)})
		}
	}
	return models, nil
}

// Chooses picks the model of a server that nobody named one for: the default one where the server has it, else the
// first in its list that talks. It is empty where the list has none.
func Chooses(models []ListedModel) string {
	first := ""
	for _, m := range models {
		if m.ID == DefaultModel {
			return m.ID
		}
		if first == "" && !slices.ContainsFunc([]string{"embed", "rerank", "whisper", "tts", "moderation", "dall-e"}, func(other string) bool {
			return strings.Contains(strings.ToLower(m.ID), other)
		}) {
			first = m.ID
		}
	}
	return first
}
