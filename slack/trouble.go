package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/managers"
)

// trouble is why Slack does not take something that somebody can do something about.
type trouble struct {
	// here tells that it is the channel's: elsewhere it may be said. token tells that it is the token's: nothing can be said until there is another one.
	here, token bool
	// says is what who asked is told, do what who runs the app is.
	says, do string
}

const newToken = "take SLACK_BOT_TOKEN anew from OAuth & Permissions of the app, and start again"

// troubles are those, by what Slack calls them.
var troubles = map[string]trouble{
	"not_in_channel":                        {here: true, says: "I am not in that channel: invite me there (`/invite`)", do: "invite the app into the channel"},
	"channel_not_found":                     {here: true, says: "I can't see that channel: invite me there (`/invite`)", do: "invite the app into the channel, or name another one in the configuration"},
	"is_archived":                           {here: true, says: "that channel is archived", do: "unarchive the channel, or name another one in the configuration"},
	"restricted_action":                     {here: true, says: "the settings of that channel do not let me write there", do: "let the app write there, in the settings of the channel"},
	"restricted_action_read_only_channel":   {here: true, says: "that channel is for reading only", do: "let the app write there, in the settings of the channel"},
	"restricted_action_thread_only_channel": {here: true, says: "that channel takes answers in threads only", do: "let the app write there, in the settings of the channel"},
	"missing_scope":                         {do: "add it under OAuth & Permissions of the app, and install the app again"},
	"invalid_auth":                          {token: true, do: newToken},
	"not_authed":                            {token: true, do: newToken},
	"token_revoked":                         {token: true, do: newToken},
	"token_expired":                         {token: true, do: newToken},
	"account_inactive":                      {token: true, do: newToken},
}

// troubleOf is the trouble behind an error, none where it is another one.
func troubleOf(err error) trouble {
	var refused api.SlackErrorResponse
	if !errors.As(err, &refused) {
		return trouble{}
	}
	return troubles[refused.Err]
}

// remedy is what is to be done about an error, for a line in the log.
func remedy(err error) string {
	var refused api.SlackErrorResponse
	if !errors.As(err, &refused) {
		return "try again"
	}
	if refused.Err == "missing_scope" && refused.Needed != "" {
		return "the scope " + refused.Needed + " is missing: " + troubles[refused.Err].do
	}
	return cmp.Or(troubles[refused.Err].do, "`virtuous6 slack check` tells what is missing")
}

// direct is the conversation between the app and who asked for a run, for what can't be said where they asked.
func (d *Door) direct(ctx context.Context, run managers.SlackRun) (channel string, err error) {
	_, user := personOf(run.Requester)
	if user == "" {
		return "", errors.New("nobody in Slack asked for it")
	}
	err = d.limits.call(ctx, "conversations.open", "", func(ctx context.Context) error {
		opened, _, _, err := d.API.OpenConversationContext(ctx, &api.OpenConversationParameters{Users: []string{user}})
		if err == nil {
			channel = opened.ID
		}
		return err
	})
	return channel, err
}

// elsewhere tells who asked why they are answered here and not where they asked.
func elsewhere(channel, prompt string, why trouble) (text string, blocks []api.Block) {
	text = fmt.Sprintf(":no_entry_sign: I can't answer in <#%s>: %s. The answer comes here, in this thread.", inert(channel), why.says)
	return bare(text), []api.Block{section(text + "\n>" + inert(clip(oneLine(prompt), 500)))}
}

// turnTo begins a thread with who asked for a run, since Slack does not take what is said where they asked.
func (d *Door) turnTo(ctx context.Context, run managers.SlackRun, from, prompt string, why trouble) (channel, thread string, err error) {
	if channel, err = d.direct(ctx, run); err != nil {
		return "", "", err
	}
	text, blocks := elsewhere(from, prompt, why)
	thread, err = d.post(ctx, run, channel, "", "elsewhere", api.MsgOptionText(text, false), api.MsgOptionBlocks(blocks...))
	return channel, thread, err
}
