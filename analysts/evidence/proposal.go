package evidence

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// ProposalID is the id of the improvement that a proposal asks for: 16 hexadecimal digits of the SHA-256 of the
// analyst's name and the change, and of nothing else; from the second generation on with its number behind it. The same
// change proposed again, on more history and with other figures, is the same improvement: it is proposed once.
func ProposalID(analyst string, change events.Change, generation int) string {
	if c := change.Config; c != nil { // whose words it has changes with who is there
		config := *c
		config.Of, config.Fixes = nil, slices.Clone(c.Fixes)
		for i := range config.Fixes {
			config.Fixes[i].Of = nil
		}
		change.Config = &config
	}
	if b := change.Book; b != nil {
		book := *b
		book.Requester = ""
		change.Book = &book
	}
	data, err := json.Marshal(struct {
		Analyst string
		Change  events.Change
	}{analyst, change})
	if err != nil {
		// A change holds texts and numbers; only a temperature that is no number could fail, and none is proposed.
		panic("evidence: encode a change: " + err.Error())
	}
	digest := sha256.Sum256(data)
	id := hex.EncodeToString(digest[:8])
	if generation > 1 {
		id = fmt.Sprintf("%s-%d", id, generation)
	}
	return id
}

// ID is the id of the improvement that it asks for: see ProposalID.
func (p Proposal) ID() string { return ProposalID(p.Analyst, p.Change, p.Generation) }

// MarshalJSON writes what `analyze --json` prints of a proposal.
func (p Proposal) MarshalJSON() ([]byte, error) {
	risk, do := RiskOf(p.ID(), p.Change)
	severity := events.SeverityLow
	if p.Worth != nil {
		severity = p.Worth.Severity
	}
	return json.Marshal(struct {
		ID             string            `json:"id"`
		Generation     int               `json:"generation"`
		Previous       string            `json:"previous,omitempty"`
		Analyst        string            `json:"analyst"`
		AnalystVersion int               `json:"analyst_version"`
		Kind           events.ChangeKind `json:"kind"`
		Workflow       string            `json:"workflow,omitempty"`
		Agent          string            `json:"agent,omitempty"`
		Reason         string            `json:"reason"`
		Change         events.Change     `json:"change"`
		Claim          events.Claim      `json:"claim"`
		Strength       events.Strength   `json:"strength,omitempty"`
		Evidence       events.Evidence   `json:"evidence"`
		Expected       events.Expected   `json:"expected"`
		Worth          *events.Worth     `json:"worth,omitempty"`
		Severity       events.Severity   `json:"severity"`
		Risk           Risk              `json:"risk"`
		Steps          []string          `json:"steps_to_take"`
		Wording        *Wording          `json:"wording,omitempty"`
	}{
		p.ID(), cmp.Or(p.Generation, 1), p.Previous, p.Analyst, p.AnalystVersion, p.Change.Kind, p.Change.Workflow, p.Change.Agent,
		p.Reason, p.Change, p.Claim, p.Strength, p.Evidence, p.Expected, p.Worth, severity, risk, do, p.Wording,
	})
}
