package slack

import (
	"context"
	"encoding/json"
	"errors"
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

// launched is what "run NAME" comes to: the workflow is gone for, or what it leaves open is asked for first. It
// is not known where there is no workflow of that name: people say so of other things.
func (d *Door) launched(ctx context.Context, r Request, id uuid.UUID, text string) (result done, known bool, err error) {
	word, name, _ := strings.Cut(text, " ")
	if !strings.EqualFold(word, "run") {
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
	if r.Home {
		// The Home has no thread: the workflow gets one among the messages of the app.
		direct, _, _, err := d.API.OpenConversationContext(ctx, &api.OpenConversationParameters{Users: []string{r.User}})
		if err != nil {
			return nil, err
		}
		r.Channel, r.Home = direct.ID, false
	}
	return nil, d.open(ctx, r, origin{Runbook: book.Runbook}, func(metadata string) api.ModalViewRequest { return slotsView(metadata, book.Runbook, book.Slots()) })
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

// inputs is what was filled in of a modal: the text or the choice, by block and element.
type inputs map[string]map[string]struct {
	Value    string `json:"value"`
	Selected struct {
		Value string `json:"value"`
	} `json:"selected_option"`
}

func inputsOf(p interactionPayload) (from origin, in inputs, err error) {
	if err := json.Unmarshal([]byte(p.View.PrivateMetadata), &from); err != nil {
		return from, nil, errors.New("the modal does not tell where it was opened")
	}
	var state struct {
		Values inputs `json:"values"`
	}
	err = json.Unmarshal(p.View.State, &state)
	return from, state.Values, err
}

// launchWish is what was filled in of a workflow.
func launchWish(p interactionPayload) (Wish, origin, error) {
	from, in, err := inputsOf(p)
	if err == nil && from.Runbook == "" {
		err = errors.New("the modal does not tell which workflow it is of")
	}
	slots := map[string]string{}
	for block, input := range in {
		if slot, ok := strings.CutPrefix(block, slotBlock); ok {
			slots[slot] = strings.TrimSpace(input["text"].Value)
		}
	}
	return Launch{Runbook: from.Runbook, Slots: slots}, from, err
}

// pickWish is the workflow that was chosen.
func pickWish(p interactionPayload) (Wish, origin, error) {
	from, in, err := inputsOf(p)
	picked := in["workflow"]["workflow"].Selected.Value
	if err == nil && picked == "" {
		err = errors.New("no workflow was chosen")
	}
	return Pick{Runbook: picked}, from, err
}

// maxOption is how long a value that is chosen may be.
const maxOption = 150

// workflowView is the modal in which to choose a saved workflow.
func workflowView(metadata string, rows []projections.RunbookRow) api.ModalViewRequest {
	var options []*api.OptionBlockObject
	for _, row := range rows[:min(len(rows), 100)] {
		options = append(options, api.NewOptionBlockObject(row.Runbook, words(clip(disarmed.Replace(oneLine(row.Runbook)), maxButton)), nil))
	}
	choice := api.NewOptionsSelectBlockElement(api.OptTypeStatic, words("Choose one"), "workflow", options...)
	return askView(runModal, "Run a workflow", metadata, "", api.NewInputBlock("workflow", words("Which workflow?"), nil, choice))
}

// askWorkflow opens that modal.
func (d *Door) askWorkflow(ctx context.Context, r Request) (*Reply, error) {
	rows, err := d.Reader.Runbooks(ctx)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row projections.RunbookRow) bool { return len(row.Runbook) > maxOption })
	if len(rows) == 0 {
		return &Reply{Text: "There is no saved workflow yet: `/save-workflow NAME` keeps the steps of the last run."}, nil
	}
	return nil, d.open(ctx, r, origin{}, func(metadata string) api.ModalViewRequest { return workflowView(metadata, rows) })
}

// pick goes for the workflow that was chosen, or asks for what it leaves open.
func (d *Door) pick(ctx context.Context, r Request, id uuid.UUID, w Pick) (done, error) {
	result, known, err := d.launched(ctx, r, id, "run "+w.Runbook)
	if err == nil && !known {
		result = refusal("I know no such workflow any more.")
	}
	return result, err
}
