package events

// Scope is something that a token lets its holder do.
type Scope string

// The closed vocabulary of scopes.
const (
	// ScopeRead is to read all that the doors show.
	ScopeRead Scope = "read"
	// ScopeWrite is to start and cancel runs, and to give feedback.
	ScopeWrite Scope = "write"
	// ScopeApprove is to decide on proposals, tools and what waits for a person, and to take agents back.
	ScopeApprove Scope = "approve"
	// ScopeAdmin is everything.
	ScopeAdmin Scope = "admin"
)

// Scopes are all there are.
var Scopes = []Scope{ScopeRead, ScopeWrite, ScopeApprove, ScopeAdmin}

// TokenCreated lets whoever holds a token come in by a door. The token itself is nowhere in the log.
type TokenCreated struct {
	// Token is the beginning of Digest: the token's name in its stream.
	Token string `json:"token"`
	// Name tells people whose it is, or what it is for.
	Name   string  `json:"name"`
	Scopes []Scope `json:"scopes"`
	// Digest is the token's SHA-256, in hex.
	Digest string `json:"digest"`
}

// TokenRevoked ends that.
type TokenRevoked struct {
	Reason string `json:"reason,omitempty"`
}

func (TokenCreated) Kind() string { return "token.created" }
func (TokenRevoked) Kind() string { return "token.revoked" }

func (TokenCreated) token() {}
func (TokenRevoked) token() {}
