package events

import "time"

// RunApprovalAsked suspends a live run: a call that its last answer asks for needs a person's approval. It holds the whole
// call, so that whoever decides sees what will be done.
type RunApprovalAsked struct {
	// Approval is a digest of the run, the turn, the place of the call, the tool and its arguments: it stands for that very call.
	Approval string `json:"approval"`
	// Call is the place, from 0, of the call in the last answer.
	Call      int    `json:"call"`
	Agent     string `json:"agent,omitempty"`
	Tool      string `json:"tool"`
	Arguments string `json:"arguments,omitempty"`
	// Expires is when it is refused where nobody has decided.
	Expires time.Time `json:"expires"`
}

// ApprovalAnswer is what became of an approval that was asked for.
type ApprovalAnswer string

// The closed vocabulary of answers. Granted and Rejected are a person's; Expired tells that nobody answered in time,
// Withdrawn that the run ended before.
const (
	ApprovalGranted   ApprovalAnswer = "granted"
	ApprovalRejected  ApprovalAnswer = "rejected"
	ApprovalExpired   ApprovalAnswer = "expired"
	ApprovalWithdrawn ApprovalAnswer = "withdrawn"
)

// RunApprovalAnswered tells what became of an approval. The run goes on once all that it asked for are answered.
type RunApprovalAnswered struct {
	Approval string         `json:"approval"`
	Answer   ApprovalAnswer `json:"answer"`
	// By is the person who decided, empty where nobody did.
	By   string `json:"by,omitempty"`
	Note string `json:"note,omitempty"`
}

func (RunApprovalAsked) Kind() string    { return "run.approval_asked" }
func (RunApprovalAnswered) Kind() string { return "run.approval_answered" }

func (RunApprovalAsked) run()    {}
func (RunApprovalAnswered) run() {}
