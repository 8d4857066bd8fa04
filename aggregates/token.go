package aggregates

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Token is a token as its stream tells of it. The zero value is none.
type Token struct {
	events.TokenCreated
	Revoked bool
}

func token() Decider[Token, commands.Token, events.Token] {
	return Decider[Token, commands.Token, events.Token]{
		Initial: func() Token { return Token{} },
		Decide:  decideToken,
		Evolve: func(s Token, e events.Token) Token {
			switch e := e.(type) {
			case events.TokenCreated:
				s.TokenCreated = e
			case events.TokenRevoked:
				s.Revoked = true
			}
			return s
		},
	}
}

func decideToken(c commands.Token, s Token) ([]events.Token, error) {
	switch c := c.(type) {
	case commands.CreateToken:
		if s.Token != "" {
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrExists)
		}
		if digest, err := hex.DecodeString(c.Digest); err != nil || len(digest) != 32 || hex.EncodeToString(digest) != c.Digest {
			return nil, fmt.Errorf("%w: a token is known by its SHA-256, in hex", ErrInvalid)
		}
		if err := checkName("the token's name", c.Name); err != nil {
			return nil, err
		}
		if len(c.Scopes) == 0 {
			return nil, fmt.Errorf("%w: a token without a scope lets nobody do anything: there are %q", ErrInvalid, events.Scopes)
		}
		for i, scope := range c.Scopes {
			if !slices.Contains(events.Scopes, scope) || slices.Contains(c.Scopes[:i], scope) {
				return nil, fmt.Errorf("%w: the scopes %q: each of %q may be there once", ErrInvalid, c.Scopes, events.Scopes)
			}
		}
		return []events.Token{events.TokenCreated{Token: commands.TokenOf(c.Digest), Name: c.Name, Scopes: slices.Clone(c.Scopes), Digest: c.Digest}}, nil
	case commands.RevokeToken:
		switch {
		case s.Token == "":
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
		case s.Revoked:
			return nil, fmt.Errorf("%s was revoked before: it %w", c.Stream(), ErrEnded)
		}
		return []events.Token{events.TokenRevoked{Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
