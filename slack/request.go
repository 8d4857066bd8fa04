package slack

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
)

// Request is what somebody wants, as a delivery tells it.
type Request struct {
	// Delivery is what is unique in the delivery: the same again is the same request.
	Delivery string
	// Type is the way it came: mention, message, session, slash, button, modal, shortcut, home.
	Type string
	Team string
	User string
	// Channel is where it came from, Thread the thread there, empty outside of one. Message is the message that it is about.
	Channel string
	Thread  string
	Message string
	// Home tells of a tap in the App Home, where nobody can be answered: the Home itself shows what came of it.
	Home bool
	// ResponseURL takes a few answers for half an hour; Trigger opens a modal for three seconds.
	ResponseURL string
	Trigger     string
	Wish        Wish
}

// id is the request's, the same for every repeat of its delivery. It carries no time of its own (1970), since a repeat comes
// later.
func (r Request) id() uuid.UUID {
	return events.NameID(time.UnixMilli(0), strings.Join([]string{"slack", r.Team, r.Delivery}, "\x00"))
}

func (r Request) person() string { return events.SlackUser(r.Team, r.User) }

// Wish is what is wanted.
//
//sumtype:decl
type Wish interface{ wish() string }

type (
	// Ask wants an answer. Overheard tells that nobody was addressed: it counts in a thread that the agent is in, and nowhere else.
	Ask struct {
		Text      string
		Overheard bool
	}
	// Goal wants something to be reached, by as many tasks as it takes.
	Goal struct{ Text string }
	// AskSlots wants the modal in which to fill in what a saved workflow leaves open.
	AskSlots struct{ Runbook string }
	// Launch wants a saved workflow run.
	Launch struct {
		Runbook string
		Slots   map[string]string
	}
	// Steer pauses the goal of a thread, or goes on with it.
	Steer struct{ Word string }
	// AskWorkflow wants the modal in which to choose a saved workflow, Pick has chosen one.
	AskWorkflow struct{}
	Pick        struct{ Runbook string }
	// Switch pauses the loop of improvements, or lets it go on. AskPause wants the modal in which to say why it is to pause.
	Switch struct {
		Pause  bool
		Reason string
	}
	AskPause struct{}
	// Raise gives a budget another limit, as far as it has still the one that was shown. AskRaise wants the modal in which to say
	// which, Spent what the money went for.
	Raise struct {
		Budget  string
		Was, To events.Nanos
	}
	AskRaise struct {
		Budget string
		Was    events.Nanos
	}
	Spent struct{ Budget string }
	// Review is what a reviewer says of a run, AskReview wants the modal in which to say why.
	Review struct {
		Run       string
		Judgement events.Judgement
		Reason    string
	}
	AskReview struct {
		Run       string
		Judgement events.Judgement
	}
	// Know wants what the read models tell.
	Know struct{ answers.Question }
	// Word wants words of a model for what the read models tell.
	Word struct {
		Know
		Says events.Phrasing
	}
	// Better says how an answer should have been. Run is empty for the last one there. Answer tells that the text is the answer
	// itself, not a wish about it.
	Better struct {
		Run    string
		Text   string
		Answer bool
	}
	// AskBetter wants the modal in which to say what would have been better.
	AskBetter struct{ Run string }
	// Judge says whether a run's answer was good.
	Judge struct {
		Run  string
		Good bool
	}
	// AskWrong wants the modal in which to say why an answer is wrong.
	AskWrong struct{ Run string }
	// Assess says whether a run's answer is right, and why not.
	Assess struct {
		Run    string
		Right  bool
		Reason string
	}
	// SaveWorkflow keeps the last run's steps, or those of Run, as a runbook.
	SaveWorkflow struct{ Name, Run string }
	// ShowMetrics wants the figures. Of is today, week, all, agent or workflow.
	ShowMetrics struct{ Of string }
	// Decide approves or rejects a proposal, as far as it is still what was shown. Digest tells that.
	Decide struct {
		Improvement string
		Digest      string
		Verdict     Verdict
	}
	// Permit lets a call be made that an agent asked for, or has it not made.
	Permit struct {
		Approval string
		Grant    bool
	}
	// Conclude gives all runs what an experiment has proved to be better, or ends it.
	Conclude struct {
		Experiment string
		Promote    bool
	}
	// Stop ends the runs under way in a thread.
	Stop struct{}
	// ShowHome wants the App Home.
	ShowHome struct{}
	// Help wants to know what there is.
	Help struct{}
	// Refuse is something that can't be done as it was asked.
	Refuse struct{ Says string }
	// Nothing is what is not for the agent. Why tells it in a few words.
	Nothing struct{ Why string }
)

// Verdict is what a person taps under a proposal.
type Verdict string

// The verdicts. Later and Evidence decide nothing.
const (
	Approve  Verdict = "approve"
	Reject   Verdict = "reject"
	Later    Verdict = "later"
	Evidence Verdict = "evidence"
)

func (Ask) wish() string         { return "ask" }
func (Goal) wish() string        { return "goal" }
func (AskSlots) wish() string    { return "ask_slots" }
func (Launch) wish() string      { return "launch" }
func (AskWorkflow) wish() string { return "ask_workflow" }
func (Pick) wish() string        { return "pick_workflow" }
func (s Switch) wish() string {
	if s.Pause {
		return "pause_improvements"
	}
	return "resume_improvements"
}
func (r Review) wish() string  { return "review_" + string(r.Judgement) }
func (AskReview) wish() string { return "ask_review" }
func (AskPause) wish() string  { return "ask_pause" }
func (Raise) wish() string     { return "raise_budget" }
func (AskRaise) wish() string  { return "ask_raise" }
func (Spent) wish() string     { return "spent" }
func (s Steer) wish() string   { return s.Word }
func (k Know) wish() string    { return "know_" + string(k.Topic) }
func (Better) wish() string    { return "better" }
func (AskBetter) wish() string { return "ask_better" }
func (Judge) wish() string     { return "judge" }
func (AskWrong) wish() string  { return "ask_wrong" }
func (a Assess) wish() string {
	if a.Right {
		return "right"
	}
	return "wrong"
}
func (SaveWorkflow) wish() string { return "save_workflow" }
func (ShowMetrics) wish() string  { return "metrics" }
func (d Decide) wish() string     { return string(d.Verdict) }
func (p Permit) wish() string {
	if p.Grant {
		return "permit"
	}
	return "forbid"
}
func (c Conclude) wish() string {
	if c.Promote {
		return "promote"
	}
	return "end_trial"
}
func (Stop) wish() string     { return "stop" }
func (ShowHome) wish() string { return "home" }
func (Help) wish() string     { return "help" }
func (Refuse) wish() string   { return "refused" }
func (Nothing) wish() string  { return "nothing" }
