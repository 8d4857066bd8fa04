package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// book is the saved workflow of a name, whatever its letters' case.
func (d *Door) book(ctx context.Context, name string) (row projections.RunbookRow, known bool, err error) {
	rows, err := d.Reader.Runbooks(ctx)
	return firstOf(rows, err, func(row projections.RunbookRow) bool { return strings.EqualFold(row.Runbook, name) })
}

// launched is what "run NAME" comes to, said in a thread: the workflow is gone for, or what it leaves open is asked for first. It
// is not known where there is no workflow of that name: people say so of other things.
func (d *Door) launched(ctx context.Context, r Request, id uuid.UUID, text string) (result done, known bool, err error) {
	word, name, _ := strings.Cut(text, " ")
	if !strings.EqualFold(word, "run") || r.Thread == "" {
		return done{}, false, nil
	}
	book, known, err := d.book(ctx, strings.TrimSpace(name))
	if err != nil || !known {
		return done{}, false, err
	}
	slots := book.Slots()
	if len(slots) == 0 {
		result, err = d.launch(ctx, r, id, Launch{Runbook: book.Runbook})
		return result, true, err
	}
	where, err := json.Marshal(origin{Runbook: book.Runbook, Channel: r.Channel, Thread: r.Thread})
	if err != nil {
		return done{}, true, err
	}
	return done{outcome: events.SlackAnswered, reply: launchReply(book.Runbook, slots, string(where))}, true, nil
}

// launchReply asks for what a workflow leaves open.
func launchReply(runbook string, slots []string, where string) *Reply {
	text := fmt.Sprintf("The workflow %s needs to know: %s.", clip(oneLine(runbook), 200), clip(strings.Join(slots, ", "), 500))
	return &Reply{Text: text, Blocks: []api.Block{section(inert(text)), api.NewActionBlock("", button(slotsAction, where, "Fill in and run").WithStyle(api.StylePrimary))}}
}

// slotsView is the modal in which to fill in what a workflow leaves open.
func slotsView(metadata, runbook string, slots []string) api.ModalViewRequest {
	var inputs []api.Block
	for _, slot := range slots[:min(len(slots), 50)] {
		input := api.NewPlainTextInputBlockElement(nil, "text")
		input.MaxLength = 3000
		inputs = append(inputs, api.NewInputBlock(slotBlock+slot, words(clip(strings.ReplaceAll(slot, "_", " "), 200)), nil, input))
	}
	view := askView(slotsModal, "Run a workflow", metadata, "", inputs...)
	view.Blocks.BlockSet = append([]api.Block{small("Workflow *" + strings.ReplaceAll(inert(clip(oneLine(runbook), 200)), "*", "") + "*")}, view.Blocks.BlockSet...)
	return view
}

// askSlots opens that modal.
func (d *Door) askSlots(ctx context.Context, r Request, w AskSlots) (*Reply, error) {
	book, known, err := d.book(ctx, w.Runbook)
	if err != nil {
		return nil, err
	}
	if !known {
		return &Reply{Text: "I know no such workflow any more."}, nil
	}
	where, err := json.Marshal(origin{Runbook: book.Runbook, Channel: r.Channel, Thread: r.Thread})
	if err != nil {
		return nil, err
	}
	_, err = d.API.OpenViewContext(ctx, r.Trigger, slotsView(string(where), book.Runbook, book.Slots()))
	return nil, err
}

// launch goes for a saved workflow.
func (d *Door) launch(ctx context.Context, r Request, id uuid.UUID, w Launch) (done, error) {
	_, known, err := d.book(ctx, w.Runbook)
	switch {
	case err != nil:
		return done{}, err
	case !known:
		return refusal("I know no such workflow any more."), nil
	}
	prompt := "Run the workflow " + w.Runbook
	for i, name := range slices.Sorted(maps.Keys(w.Slots)) {
		prompt += map[bool]string{true: ", with ", false: ", "}[i == 0] + name + ": " + clip(oneLine(w.Slots[name]), 200)
	}
	return d.goFor(ctx, r, id, prompt, &w)
}
