package commands

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// MaxApproved bounds the arguments that a person is asked about, in bytes: what nobody reads to its end nobody approves.
const MaxApproved = 16 << 10

// ApprovalID stands for one call of one turn of a run, with its arguments.
func ApprovalID(workspace, run string, turn, call int, tool, arguments string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d %q %q", workspace, run, turn, call, tool, arguments))
	return hex.EncodeToString(sum[:8])
}

// AskApproval suspends a run until a person has decided on a call.
type AskApproval struct {
	Meta
	Run       string
	Approval  string
	Call      int
	Agent     string
	Tool      string
	Arguments string
	Expires   time.Time
}

// AnswerApproval decides on a call that was asked for, or notes that nobody did in time.
type AnswerApproval struct {
	Meta
	Run      string
	Approval string
	Answer   events.ApprovalAnswer
	By       string
	Note     string
}

func (c AskApproval) Stream() string    { return RunStream(c.Workspace, c.Run) }
func (c AnswerApproval) Stream() string { return RunStream(c.Workspace, c.Run) }

func (AskApproval) run()    {}
func (AnswerApproval) run() {}
