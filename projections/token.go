package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// TokenRow is a row of tokens. What a token is known by is not in it.
type TokenRow struct {
	Token     string    `db:"token,pk"`
	Name      string    `db:"name"`
	Workspace string    `db:"workspace"`
	Scopes    []string  `db:"scopes"`
	CreatedAt time.Time `db:"created_at"`
	CreatedBy string    `db:"created_by"`
	RevokedAt time.Time `db:"revoked_at"`
	RevokedBy string    `db:"revoked_by"`
	Reason    string    `db:"reason"`
	Position  uint64    `db:"position"`
}

var tokenTable = readmodel.NewTable("tokens", readmodel.TableOf[named, TokenRow]{
	Key:   func(r *TokenRow) named { return named{r.Token, r.Workspace} },
	Fresh: func(k named, r *TokenRow) { r.Token, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *TokenRow) int { return len(r.Name) + len(r.Reason) + 256 },
	Row: []readmodel.ColumnOf[TokenRow]{
		readmodel.Key(readmodel.String("token", func(r *TokenRow) *string { return &r.Token })),
		workspaceKey(func(r *TokenRow) *string { return &r.Workspace }),
		readmodel.String("name", func(r *TokenRow) *string { return &r.Name }),
		readmodel.Strings("scopes", func(r *TokenRow) *[]string { return &r.Scopes }),
		readmodel.Time("created_at", func(r *TokenRow) *time.Time { return &r.CreatedAt }),
		readmodel.Symbol("created_by", func(r *TokenRow) *string { return &r.CreatedBy }),
		readmodel.Time("revoked_at", func(r *TokenRow) *time.Time { return &r.RevokedAt }),
		readmodel.Symbol("revoked_by", func(r *TokenRow) *string { return &r.RevokedBy }),
		readmodel.String("reason", func(r *TokenRow) *string { return &r.Reason }),
		readmodel.Int("position", func(r *TokenRow) *uint64 { return &r.Position }),
	},
})

// tokens keeps who may come in by a door. The doors go by the log itself: a token that is revoked is so at once.
var tokens = readmodel.Projection{
	Name: "tokens", Version: 2, Tables: []readmodel.AnyTable{tokenTable},
	Lists: []readmodel.List{tokenTable.List(readmodel.List{
		Name: "tokens", Help: "Tokens of the API: whose they are and what they let them do", Order: readmodel.Ascending("created_at", "token"),
	})},
	Bind: bindTokens,
}

func bindTokens(w *readmodel.WorkingSet) readmodel.Fold {
	tokens := tokenTable.In(w)
	return func(f *readmodel.Fact) error {
		fact, ok := f.Event.(events.Token)
		if !ok {
			return nil
		}
		switch e := fact.(type) {
		case events.TokenCreated:
			if err := f.Opens(e.Token); err != nil {
				return err
			}
			r, err := tokens.Row(keyOf(f))
			if err != nil {
				return err
			}
			r.Name, r.CreatedAt, r.CreatedBy = strings.Clone(e.Name), f.When, f.Envelope.Actor
			r.Scopes, r.Position = make([]string, len(e.Scopes)), f.Envelope.Position
			for i, scope := range e.Scopes {
				r.Scopes[i] = string(scope)
			}
		case events.TokenRevoked:
			r, err := tokens.Existing(keyOf(f))
			switch {
			case err != nil:
				return err
			case r == nil:
				return readmodel.Damaged("the token was never created")
			}
			r.RevokedAt, r.RevokedBy, r.Reason, r.Position = f.When, f.Envelope.Actor, strings.Clone(e.Reason), f.Envelope.Position
		}
		return nil
	}
}
