package slack

import (
	"slices"

	api "github.com/slack-go/slack"
)

// Scopes are what the app asks for, in the order of the alphabet.
func Scopes() []string {
	return []string{
		"app_mentions:read", "assistant:write", "channels:history", "chat:write", "commands", "groups:history", "im:history", "im:write",
		"mpim:history", "usergroups:read", "users:read",
	}
}

// Manifest is what makes the app in Slack. Without a URL Slack is listened to by a socket.
func Manifest(name, url string) api.Manifest {
	socket := url == ""
	command := func(command, description, hint string) api.ManifestSlashCommand {
		return api.ManifestSlashCommand{Command: command, Description: description, UsageHint: hint, Url: url}
	}
	m := api.Manifest{
		Display: api.Display{Name: name, Description: "Answers, and finds out with evidence what would make it better"},
		Features: api.Features{
			AgentView: &api.AgentView{
				AgentDescription: "Ask me anything. Say what would have been better, and I look for what to change.",
				SuggestedPrompts: []api.ManifestSuggestedPrompt{
					{Title: "What did you learn?", Message: "What did you learn from recent interactions?"},
					{Title: "What patterns are there?", Message: "What patterns did you find yesterday?"},
					{Title: "How can you improve?", Message: "How can you improve yourself today?"},
				},
			},
			AppHome: api.AppHome{HomeTabEnabled: true, MessagesTabEnabled: true},
			BotUser: api.BotUser{DisplayName: name, AlwaysOnline: true},
			Shortcuts: []api.Shortcut{
				{Name: "What would be better?", CallbackID: betterShortcut, Description: "Say what would have been better than this answer", Type: api.MessageShortcut},
				{Name: "Run a workflow", CallbackID: runShortcut, Description: "Go for a saved workflow in this thread", Type: api.MessageShortcut},
			},
			SlashCommands: []api.ManifestSlashCommand{
				command("/ask", "Ask, and get the answer in a thread", "how do I rotate the keys?"),
				command("/better", "Say what would have been better", "shorter, with links | answer: 42"),
				command("/save-workflow", "Keep the steps of the last run here", "NAME"),
				command("/metrics", "See how runs go", "today | week | agent | workflow"),
			},
		},
		OAuthConfig: api.OAuthConfig{Scopes: api.OAuthScopes{Bot: Scopes()}},
		Settings: api.Settings{
			EventSubscriptions: &api.EventSubscriptions{
				RequestUrl: url,
				BotEvents:  []string{"agent_session_stopped", "app_home_opened", "app_mention", "message.channels", "message.groups", "message.im", "message.mpim"},
			},
			Interactivity:     &api.Interactivity{IsEnabled: true, RequestUrl: url},
			SocketModeEnabled: socket,
		},
	}
	slices.Sort(m.Settings.EventSubscriptions.BotEvents)
	return m
}
