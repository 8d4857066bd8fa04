package slack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/events"
)

// Parse tells what a delivery wants. It is pure, and takes whatever Slack may send: what is not for the agent wants Nothing.
// It returns ErrMalformed for what is no delivery.
func Parse(d Delivery) (Request, error) {
	var r Request
	var err error
	switch d.Kind {
	case SlashDelivery:
		r, err = parseSlash(d.Payload)
	case EventDelivery:
		r, err = parseEvent(d.Payload)
	case InteractionDelivery:
		r, err = parseInteraction(d.Payload)
	default:
		return Request{}, fmt.Errorf("%w: of kind %q", ErrMalformed, d.Kind)
	}
	if err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	r.Delivery = cmp.Or(r.Delivery, d.Envelope)
	if _, none := r.Wish.(Nothing); !none && (r.Delivery == "" || r.User == "") {
		r.Wish = Nothing{Why: "it tells neither who sent it nor which delivery it is"}
	}
	return r, nil
}

func parseSlash(payload []byte) (Request, error) {
	var s api.SlashCommand
	if err := json.Unmarshal(payload, &s); err != nil {
		return Request{}, err
	}
	return Request{
		Delivery: s.TriggerID, Type: "slash", Team: s.TeamID, User: s.UserID, Channel: s.ChannelID, ResponseURL: s.ResponseURL, Trigger: s.TriggerID,
		Wish: slashWish(s.Command, strings.TrimSpace(s.Text)),
	}, nil
}

func slashWish(command, text string) Wish {
	switch command {
	case "/ask":
		if text == "" {
			return Refuse{Says: "Ask me something: `/ask how do I rotate the keys?`"}
		}
		return Ask{Text: plain(text)}
	case "/better":
		return betterWish(plain(text))
	case "/save-workflow":
		name, run, _ := strings.Cut(text, " ")
		if name == "" {
			return Refuse{Says: "Name it: `/save-workflow release-notes` keeps the steps of the last run here."}
		}
		return SaveWorkflow{Name: plain(name), Run: strings.TrimSpace(run)}
	case "/metrics":
		switch of := strings.ToLower(text); of {
		case "", "all", "today", "week", "agent", "workflow":
			return ShowMetrics{Of: cmp.Or(of, "all")}
		}
		return Refuse{Says: "I know `/metrics`, `/metrics today`, `/metrics week`, `/metrics agent` and `/metrics workflow`."}
	}
	return Help{}
}

// answerMark begins a text that is the better answer itself.
const answerMark = "answer:"

var runID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func betterWish(text string) Wish {
	b := Better{Text: text}
	if first, rest, _ := strings.Cut(text, " "); runID.MatchString(first) {
		b.Run, b.Text = first, strings.TrimSpace(rest)
	}
	if len(b.Text) >= len(answerMark) && strings.EqualFold(b.Text[:len(answerMark)], answerMark) {
		b.Answer, b.Text = true, strings.TrimSpace(b.Text[len(answerMark):])
	}
	if b.Text == "" {
		return Refuse{Says: "Say what would have been better: `/better shorter, with links`, or `/better answer: 42` for the answer itself."}
	}
	return b
}

// eventPayload is what is read of an event. The rest of what Slack sends may be of any shape.
type eventPayload struct {
	Type    string `json:"type"`
	TeamID  string `json:"team_id"`
	EventID string `json:"event_id"`
	Event   struct {
		Type        string `json:"type"`
		Subtype     string `json:"subtype"`
		User        any    `json:"user"`
		BotID       string `json:"bot_id"`
		AppID       string `json:"app_id"`
		Text        string `json:"text"`
		Channel     any    `json:"channel"`
		ChannelType string `json:"channel_type"`
		TS          string `json:"ts"`
		Thread      string `json:"thread_ts"`
		Tab         string `json:"tab"`
		Edited      *struct {
			TS string `json:"ts"`
		} `json:"edited"`
	} `json:"event"`
}

func parseEvent(payload []byte) (Request, error) {
	var p eventPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return Request{}, err
	}
	e := p.Event
	user, _ := e.User.(string)
	channel, _ := e.Channel.(string)
	r := Request{Delivery: p.EventID, Type: "event", Team: p.TeamID, User: user, Channel: channel, Thread: e.Thread, Message: e.TS}
	switch e.Type {
	case "app_mention", "message":
		return saidEvent(r, p), nil
	case "agent_session_stopped":
		r.Type, r.Wish = "session", Stop{}
	case "app_home_opened":
		if e.Tab != "" && e.Tab != "home" {
			r.Wish = Nothing{Why: "another tab of the app's home"}
			break
		}
		r.Type, r.Wish = "home", ShowHome{}
	default:
		r.Wish = Nothing{Why: "an event of type " + e.Type}
	}
	return r, nil
}

// saidEvent tells what a message wants. A message that mentions the agent comes as two events: its channel and time stamp
// make them one.
func saidEvent(r Request, p eventPayload) Request {
	e := p.Event
	direct := e.ChannelType == "im"
	r.Type = "message"
	if e.Type == "app_mention" {
		r.Type = "mention"
	}
	switch {
	case e.BotID != "" || e.AppID != "":
		r.Wish = Nothing{Why: "an app's own message"}
	case e.Subtype != "" && e.Subtype != "file_share" && e.Subtype != "thread_broadcast":
		r.Wish = Nothing{Why: "a message of subtype " + e.Subtype}
	case e.Edited != nil:
		r.Wish = Nothing{Why: "an edited message"}
	case r.User == "" || r.Channel == "" || e.TS == "":
		r.Wish = Nothing{Why: "a message without a user, a channel or a time stamp"}
	default:
		if r.Delivery != "" {
			r.Delivery = "message/" + r.Channel + "/" + e.TS
		}
		if r.Thread == "" {
			r.Thread = e.TS
		}
		r.Wish = spokenWish(e.Text, e.Type == "message" && !direct)
	}
	return r
}

// addressed is the mention that a text begins with.
var addressed = regexp.MustCompile(`^\s*<@[A-Z0-9]+(\|[^>]*)?>[\s,:]*`)

// spokenWish tells what a text wants, said to the agent or overheard in a thread.
func spokenWish(text string, overheard bool) Wish {
	text = strings.TrimSpace(addressed.ReplaceAllString(text, ""))
	word, rest, _ := strings.Cut(text, " ")
	word = strings.ToLower(strings.TrimRight(word, ":,.!?"))
	switch {
	case text == "" && overheard:
		return Nothing{Why: "a message without a text"}
	case text == "" || word == "help" && rest == "":
		return Help{}
	case overheard:
		return Ask{Text: plain(text), Overheard: true}
	case word == "stop" && rest == "":
		return Stop{}
	case word == "goal" && rest != "":
		return Goal{Text: plain(strings.TrimSpace(rest))}
	case (word == "pause" || word == "resume") && rest == "":
		return Steer{Word: word}
	case word == "pause" || word == "resume":
		if wish := switchWish(word, rest); wish != nil {
			return wish
		}
	case word == "metrics":
		return slashWish("/metrics", strings.TrimSpace(rest))
	case word == "better":
		return slashWish("/better", strings.TrimSpace(rest))
	case word == "save-workflow":
		return slashWish("/save-workflow", strings.TrimSpace(rest))
	}
	return Ask{Text: plain(text)}
}

// interactionPayload is what is read of a tap or of a modal.
type interactionPayload struct {
	Type        string `json:"type"`
	CallbackID  string `json:"callback_id"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	MessageTS   string `json:"message_ts"`
	Team        *struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID     string `json:"id"`
		TeamID string `json:"team_id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ChannelID string `json:"channel_id"`
		ThreadTS  string `json:"thread_ts"`
	} `json:"container"`
	Message struct {
		TS       string `json:"ts"`
		ThreadTS string `json:"thread_ts"`
	} `json:"message"`
	Actions []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
		ActionTS string `json:"action_ts"`
	} `json:"actions"`
	View struct {
		ID              string          `json:"id"`
		Type            string          `json:"type"`
		CallbackID      string          `json:"callback_id"`
		PrivateMetadata string          `json:"private_metadata"`
		State           json.RawMessage `json:"state"`
	} `json:"view"`
}

func parseInteraction(payload []byte) (Request, error) {
	var p interactionPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return Request{}, err
	}
	r := Request{
		Delivery: p.TriggerID, Type: "button", User: p.User.ID, Team: p.User.TeamID, Channel: cmp.Or(p.Channel.ID, p.Container.ChannelID),
		Message: cmp.Or(p.Message.TS, p.Container.MessageTS, p.MessageTS), Thread: cmp.Or(p.Message.ThreadTS, p.Container.ThreadTS),
		ResponseURL: p.ResponseURL, Trigger: p.TriggerID,
	}
	if p.Team != nil {
		r.Team = cmp.Or(p.Team.ID, r.Team)
	}
	switch p.Type {
	case "block_actions":
		r.Home = p.View.Type == "home"
		r.Wish = Nothing{Why: "no button of ours"}
		if len(p.Actions) > 0 {
			a := p.Actions[0]
			r.Delivery = cmp.Or(r.Delivery, a.ActionTS)
			r.Wish = tappedWish(a.ActionID, a.Value)
			var from origin
			if a.ActionID == slotsAction && json.Unmarshal([]byte(a.Value), &from) == nil && from.Runbook != "" {
				r.Channel, r.Thread, r.Wish = from.Channel, from.Thread, AskSlots{Runbook: from.Runbook}
			}
		}
	case "view_submission":
		r.Type = "modal"
		wish, from, err := submittedWish(p)
		if err != nil {
			return Request{}, err
		}
		r.Channel, r.Thread, r.Home = from.Channel, from.Thread, from.Home
		r.Delivery, r.Wish = cmp.Or(r.Delivery, p.View.ID), wish
	case "message_action":
		r.Type = "shortcut"
		r.Thread = cmp.Or(r.Thread, r.Message)
		switch p.CallbackID {
		case betterShortcut:
			r.Wish = AskBetter{}
		case runShortcut:
			r.Wish = AskWorkflow{}
		default:
			r.Wish = Nothing{Why: "no shortcut of ours"}
		}
	default:
		r.Wish = Nothing{Why: "an interaction of type " + p.Type}
	}
	return r, nil
}

// The names by which buttons, modals and shortcuts are told apart.
const (
	judgeAction    = "v6_judge"
	betterAction   = "v6_better"
	decideAction   = "v6_decide_"
	callAction     = "v6_call_"
	trialAction    = "v6_trial_"
	rightAction    = "v6_right"
	wrongAction    = "v6_wrong"
	wrongModal     = "v6_wrong_modal"
	runShortcut    = "v6_run_shortcut"
	runModal       = "v6_run_modal"
	pauseAction    = "v6_pause"
	resumeAction   = "v6_resume"
	pauseModal     = "v6_pause_modal"
	raiseAction    = "v6_raise"
	limitAction    = "v6_limit"
	limitModal     = "v6_limit_modal"
	spentAction    = "v6_spent"
	reviewAction   = "v6_review_"
	reviewModal    = "v6_review_modal"
	slotsAction    = "v6_slots"
	slotsModal     = "v6_slots_modal"
	slotBlock      = "slot:"
	betterModal    = "v6_better_modal"
	betterShortcut = "v6_better_shortcut"
	goodValue      = "good:"
	badValue       = "bad:"
)

func tappedWish(action, value string) Wish {
	switch {
	case strings.HasPrefix(action, judgeAction) && strings.HasPrefix(value, goodValue):
		return Judge{Run: strings.TrimPrefix(value, goodValue), Good: true}
	case strings.HasPrefix(action, judgeAction) && strings.HasPrefix(value, badValue):
		return Judge{Run: strings.TrimPrefix(value, badValue)}
	case action == rightAction && value != "":
		return Assess{Run: value, Right: true}
	case action == wrongAction && value != "":
		return AskWrong{Run: value}
	case action == betterAction:
		return AskBetter{Run: value}
	case action == callAction+string(Approve) && value != "":
		return Permit{Approval: value, Grant: true}
	case action == callAction+string(Reject) && value != "":
		return Permit{Approval: value}
	case action == reviewAction+string(events.JudgedRight) && value != "":
		return Review{Run: value, Judgement: events.JudgedRight}
	case action == reviewAction+string(events.JudgedWrong) && value != "":
		return AskReview{Run: value, Judgement: events.JudgedWrong}
	case action == reviewAction+string(events.Unsure) && value != "":
		return AskReview{Run: value, Judgement: events.Unsure}
	case action == pauseAction:
		return AskPause{}
	case action == resumeAction:
		return Switch{Reason: "in Slack"}
	case strings.HasPrefix(action, raiseAction+"_"):
		var v raise
		if json.Unmarshal([]byte(value), &v) == nil && v.Budget != "" {
			return Raise(v)
		}
	case action == limitAction:
		var v raise
		if json.Unmarshal([]byte(value), &v) == nil && v.Budget != "" {
			return AskRaise{Budget: v.Budget, Was: v.Was}
		}
	case action == spentAction && value != "":
		return Spent{Budget: value}
	case action == trialAction+string(Approve) && value != "":
		return Conclude{Experiment: value, Promote: true}
	case action == trialAction+string(Reject) && value != "":
		return Conclude{Experiment: value}
	case strings.HasPrefix(action, decideAction):
		verdict := Verdict(strings.TrimPrefix(action, decideAction))
		digest, improvement, ok := strings.Cut(value, ":")
		switch verdict {
		case Approve, Reject, Later, Evidence:
			if ok {
				return Decide{Improvement: improvement, Digest: digest, Verdict: verdict}
			}
		}
	}
	return Nothing{Why: "no button of ours"}
}

// origin is where a modal was opened: it carries it along, since Slack does not.
type origin struct {
	Run     string `json:"run,omitempty"`
	Runbook string `json:"runbook,omitempty"`
	Budget  *raise `json:"budget,omitempty"`
	// Judgement is what a reviewer is to give a reason for.
	Judgement events.Judgement `json:"judgement,omitempty"`
	Channel   string           `json:"channel"`
	Thread    string           `json:"thread,omitempty"`
	Home      bool             `json:"home,omitempty"`
}

func submittedWish(p interactionPayload) (Wish, origin, error) {
	switch p.View.CallbackID {
	case slotsModal:
		return launchWish(p)
	case reviewModal:
		return reviewWish(p)
	case runModal:
		return pickWish(p)
	case pauseModal, limitModal:
		return controlWish(p)
	}
	if p.View.CallbackID != betterModal && p.View.CallbackID != wrongModal {
		return Nothing{Why: "no modal of ours"}, origin{}, nil
	}
	var from origin
	if err := json.Unmarshal([]byte(p.View.PrivateMetadata), &from); err != nil {
		return nil, from, fmt.Errorf("the modal does not tell where it was opened")
	}
	var state struct {
		Values struct {
			Text struct {
				Input struct {
					Value string `json:"value"`
				} `json:"text"`
			} `json:"text"`
			Answer struct {
				Input struct {
					Selected []struct {
						Value string `json:"value"`
					} `json:"selected_options"`
				} `json:"answer"`
			} `json:"answer"`
		} `json:"values"`
	}
	if err := json.Unmarshal(p.View.State, &state); err != nil {
		return nil, from, err
	}
	text := strings.TrimSpace(state.Values.Text.Input.Value)
	if p.View.CallbackID == wrongModal {
		return Assess{Run: from.Run, Reason: text}, from, nil
	}
	return Better{Run: from.Run, Text: text, Answer: len(state.Values.Answer.Input.Selected) > 0}, from, nil
}
