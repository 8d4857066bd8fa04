package slack

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	api "github.com/slack-go/slack"
)

// Finding is what a look at the app's set-up found.
type Finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	// Unseen tells that it could not be looked at: it is neither right nor missing.
	Unseen bool `json:"unseen,omitempty"`
	// Says tells what was found, or what to do.
	Says string `json:"says"`
}

// Setup is what is looked at, beside the bot token.
type Setup struct {
	// Socket tells that there is an app token, Secret is what Slack signs its requests with, URL where it reaches this program by HTTP.
	Socket bool
	Secret string
	URL    string
	// Config is a token that reads how the app is configured in Slack (xoxe.xoxp-...).
	Config string
	// Channels are those that something is posted into, by what the configuration calls them; Groups those that may decide.
	Channels map[string]string
	Groups   []string
	// Now tells the time. Default time.Now.
	Now func() time.Time
}

// checks are the findings of a look.
type checks struct {
	Setup
	client *api.Client
	all    []Finding
}

func (c *checks) say(what string, ok bool, format string, args ...any) {
	c.all = append(c.all, Finding{What: what, OK: ok, Says: fmt.Sprintf(format, args...)})
}

// Check asks Slack about the tokens, and looks at all else that has to be right.
func Check(ctx context.Context, client *api.Client, s Setup) []Finding {
	if s.Now == nil {
		s.Now = time.Now
	}
	c := &checks{Setup: s, client: client}
	who, err := client.AuthTestContext(ctx)
	var refused api.SlackErrorResponse
	switch {
	case errors.As(err, &refused):
		c.say("bot token", false, "Slack says %s: take SLACK_BOT_TOKEN (xoxb-...) anew from OAuth & Permissions of the app", refused.Err)
		return c.all
	case err != nil:
		c.say("Slack", false, "can't be reached: %v", err)
		return c.all
	}
	c.say("bot token", true, "%s in %s", who.User, who.Team)
	c.scopes(who.Header.Get("X-OAuth-Scopes"))
	c.ways(ctx)
	c.configured(ctx, who.BotID)
	for _, name := range slices.Sorted(maps.Keys(s.Channels)) {
		if channel := s.Channels[name]; channel != "" {
			_, err := client.GetConversationHistoryContext(ctx, &api.GetConversationHistoryParameters{ChannelID: channel, Limit: 1})
			c.asked("channel of "+name, err, channel+": the app may read it")
		}
	}
	for _, group := range s.Groups {
		people, err := client.GetUserGroupMembersContext(ctx, group)
		c.asked("group "+group, err, fmt.Sprintf("%d may decide", len(people)))
	}
	return c.all
}

// asked says what came of a call.
func (c *checks) asked(what string, err error, found string) {
	if err != nil {
		c.say(what, false, "Slack says %s: %s", reasonOf(err), remedy(err))
		return
	}
	c.say(what, true, "%s", found)
}

// scopes compares what was granted with what is needed.
func (c *checks) scopes(granted string) {
	if granted == "" {
		c.say("scopes", false, "Slack did not tell them: compare those of OAuth & Permissions with %s", strings.Join(Scopes(), ", "))
		return
	}
	if missing := lacking(Scopes(), strings.FieldsFunc(granted, func(r rune) bool { return r == ',' || r == ' ' })); len(missing) > 0 {
		c.say("scopes", false, "add %s under OAuth & Permissions, and install the app again", strings.Join(missing, ", "))
		return
	}
	c.say("scopes", true, "all %d", len(Scopes()))
}

// lacking are those that are needed and not there.
func lacking(needed, there []string) (missing []string) {
	for _, one := range needed {
		if !slices.Contains(there, one) {
			missing = append(missing, one)
		}
	}
	return missing
}

// ways looks at how deliveries come in.
func (c *checks) ways(ctx context.Context) {
	if c.Socket {
		_, _, err := c.client.StartSocketModeContext(ctx)
		var refused api.SlackErrorResponse
		switch {
		case errors.As(err, &refused):
			c.say("socket", false, "Slack says %s: make an app token with the scope connections:write, set SLACK_APP_TOKEN (xapp-...), and turn Socket Mode on", refused.Err)
		case err != nil:
			c.say("socket", false, "can't be opened: %v", err)
		default:
			c.say("socket", true, "can be opened")
		}
	}
	switch {
	case c.URL != "" && c.Secret == "":
		c.say("URL", false, "SLACK_SIGNING_SECRET is not set: take it from Basic Information of the app, without it nothing that comes by HTTP is taken")
	case c.URL != "":
		ok, says := c.reached(ctx)
		c.say("URL", ok, "%s: %s", c.URL, says)
	case c.Secret != "":
		c.say("signing secret", true, "set; once `serve --hooks` runs, `virtuous6 slack check --url URL` tells whether Slack reaches it there")
	case !c.Socket:
		c.say("way in", false, "set SLACK_APP_TOKEN for a socket, or SLACK_SIGNING_SECRET and `serve --hooks` for HTTP")
	}
}

// reached asks the address what Slack asks one that it is told: to give a text back, which is signed.
func (c *checks) reached(ctx context.Context) (ok bool, says string) {
	at, err := url.Parse(c.URL)
	if err != nil || at.Host == "" {
		return false, "this is no address: give the whole of it, such as https://v6.example.com/"
	}
	if at.Scheme != "https" && !loopback(at.Hostname()) {
		return false, "Slack calls https only: have a proxy before `serve --hooks` that ends TLS"
	}
	challenge := rand.Text()
	body, sent := `{"type":"url_verification","challenge":"`+challenge+`"}`, c.Now().Unix()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, strings.NewReader(body))
	if err != nil {
		return false, err.Error()
	}
	mac := hmac.New(sha256.New, []byte(c.Secret))
	fmt.Fprintf(mac, "v0:%d:%s", sent, body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Slack-Request-Timestamp", fmt.Sprint(sent))
	request.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return false, fmt.Sprintf("can't be reached: %v. Is `virtuous6 serve --hooks` running, and the proxy before it?", errors.Unwrap(err))
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	switch {
	case err != nil:
		return false, "its answer is cut off: " + err.Error()
	case answer.StatusCode == http.StatusUnauthorized:
		return false, "it does not take our signature: SLACK_SIGNING_SECRET is another one there, or one of the two clocks is off by more than five minutes"
	case answer.StatusCode != http.StatusOK || string(said) != challenge:
		return false, fmt.Sprintf("it answers %s, and not as `virtuous6 serve --hooks` does with SLACK_SIGNING_SECRET set: look where the proxy leads to", answer.Status)
	}
	return true, "it answers as Slack asks it to"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// configured compares the app's configuration in Slack with the manifest, where there is a token that may read it.
func (c *checks) configured(ctx context.Context, bot string) {
	const what = "subscriptions"
	if c.Config == "" {
		c.all = append(c.all, Finding{What: what, Unseen: true, Says: "a bot token can't see them: compare the app with `virtuous6 slack manifest`, or set SLACK_CONFIG_TOKEN (Your App Configuration Tokens, at https://api.slack.com/apps) to have them looked at"})
		return
	}
	is, err := c.client.GetBotInfoContext(ctx, api.GetBotInfoParameters{Bot: bot})
	if err != nil {
		c.asked(what, err, "")
		return
	}
	app, err := c.client.ExportManifestContext(ctx, c.Config, is.AppID)
	if err != nil {
		c.say(what, false, "Slack says %s of the app's configuration: take SLACK_CONFIG_TOKEN anew, it is good for twelve hours", reasonOf(err))
		return
	}
	want := Manifest("", c.URL)
	var there []string
	if s := app.Settings.EventSubscriptions; s != nil {
		there = s.BotEvents
		c.address("URL of events", s.RequestUrl)
	}
	if missing := lacking(want.Settings.EventSubscriptions.BotEvents, there); len(missing) > 0 {
		c.say(what, false, "add %s under Event Subscriptions, Subscribe to bot events", strings.Join(missing, ", "))
	} else {
		c.say(what, true, "all %d", len(want.Settings.EventSubscriptions.BotEvents))
	}
	var named, needed []string
	for _, s := range app.Features.SlashCommands {
		named = append(named, s.Command)
	}
	for _, s := range want.Features.SlashCommands {
		needed = append(needed, s.Command)
	}
	if missing := lacking(needed, named); len(missing) > 0 {
		c.say("commands", false, "add %s under Slash Commands", strings.Join(missing, ", "))
	} else {
		c.say("commands", true, "all %d", len(needed))
	}
	switch i := app.Settings.Interactivity; {
	case i == nil || !i.IsEnabled:
		c.say("interactivity", false, "turn it on under Interactivity & Shortcuts: without it no button works")
	default:
		c.say("interactivity", true, "on")
		c.address("URL of buttons", i.RequestUrl)
	}
	if c.Socket && !app.Settings.SocketModeEnabled {
		c.say("socket mode", false, "turn it on under Socket Mode: SLACK_APP_TOKEN is set, and Slack would call an address")
	}
}

// address compares an address that Slack was told with the one that was given.
func (c *checks) address(what, told string) {
	if c.URL != "" && strings.TrimSuffix(told, "/") != strings.TrimSuffix(c.URL, "/") {
		c.say(what, false, "Slack was told %q, and not %s", told, c.URL)
	}
}
