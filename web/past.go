package web

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

// Scope is what a read is of: a workspace, at a moment. Inputs embed it; it is exported because huma skips what is not.
type Scope struct {
	Workspace string `query:"workspace" maxLength:"64" doc:"Answer about this workspace. Default: the server's own."`
	AsOf      string `query:"as_of" maxLength:"64" doc:"Answer as of then. A position of the log: what was known when the log ended there. A time, such as 2026-11-22 or 2026-11-22T18:00:00Z: what had happened by then, of all that is known now. Default: what is known now."`
}

func (s Scope) scope() Scope { return s }

// Told is the header in which an answer tells of which moment it is.
type Told struct {
	AsOf string `header:"Virtuous6-As-Of" doc:"Where as_of was given: what the answer tells of, what was known or what had happened."`
}

// Past is the read models of a moment.
type Past struct {
	projections.Reader
	// Of tells of what they are, such as "what was known at position 7".
	Of string
	// Done gives them back.
	Done func()
}

// opens refuses a workspace that the caller's token does not open. Without a name it is the token's own.
func opens(ctx context.Context, workspace string) error {
	if w := Workspace(ctx, workspace); workspace != "" && w != workspace {
		return huma.Error403Forbidden(fmt.Sprintf("the token opens the workspace %s and no other", clip(w)))
	}
	return nil
}

// at is the read models that a read is of: those of now where no moment is named.
func (d *door) at(ctx context.Context, s Scope) (past Past, err error) {
	if err := opens(ctx, s.Workspace); err != nil {
		return Past{}, err
	}
	switch {
	case s.AsOf == "":
		past = Past{Reader: d.Reader, Done: func() {}}
	case d.Past == nil:
		return Past{}, huma.Error422UnprocessableEntity("as_of: the past can't be looked at here")
	default:
		if past, err = d.Past(ctx, s.AsOf); err != nil {
			return Past{}, d.problem(ctx, err)
		}
	}
	switch w := Workspace(ctx, ""); {
	case w != "":
		past.Reader = past.Reader.In(w)
	case s.Workspace != "":
		past.Reader = past.Reader.In(s.Workspace)
	}
	return past, nil
}
