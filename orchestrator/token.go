package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
)

// TokenDigest is what a token is known by. A token has 256 random bits, so that nobody finds it out by its digest.
func TokenDigest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Token tells of a token that somebody brought, by the log itself: one that is revoked is so at once. The zero value is
// one that is not known in the workspace, or was revoked.
func (d *Dispatcher) Token(ctx context.Context, workspace, token string) (aggregates.Token, error) {
	digest := TokenDigest(token)
	l := &loaded{instance: d.aggregates["token"].New(), ids: map[uuid.UUID]struct{}{}}
	if err := d.read(ctx, commands.TokenStream(workspace, commands.TokenOf(digest)), l, eventstore.StreamOptions{}); err != nil {
		return aggregates.Token{}, err
	}
	// The stream is found by a part of the digest, and what is compared is no secret: it takes a token to make a digest.
	found := l.instance.State().(aggregates.Token) //nolint:forcetypeassert // it is what the aggregate of tokens holds
	if found.Digest != digest || found.Revoked {
		return aggregates.Token{}, nil
	}
	return found, nil
}
