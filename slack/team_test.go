package slack_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/slack"
)

// What comes of a team that the configuration names is the team's workspace's, and all else the server's.
func TestATeamHasItsWorkspace(t *testing.T) {
	t.Parallel()
	door, h, _ := newDoor(t, func(c *slack.Config) { c.Workspace, c.Teams = "house", map[string]string{"T2": "shop"} })
	for team, want := range map[string]string{"T1": "house", "T2": "shop"} {
		by := func(d slack.Delivery) slack.Delivery {
			d.Payload = json.RawMessage(strings.NewReplacer(`"T1"`, `"`+team+`"`, "t1", "t"+team).Replace(string(d.Payload)))
			return d
		}
		if _, err := door.Take(t.Context(), by(slashed("/ask", "how?"))); err != nil {
			t.Fatal(err)
		}
		runs := all[commands.StartRun](h)
		if last := runs[len(runs)-1]; last.Workspace != want || last.Requester != events.SlackUser(team, "U1") {
			t.Errorf("a run of %s is in %q, of %s", team, last.Workspace, last.Requester)
		}
	}
}
