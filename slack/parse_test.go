package slack_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/slack"
)

func event(team, id, inner string) slack.Delivery {
	return slack.Delivery{Kind: slack.EventDelivery, Payload: []byte(`{"type":"event_callback","team_id":"` + team + `","event_id":"` + id + `","event":` + inner + `}`)}
}

func slash(command, text string) slack.Delivery {
	payload, err := json.Marshal(map[string]string{"team_id": "T1", "channel_id": "C1", "user_id": "U1", "command": command, "text": text, "trigger_id": "1.2.x", "response_url": "https://hooks.example/1"})
	if err != nil {
		panic(err)
	}
	return slack.Delivery{Kind: slack.SlashDelivery, Payload: payload}
}

func tapped(action, value string) slack.Delivery {
	return slack.Delivery{Kind: slack.InteractionDelivery, Payload: []byte(`{"type":"block_actions","trigger_id":"9.9","team":{"id":"T1"},"user":{"id":"U1"},"channel":{"id":"C1"},` +
		`"message":{"ts":"5.5","thread_ts":"1.1"},"actions":[{"action_id":"` + action + `","value":"` + value + `"}]}`)}
}

func TestWishes(t *testing.T) {
	t.Parallel()
	const run = "00000000-0000-70ad-99a4-76ddbedea37f"
	said := func(inner string) slack.Delivery { return event("T1", "Ev1", inner) }
	for name, c := range map[string]struct {
		from slack.Delivery
		want slack.Wish
	}{
		"ask":                  {slash("/ask", " how? "), slack.Ask{Text: "how?"}},
		"ask nothing":          {slash("/ask", ""), slack.Refuse{}},
		"better":               {slash("/better", "shorter"), slack.Better{Text: "shorter"}},
		"better answer":        {slash("/better", "Answer: 42"), slack.Better{Text: "42", Answer: true}},
		"better of a run":      {slash("/better", run+" shorter"), slack.Better{Run: run, Text: "shorter"}},
		"better nothing":       {slash("/better", run), slack.Refuse{}},
		"save":                 {slash("/save-workflow", "notes"), slack.SaveWorkflow{Name: "notes"}},
		"save nothing":         {slash("/save-workflow", ""), slack.Refuse{}},
		"metrics":              {slash("/metrics", ""), slack.ShowMetrics{Of: "all"}},
		"metrics today":        {slash("/metrics", "Today"), slack.ShowMetrics{Of: "today"}},
		"metrics of the moon":  {slash("/metrics", "moon"), slack.Refuse{}},
		"another command":      {slash("/deploy", ""), slack.Help{}},
		"mention":              {said(`{"type":"app_mention","user":"U1","text":"<@UB> fix <https://x.example/?a=1&amp;b=2|this> &lt;now&gt;","ts":"1.1","channel":"C1"}`), slack.Ask{Text: "fix this (https://x.example/?a=1&b=2) <now>"}},
		"mention, help":        {said(`{"type":"app_mention","user":"U1","text":"<@UB>","ts":"1.1","channel":"C1"}`), slack.Help{}},
		"mention, stop":        {said(`{"type":"app_mention","user":"U1","text":"<@UB> stop","ts":"1.2","thread_ts":"1.1","channel":"C1"}`), slack.Stop{}},
		"mention, metrics":     {said(`{"type":"app_mention","user":"U1","text":"<@UB> metrics week","ts":"1.1","channel":"C1"}`), slack.ShowMetrics{Of: "week"}},
		"mention, better":      {said(`{"type":"app_mention","user":"U1","text":"<@UB> better: shorter","ts":"1.1","channel":"C1"}`), slack.Better{Text: "shorter"}},
		"direct":               {said(`{"type":"message","channel_type":"im","user":"U1","text":"hello","ts":"1.1","channel":"D1"}`), slack.Ask{Text: "hello"}},
		"overheard":            {said(`{"type":"message","channel_type":"channel","user":"U1","text":"hello","ts":"1.2","thread_ts":"1.1","channel":"C1"}`), slack.Ask{Text: "hello", Overheard: true}},
		"a bot":                {said(`{"type":"message","channel_type":"im","user":"U1","bot_id":"B1","text":"hello","ts":"1.1","channel":"D1"}`), slack.Nothing{}},
		"joined":               {said(`{"type":"message","subtype":"channel_join","user":"U1","text":"hello","ts":"1.1","channel":"C1"}`), slack.Nothing{}},
		"edited":               {said(`{"type":"app_mention","user":"U1","text":"<@UB> hello","edited":{"ts":"2.1"},"ts":"1.1","channel":"C1"}`), slack.Nothing{}},
		"stopped":              {said(`{"type":"agent_session_stopped","user":"U1","channel":"D1","thread_ts":"1.1"}`), slack.Stop{}},
		"home":                 {said(`{"type":"app_home_opened","user":"U1","tab":"home","channel":"D1"}`), slack.ShowHome{}},
		"messages tab":         {said(`{"type":"app_home_opened","user":"U1","tab":"messages","channel":"D1"}`), slack.Nothing{}},
		"good":                 {tapped("v6_judge", "good:r1"), slack.Judge{Run: "r1", Good: true}},
		"bad":                  {tapped("v6_judge", "bad:r1"), slack.Judge{Run: "r1"}},
		"what would be better": {tapped("v6_better", "r1"), slack.AskBetter{Run: "r1"}},
		"approve":              {tapped("v6_decide_approve", "ab:imp-1"), slack.Decide{Improvement: "imp-1", Digest: "ab", Verdict: slack.Approve}},
		"goal":                 {said(`{"type":"app_mention","user":"U1","text":"<@UB> goal: ship <https://x.example|it>","ts":"1.1","channel":"C1"}`), slack.Goal{Text: "ship it (https://x.example)"}},
		"pause":                {said(`{"type":"app_mention","user":"U1","text":"<@UB> pause","ts":"1.2","thread_ts":"1.1","channel":"C1"}`), slack.Steer{Word: "pause"}},
		"right":                {tapped("v6_right", "r1"), slack.Assess{Run: "r1", Right: true}},
		"wrong":                {tapped("v6_wrong", "r1"), slack.AskWrong{Run: "r1"}},
		"promote":              {tapped("v6_trial_approve", "x1"), slack.Conclude{Experiment: "x1", Promote: true}},
		"end a trial":          {tapped("v6_trial_reject", "x1"), slack.Conclude{Experiment: "x1"}},
		"why it is wrong": {slack.Delivery{Kind: slack.InteractionDelivery, Payload: []byte(`{"type":"view_submission","trigger_id":"9.9","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","callback_id":"v6_wrong_modal",` +
			`"private_metadata":"{\"run\":\"r1\",\"channel\":\"C1\"}","state":{"values":{"text":{"text":{"type":"plain_text_input","value":" no "}}}}}}`)},
			slack.Assess{Run: "r1", Reason: "no"}},
		"let a call be made":    {tapped("v6_call_approve", "1f0c"), slack.Permit{Approval: "1f0c", Grant: true}},
		"have a call not made":  {tapped("v6_call_reject", "1f0c"), slack.Permit{Approval: "1f0c"}},
		"of no call":            {tapped("v6_call_approve", ""), slack.Nothing{}},
		"a verdict of no kind":  {tapped("v6_decide_maybe", "ab:imp-1"), slack.Nothing{}},
		"another app's button":  {tapped("buy", "1"), slack.Nothing{}},
		"nobody":                {said(`{"type":"agent_session_stopped","channel":"D1","thread_ts":"1.1"}`), slack.Nothing{}},
		"a user that is a list": {said(`{"type":"user_change","user":{"id":"U1"}}`), slack.Nothing{}},
		"modal": {slack.Delivery{Kind: slack.InteractionDelivery, Payload: []byte(`{"type":"view_submission","trigger_id":"9.9","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","callback_id":"v6_better_modal",` +
			`"private_metadata":"{\"run\":\"r1\",\"channel\":\"C1\"}","state":{"values":{"text":{"text":{"type":"plain_text_input","value":" 42 "}},"answer":{"answer":{"selected_options":[{"value":"answer"}]}}}}}}`)},
			slack.Better{Run: "r1", Text: "42", Answer: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := slack.Parse(c.from)
			if err != nil {
				t.Fatal(err)
			}
			got := r.Wish
			switch got.(type) { // their texts are for people
			case slack.Refuse:
				got = slack.Refuse{}
			case slack.Nothing:
				got = slack.Nothing{}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", r.Wish, c.want)
			}
		})
	}
}

// A mention in a channel that the app listens to comes as two events.
func TestAMessageThatComesAsTwoEventsIsOne(t *testing.T) {
	t.Parallel()
	mention, err := slack.Parse(event("T1", "Ev1", `{"type":"app_mention","user":"U1","text":"<@UB> hi","ts":"1.1","channel":"C1"}`))
	if err != nil {
		t.Fatal(err)
	}
	message, err := slack.Parse(event("T1", "Ev2", `{"type":"message","channel_type":"channel","user":"U1","text":"<@UB> hi","ts":"1.1","channel":"C1"}`))
	if err != nil || mention.Delivery != message.Delivery {
		t.Errorf("got %q and %q, %v", mention.Delivery, message.Delivery, err)
	}
}

// payloads are samples of all that Slack sends, some here and all of them where the data is.
func payloads(t testing.TB) map[string][]byte {
	all := map[string][]byte{}
	folders := []string{"testdata/payloads"}
	for _, data := range []string{os.Getenv("VIRTUOUS6_DATA"), "../../shared/data"} {
		if _, err := os.Stat(filepath.Join(data, "slack")); data != "" && err == nil {
			folders = append(folders, filepath.Join(data, "slack"))
			break
		}
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".json") {
				return err
			}
			all[path], err = os.ReadFile(path) //nolint:gosec // test data
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func kindOf(path string) slack.Kind {
	switch base := filepath.Base(path); {
	case strings.HasPrefix(base, "Slash"):
		return slack.SlashDelivery
	case strings.HasPrefix(base, "View"), strings.HasPrefix(base, "Dialog"), strings.HasPrefix(base, "Block"), strings.HasPrefix(base, "Attachment"), strings.HasPrefix(base, "MessageShortcut"):
		return slack.InteractionDelivery
	}
	return slack.EventDelivery
}

func TestEveryPayloadIsTakenOrPolitelyIgnored(t *testing.T) {
	t.Parallel()
	for path, payload := range payloads(t) {
		r, err := slack.Parse(slack.Delivery{Kind: kindOf(path), Payload: payload, Envelope: "e1"})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		// Their values are blank: there is nobody whom one could answer.
		if _, nothing := r.Wish.(slack.Nothing); !nothing {
			t.Errorf("%s wants %#v", path, r.Wish)
		}
	}
}

func FuzzParse(f *testing.F) {
	for path, payload := range payloads(f) {
		f.Add(string(kindOf(path)), payload)
	}
	f.Add("slash", []byte(`{"command":"/better","text":"answer:","user_id":"U"}`))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		r, err := slack.Parse(slack.Delivery{Kind: slack.Kind(kind), Payload: payload})
		if (err == nil) != (r.Wish != nil) || err != nil && !errors.Is(err, slack.ErrMalformed) {
			t.Errorf("got %#v, %v", r, err)
		}
	})
}
