package ingest

import (
	"strconv"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// chatTurn is a message of a conversation, with what its source tells of the call that made it.
type chatTurn struct {
	heard
	// key is where it stands in the record.
	key string
	at  time.Time
	// agent is who says it, where it is another than the import's.
	agent string
	// message is its place in a team's log, named that a step of it is called by who says it, prints that it is what a terminal printed there.
	message       int
	named, prints bool
	// used is what the call to the model used, nil where that is not told.
	used *draftStep
}

// chatTurns finds the messages: a list of them, a request and its response, or a sample of an evaluation.
func chatTurns(v value) ([]chatTurn, *flaw) {
	for _, key := range []string{"traj", "messages", "conversation", "items", "history"} {
		messages := v.get(key)
		if !messages.given() {
			continue
		}
		if messages.kind() != list {
			return nil, flawed(key, "is %s, not a list of messages", messages.kind())
		}
		if key == "history" && isTeam(messages) {
			return teamTurns(v, messages, key), nil
		}
		return listedTurns(messages, key)
	}
	asked, answered := v, v
	switch {
	case v.get("sample").kind() == object:
		asked, answered = v.get("sample"), v.get("sample")
	case v.get("response").kind() == object:
		asked, answered = v.first("request", "body"), v.get("response")
	}
	if body := answered.get("body"); body.kind() == object {
		answered = body // a line of OpenAI's batches
	}
	question, answer := asked.first("messages", "input", "prompt"), answered.first("output", "choices")
	if !answer.given() {
		return nil, flawed("messages", "is missing; it is the list of messages, and may also be called traj or conversation")
	}
	all := hear(asked.get("instructions"), "system")
	all = append(all, hear(question, "user")...)
	replies := hear(answer, "assistant")
	if answer.kind() == list && answered.get("choices").given() {
		replies = hear(answered, "assistant")
	}
	for i := range replies {
		replies[i].source = value{}
		if replies[i].Role == "assistant" {
			// The first one stands for the call: what a provider's own tools did lies inside of it.
			replies[i].source = answered
			break
		}
	}
	turns := make([]chatTurn, 0, len(all)+len(replies))
	for _, h := range all {
		h.source = value{}
		turns = append(turns, chatTurn{heard: h})
	}
	for _, h := range replies {
		turns = append(turns, chatTurn{heard: h})
	}
	return turns, nil
}

func listedTurns(messages value, key string) ([]chatTurn, *flaw) {
	places := map[value]int{}
	for i, item := range messages.items() {
		at := key + "[" + strconv.Itoa(i) + "]"
		if item.kind() != object {
			return nil, flawed(at, "is %s, not a message", item.kind())
		}
		_, chain := chainRoles[item.get("type").text()]
		if item.get("role").text() == "" && !chain && !item.get("lc").given() && partOf(item) == partText {
			return nil, flawed(at+".role", "is missing")
		}
		places[item] = i
	}
	var turns []chatTurn
	at := key
	for _, h := range hearList(messages, "") {
		if i, ok := places[h.source]; ok {
			at = key + "[" + strconv.Itoa(i) + "]"
		}
		turns = append(turns, chatTurn{heard: h, key: at})
	}
	return turns, nil
}

// chatUsage reads what each call used. A record that tells it only for the whole conversation gives it to the last
// answer, and is whole.
func (d *draft) chatUsage(v value, turns []chatTurn) (whole bool, f *flaw) {
	last, any := -1, false
	for i := range turns {
		if t := &turns[i]; t.Role == "assistant" {
			last = i
			told, f := used(t.source)
			if f != nil {
				f.key = joinKey(t.key, f.key)
				return false, f
			}
			if any = any || told != nil; told != nil || t.used == nil {
				t.used = told
			}
		}
	}
	for _, told := range []struct {
		key  string
		cost value
	}{
		{"cost", v.first("cost", "cost_usd", "total_cost", "agent_cost")},
		{"final_metrics.total_cost_usd", v.get("final_metrics").get("total_cost_usd")},
	} {
		if c := told.cost; c.kind() == number || c.kind() == text {
			if d.cost, f = roundUSD(told.key, c.scalar()); f != nil {
				return false, f
			}
			d.priced = true
			break
		}
	}
	if !any && last >= 0 {
		told, f := used(v)
		if f != nil {
			return false, f
		}
		if whole = told != nil; whole {
			turns[last].used = told
		}
	}
	return whole, nil
}

// used reads the usage and the cost of one call, nil where neither is told.
func used(v value) (*draftStep, *flaw) {
	s := &draftStep{}
	u := v.first("usage", "usage_metadata", "metrics", "final_metrics")
	if f := readUsage("usage", u, s); f != nil {
		return nil, f
	}
	for _, c := range []value{u.first("cost", "cost_usd"), v.first("cost", "cost_usd", "total_cost")} {
		if c.kind() == number || c.kind() == text {
			var f *flaw
			if s.cost, f = roundUSD("cost", c.scalar()); f != nil {
				return nil, f
			}
			s.priced = true
			break
		}
	}
	if u.kind() != object && s.cost == 0 {
		return nil, nil
	}
	return s, nil
}

// finishOf is why the model stopped.
func finishOf(v value) string {
	if s := v.first("finish_reason", "stop_reason").text(); s != "" {
		return s
	}
	for _, choice := range v.get("choices").items() {
		return choice.get("finish_reason").text()
	}
	return ""
}

// failureText is what an error says of itself.
func failureText(v value) string {
	if v.kind() == object {
		return firstOf(v.get("message").scalar(), v.raw())
	}
	if v.kind() == boolean {
		return ""
	}
	return v.scalar()
}

// evaluated reads an item of OpenAI's Evals: whether its graders passed it, and what each of them says.
func (d *draft) evaluated(v value) (f *flaw) {
	sample := v.get("sample")
	d.model = sample.get("model").text()
	d.err = failureText(sample.get("error"))
	switch status := v.get("status").text(); status {
	case "pass", "passed":
		d.verdict = events.Succeeded
	case "fail", "failed":
		d.verdict = events.Failed
	case "error":
		d.outcome = events.Failed
	}
	for i, result := range v.get("results").items() {
		fb := draftFeedback{step: -1, user: "evaluation", name: result.get("name").scalar()}
		if score := result.get("score"); score.given() {
			if fb.score, f = real("results["+strconv.Itoa(i)+"].score", score.scalar()); f != nil {
				return f
			}
		}
		if passed := result.get("passed"); passed.kind() == boolean {
			fb.label = "failed"
			if passed.isTrue() {
				fb.label = "passed"
			}
		}
		if fb.score != nil || fb.label != "" {
			d.feedback = append(d.feedback, fb)
		}
	}
	return nil
}

// givenLabels leaves out the labels without a text.
func givenLabels(all map[string]string) map[string]string {
	for key, s := range all {
		if s == "" {
			delete(all, key)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
