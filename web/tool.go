package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
)

type acceptToolInput struct {
	Idempotency
	Tool string `path:"tool" maxLength:"64"`
	Body struct {
		By     string `json:"by" minLength:"1" maxLength:"200" doc:"The person who accepts, such as user:anna."`
		Digest string `json:"digest" minLength:"1" maxLength:"64" doc:"The offered_digest of what was read and is accepted."`
		Note   string `json:"note,omitempty" maxLength:"10000" doc:"Why."`
	}
}

type acceptedTool struct {
	Body struct {
		Tool   string `json:"tool"`
		Digest string `json:"digest" doc:"That of the definition that models are told from now on."`
	}
}

// acceptTool registers the wish to let through what a server says of its tool now.
func (d *door) acceptTool(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "accept-tool", Method: http.MethodPost, Path: "/api/tools/{tool}/accept",
		Summary: "Accept what an MCP server says of its tool now", MaxBodyBytes: maxBody,
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *acceptToolInput) (*acceptedTool, error) {
		if err := texts(named{"by", in.Body.By}, named{"digest", in.Body.Digest}, named{"note", in.Body.Note}); err != nil {
			return nil, err
		}
		_, id, err := d.ids(ctx, in.Key, "accept tool\x00"+in.Tool, in.Body)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		accept := commands.AcceptTool{Meta: d.meta(ctx, id, ""), Tool: in.Tool, Digest: in.Body.Digest, By: in.Body.By, Note: in.Body.Note}
		if Workspace(ctx, "") != "" {
			return nil, huma.Error403Forbidden("servers are the installation's: it takes a token that opens all workspaces to accept their tools")
		}
		accept.Workspace = "" // servers are the installation's: workspaces share them
		if _, err := d.Dispatch(ctx, accept); err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &acceptedTool{}
		out.Body.Tool, out.Body.Digest = in.Tool, in.Body.Digest
		return out, nil
	})
}
