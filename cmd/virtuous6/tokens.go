package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/web"
)

type tokensVerb struct {
	List   tokensListVerb   `cmd:"" default:"withargs" help:"List tokens."`
	Create tokensCreateVerb `cmd:"" help:"Make a token, and print it once."`
	Revoke tokensRevokeVerb `cmd:"" help:"Let nobody in by a token any more."`
}

type tokensListVerb struct{ listFlags }

// Help gives an example.
func (tokensListVerb) Help() string { return "Example:\n  virtuous6 tokens" }

// Run lists tokens, the oldest first.
func (v tokensListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.TokenRow, error) { return reader.Tokens(ctx) },
		func(rows []projections.TokenRow) error {
			return table(a.out, "TOKEN|NAME|SCOPES|CREATED|BY|REVOKED", func(row func(...any)) {
				for _, t := range rows {
					row(t.Token, short(t.Name, 40), strings.Join(t.Scopes, ","), when(t.CreatedAt), short(t.CreatedBy, 30), when(t.RevokedAt))
				}
			})
		})
}

type tokensCreateVerb struct {
	Name  string         `arg:"" help:"Whose it is, or what it is for."`
	Scope []events.Scope `help:"What it lets its holder do: read, write (start and cancel runs, give feedback), approve (decide on proposals, take agents back), admin (all of it). Several are parted by commas." default:"read"`
	JSON  bool           `name:"json" help:"Print one JSON value."`
}

// Help tells how it is used.
func (tokensCreateVerb) Help() string {
	return "A token has 256 random bits. It is printed now and never again: the log keeps only its SHA-256. `serve` asks for one of each request " +
		"where it listens elsewhere than on the loopback interface: as Authorization: Bearer TOKEN, or in a browser as the password beside any " +
		"name. One that is made with --workspace opens that workspace and nothing else; one made without opens all of them.\n\nExamples:\n  virtuous6 tokens create grafana\n  virtuous6 tokens create \"anna's laptop\" --scope read,write,approve\n" +
		"  virtuous6 --workspace desk tokens create support --scope read,write"
}

// Run makes a token and prints it.
func (v tokensCreateVerb) Run(ctx context.Context, a *app) error {
	if err := a.open(ctx); err != nil {
		return err
	}
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("a token's random bits: %w", err)
	}
	token := web.TokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	if a.flags.Workspace != "" {
		token += workspaceMark + url.QueryEscape(a.flags.Workspace)
	}
	create := commands.CreateToken{Meta: a.meta(""), Digest: orchestrator.TokenDigest(token), Name: v.Name, Scopes: v.Scope}
	if _, err := a.dispatcher().Dispatch(ctx, create); err != nil {
		return err
	}
	id := commands.TokenOf(create.Digest)
	if v.JSON {
		return a.json(struct {
			Token  string         `json:"token"`
			Name   string         `json:"name"`
			Scopes []events.Scope `json:"scopes"`
			Secret string         `json:"secret"`
		}{id, v.Name, v.Scope, token})
	}
	a.note("Token %s. Keep what follows: it is not shown again, and `virtuous6 tokens revoke %s` ends it.", id, id)
	_, err := fmt.Fprintln(a.out, token)
	return err
}

type tokensRevokeVerb struct {
	Token  string `arg:"" help:"The token as virtuous6 tokens lists it, the beginning of it, or the name that only one token has."`
	Reason string `help:"Why."`
}

// Help gives an example.
func (tokensRevokeVerb) Help() string {
	return "It is over at once, in every server on this log.\n\nExamples:\n  virtuous6 tokens revoke grafana\n  virtuous6 tokens revoke 0f1e2d3c4b5a6978 --reason lost"
}

// Run revokes a token.
func (v tokensRevokeVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAll(ctx)
	if err != nil {
		return err
	}
	rows, err := reader.Tokens(ctx)
	if err != nil {
		return err
	}
	var found []string
	for _, t := range rows {
		if t.Token == v.Token || t.RevokedAt.IsZero() && (t.Name == v.Token || len(v.Token) >= 4 && strings.HasPrefix(t.Token, v.Token)) {
			found = append(found, t.Token)
		}
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("there is no token %s that is not revoked: `virtuous6 tokens` lists them", oneLine(v.Token))
	case len(found) > 1:
		return fmt.Errorf("%s is what %d tokens are called, or begin with: name one of %s", oneLine(v.Token), len(found), strings.Join(found, ", "))
	}
	if _, err := a.dispatcher().Dispatch(ctx, commands.RevokeToken{Meta: a.meta(""), Token: found[0], Reason: v.Reason}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "Nobody comes in by %s any more.\n", found[0])
	return err
}

// workspaceMark parts a token's random part from the workspace that it opens.
const workspaceMark = "."

// caller tells who a token lets in. Which workspace it opens is in the token itself, and its digest is over all of it.
func (a *app) caller(ctx context.Context, token string) (web.Caller, error) {
	_, within, _ := strings.Cut(token, workspaceMark)
	workspace, err := url.QueryUnescape(within)
	if err != nil || !events.ValidWorkspace(workspace) {
		return web.Caller{}, nil //nolint:nilerr // nobody has such a token
	}
	t, err := a.dispatcher().Token(ctx, workspace, token)
	return web.Caller{Name: t.Name, Scopes: t.Scopes, Workspace: workspace}, err
}

// login tells whether a server demands tokens where it listens, and refuses to serve where nobody could come in, or
// everybody could and nobody said so.
func (a *app) login(ctx context.Context, at net.Addr, insecure bool) (bool, error) {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return false, nil
	}
	if insecure {
		_, err := fmt.Fprintf(a.err, "INSECURE: whoever reaches %s may read all prompts and answers, start runs that cost money, approve changes and take agents back: nobody is asked for a token.\n", at)
		return false, err
	}
	if err := a.catchUp(ctx); err != nil {
		return false, err
	}
	rows, err := a.models.AllTokens(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range rows {
		if t.RevokedAt.IsZero() {
			return true, nil
		}
	}
	return false, fmt.Errorf("%s is not the loopback interface, and there is no token to come in by: make one with `virtuous6 tokens create NAME --scope admin`, "+
		"listen on 127.0.0.1, or give --insecure, with which whoever reaches it may read all prompts and answers, start runs that cost money and approve changes", at)
}
