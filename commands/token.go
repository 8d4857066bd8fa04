package commands

import "github.com/virtuous6/virtuous6/events"

// TokenStream is the stream of a token.
func TokenStream(workspace, token string) string {
	return events.StreamName("token", workspace, token)
}

// CreateToken lets whoever holds a token come in by a door. Only the token's digest comes with it.
type CreateToken struct {
	Meta
	// Digest is the token's SHA-256, in hex.
	Digest string
	Name   string
	Scopes []events.Scope
}

// RevokeToken ends that. Token is the beginning of its digest.
type RevokeToken struct {
	Meta
	Token  string
	Reason string
}

// TokenOf is what a token is called by its digest.
func TokenOf(digest string) string { return digest[:min(len(digest), 16)] }

func (c CreateToken) Stream() string { return TokenStream(c.Workspace, TokenOf(c.Digest)) }
func (c RevokeToken) Stream() string { return TokenStream(c.Workspace, c.Token) }

func (CreateToken) token() {}
func (RevokeToken) token() {}
