package projections

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The statuses of a tool of an MCP server.
const (
	ToolAccepted = "accepted"
	// ToolQuarantined is one of which the server offers another definition than the accepted one: nobody calls it.
	ToolQuarantined = "quarantined"
)

// ToolRow is a row of tools: what models are told of a tool of an MCP server, and what the server says of it.
type ToolRow struct {
	Workspace string
	Tool      string
	Server    string
	Remote    string
	Status    string
	// Description and Schema are the accepted ones.
	Description string
	Schema      json.RawMessage
	Repeatable  bool
	// Digest is that of the accepted definition, Offered what the server says now and OfferedDigest its digest.
	Digest        string
	Offered       events.ToolDefinition
	OfferedDigest string
	PinnedAt      time.Time
	ChangedAt     time.Time
	// AcceptedBy is who let the latest change through, empty where none was, and Note why.
	AcceptedBy string
	Note       string
	Position   uint64
}

var toolTable = readmodel.NewTable("tools", readmodel.TableOf[named, ToolRow]{
	Key:   func(r *ToolRow) named { return named{r.Tool, r.Workspace} },
	Fresh: func(k named, r *ToolRow) { r.Tool, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *ToolRow) int {
		return len(r.Description) + len(r.Schema) + len(r.Offered.Description) + len(r.Offered.Schema) + len(r.Note) + 256
	},
	Row: []readmodel.ColumnOf[ToolRow]{
		readmodel.Key(readmodel.String("tool", func(r *ToolRow) *string { return &r.Tool })),
		workspaceKey(func(r *ToolRow) *string { return &r.Workspace }),
		readmodel.Symbol("server", func(r *ToolRow) *string { return &r.Server }),
		readmodel.String("remote", func(r *ToolRow) *string { return &r.Remote }),
		readmodel.Symbol("status", func(r *ToolRow) *string { return &r.Status }),
		readmodel.String("description", func(r *ToolRow) *string { return &r.Description }),
		readmodel.Document("schema", func(r *ToolRow) *json.RawMessage { return &r.Schema }),
		readmodel.Bool("repeatable", func(r *ToolRow) *bool { return &r.Repeatable }),
		readmodel.String("digest", func(r *ToolRow) *string { return &r.Digest }),
		readmodel.Document("offered", func(r *ToolRow) *events.ToolDefinition { return &r.Offered }),
		readmodel.String("offered_digest", func(r *ToolRow) *string { return &r.OfferedDigest }),
		readmodel.Time("pinned_at", func(r *ToolRow) *time.Time { return &r.PinnedAt }),
		readmodel.Time("changed_at", func(r *ToolRow) *time.Time { return &r.ChangedAt }),
		readmodel.String("accepted_by", func(r *ToolRow) *string { return &r.AcceptedBy }),
		readmodel.String("note", func(r *ToolRow) *string { return &r.Note }),
		readmodel.Int("position", func(r *ToolRow) *uint64 { return &r.Position }),
	},
})

// tools keeps what is known of the tools of MCP servers.
var tools = readmodel.Projection{
	Name: "tools", Version: 1, Tables: []readmodel.AnyTable{toolTable},
	Lists: []readmodel.List{toolTable.List(readmodel.List{
		Name: "tools", Help: "Tools of MCP servers, and whether what a server says of them was accepted", Order: readmodel.Ascending("tool"),
		Filters: []readmodel.Filter{
			{Column: "server", Help: "Only those of this server."},
			{Column: "status", Help: "Only tools that stand there.", Values: []string{ToolAccepted, ToolQuarantined}},
		},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		tools := toolTable.In(w)
		return func(f *readmodel.Fact) error { return foldTool(tools, f) }
	},
}

func foldTool(tools *readmodel.Cache[named, ToolRow], f *readmodel.Fact) error {
	e, ok := f.Event.(events.Tool)
	if !ok {
		return nil
	}
	if e, ok := e.(events.ToolPinned); ok {
		if err := f.Opens(e.Tool); err != nil {
			return err
		}
		*tools.Insert(keyOf(f)) = ToolRow{
			Tool: e.Tool, Workspace: strings.Clone(f.Workspace), Server: e.Definition.Server, Remote: e.Definition.Remote, Status: ToolAccepted, Description: e.Definition.Description,
			Schema: e.Definition.Schema, Repeatable: e.Definition.Repeatable, Digest: e.Digest, Offered: e.Definition, OfferedDigest: e.Digest,
			PinnedAt: f.When, Position: f.Envelope.Position,
		}
		return nil
	}
	r, err := tools.Existing(keyOf(f))
	if err != nil {
		return err
	}
	if r == nil {
		return readmodel.Damaged("the tool was never seen")
	}
	r.Position = f.Envelope.Position
	switch e := e.(type) {
	case events.ToolPinned:
	case events.ToolChanged:
		r.Offered, r.OfferedDigest, r.ChangedAt = e.Definition, e.Digest, f.When
	case events.ToolAccepted:
		r.Remote, r.Description, r.Schema, r.Repeatable, r.Digest = r.Offered.Remote, r.Offered.Description, r.Offered.Schema, r.Offered.Repeatable, r.OfferedDigest
		r.AcceptedBy, r.Note = e.By, e.Note
	}
	r.Status = ToolAccepted
	if r.Digest != r.OfferedDigest {
		r.Status = ToolQuarantined
	}
	return nil
}

// MarshalJSON writes the columns.
func (r ToolRow) MarshalJSON() ([]byte, error) { return toolTable.JSON(&r) }
