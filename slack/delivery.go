package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	api "github.com/slack-go/slack"
)

// Kind is what a delivery holds.
type Kind string

// The kinds of deliveries.
const (
	SlashDelivery       Kind = "slash"
	EventDelivery       Kind = "event"
	InteractionDelivery Kind = "interaction"
)

// Delivery is something that Slack brought, by whichever way it came.
type Delivery struct {
	Kind Kind
	// Payload is the JSON of it, in the shape that both ways share.
	Payload json.RawMessage
	// Envelope is the socket's id of it, empty by HTTP.
	Envelope string
}

// ErrMalformed tells of a delivery that can't be read.
var ErrMalformed = errors.New("not a delivery of Slack's")

// fromForm makes a delivery of the form that slash commands and interactions come as by HTTP.
func fromForm(body []byte) (Delivery, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Delivery{}, fmt.Errorf("%w: the form can't be read", ErrMalformed)
	}
	if payload := form.Get("payload"); payload != "" {
		return Delivery{Kind: InteractionDelivery, Payload: json.RawMessage(payload)}, nil
	}
	if form.Get("command") == "" {
		return Delivery{}, fmt.Errorf("%w: a form with neither a command nor a payload", ErrMalformed)
	}
	payload, err := json.Marshal(api.SlashCommand{
		TeamID: form.Get("team_id"), EnterpriseID: form.Get("enterprise_id"), ChannelID: form.Get("channel_id"), ChannelName: form.Get("channel_name"),
		UserID: form.Get("user_id"), UserName: form.Get("user_name"), Command: form.Get("command"), Text: form.Get("text"),
		ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id"), APIAppID: form.Get("api_app_id"),
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return Delivery{Kind: SlashDelivery, Payload: payload}, nil
}
