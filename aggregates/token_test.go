package aggregates_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// digest is a token's, of 64 digits.
var digest = strings.Repeat("0123456789abcdef", 4)

func TestToken(t *testing.T) {
	t.Parallel()
	created := events.TokenCreated{Token: digest[:16], Name: "anna", Scopes: []events.Scope{events.ScopeRead, events.ScopeWrite}, Digest: digest}
	create := func(change func(*commands.CreateToken)) commands.Command {
		c := commands.CreateToken{Digest: digest, Name: "anna", Scopes: []events.Scope{events.ScopeRead, events.ScopeWrite}}
		if change != nil {
			change(&c)
		}
		return c
	}
	scopes := func(all ...events.Scope) commands.Command {
		return create(func(c *commands.CreateToken) { c.Scopes = all })
	}
	revoke := commands.RevokeToken{Token: digest[:16], Reason: "lost"}
	scenarios{
		"create":               {when: create(nil), then: []events.Event{created}},
		"create again":         {given: []events.Event{created}, when: create(nil), err: aggregates.ErrExists},
		"create what was gone": {given: []events.Event{created, events.TokenRevoked{}}, when: create(nil), err: aggregates.ErrExists},
		"create for nothing":   {when: scopes(), err: aggregates.ErrInvalid},
		"create for anything":  {when: scopes("root"), err: aggregates.ErrInvalid},
		"create for it twice":  {when: scopes(events.ScopeRead, events.ScopeRead), err: aggregates.ErrInvalid},
		"create of no digest":  {when: create(func(c *commands.CreateToken) { c.Digest = "v6t_abc" }), err: aggregates.ErrInvalid},
		"create in capitals":   {when: create(func(c *commands.CreateToken) { c.Digest = strings.ToUpper(digest) }), err: aggregates.ErrInvalid},
		"create of half of it": {when: create(func(c *commands.CreateToken) { c.Digest = digest[:32] }), err: aggregates.ErrInvalid},
		"revoke":               {given: []events.Event{created}, when: revoke, then: []events.Event{events.TokenRevoked{Reason: "lost"}}},
		"revoke what is none":  {when: revoke, err: aggregates.ErrMissing},
		"revoke again":         {given: []events.Event{created, events.TokenRevoked{}}, when: revoke, err: aggregates.ErrEnded},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return create(func(c *commands.CreateToken) { c.Name = name })
	})
}

func tokenWish(t *rapid.T) commands.Command {
	if rapid.Bool().Draw(t, "revoke") {
		return commands.RevokeToken{Token: digest[:16], Reason: text(t)}
	}
	return commands.CreateToken{
		Digest: pick(t, "digest", digest, digest, digest[:20], ""), Name: name(t),
		Scopes: pick(t, "scopes", nil, []events.Scope{events.ScopeRead}, []events.Scope{events.ScopeAdmin, "x"}),
	}
}
