package events

// VerdictOrigin is what sort of judge a verdict is from.
type VerdictOrigin string

// The closed vocabulary of origins, the one that counts most first: the latest verdict by a person counts, else the
// source's, else the rule's.
const (
	ByPerson VerdictOrigin = "person"
	BySource VerdictOrigin = "source"
	ByRule   VerdictOrigin = "rule"
)

// VerdictGiven says whether what a run did was good, which is another question than how it ended. It stands in a stream
// of its own: it may come long after the run's end, or before the run is known.
type VerdictGiven struct {
	Run string `json:"run"`
	// Verdict is succeeded or failed; unrated takes back what was said before from there.
	Verdict Outcome       `json:"verdict"`
	From    VerdictOrigin `json:"from"`
	// By is the person, the format of the source, or the rule.
	By string `json:"by,omitempty"`
	// Feedback is the score or the label that a rule went by.
	Feedback string `json:"feedback,omitempty"`
}

func (VerdictGiven) Kind() string { return "verdict.given" }

func (VerdictGiven) verdict() {}
