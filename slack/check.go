package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	api "github.com/slack-go/slack"
)

// Finding is what a look at the app's set-up found.
type Finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	// Says tells what was found, or what to do.
	Says string `json:"says"`
}

// Check asks Slack about the tokens. socket tells that there is an app token, hooks that there is a signing secret.
func Check(ctx context.Context, client *api.Client, socket, hooks bool) []Finding {
	var all []Finding
	say := func(what string, ok bool, format string, args ...any) {
		all = append(all, Finding{What: what, OK: ok, Says: fmt.Sprintf(format, args...)})
	}
	who, err := client.AuthTestContext(ctx)
	var refused api.SlackErrorResponse
	switch {
	case errors.As(err, &refused):
		say("bot token", false, "Slack says %s: take SLACK_BOT_TOKEN (xoxb-...) anew from OAuth & Permissions of the app", refused.Err)
		return all
	case err != nil:
		say("Slack", false, "can't be reached: %v", err)
		return all
	}
	say("bot token", true, "%s in %s", who.User, who.Team)
	if granted := who.Header.Get("X-OAuth-Scopes"); granted == "" {
		say("scopes", false, "Slack did not tell them: compare those of OAuth & Permissions with %s", strings.Join(Scopes(), ", "))
	} else {
		has := strings.FieldsFunc(granted, func(r rune) bool { return r == ',' || r == ' ' })
		var missing []string
		for _, scope := range Scopes() {
			if !slices.Contains(has, scope) {
				missing = append(missing, scope)
			}
		}
		if len(missing) > 0 {
			say("scopes", false, "add %s under OAuth & Permissions, and install the app again", strings.Join(missing, ", "))
		} else {
			say("scopes", true, "all %d", len(Scopes()))
		}
	}
	if socket {
		_, _, err := client.StartSocketModeContext(ctx)
		switch {
		case errors.As(err, &refused):
			say("socket", false, "Slack says %s: make an app token with the scope connections:write, set SLACK_APP_TOKEN (xapp-...), and turn Socket Mode on", refused.Err)
		case err != nil:
			say("socket", false, "can't be opened: %v", err)
		default:
			say("socket", true, "can be opened")
		}
	}
	if hooks {
		say("signing secret", true, "set; give `serve --hooks` and the address at which Slack reaches it")
	}
	if !socket && !hooks {
		say("way in", false, "set SLACK_APP_TOKEN for a socket, or SLACK_SIGNING_SECRET and `serve --hooks` for HTTP")
	}
	return all
}
