package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// raise is what a button carries: the limit that was shown, and the one to have instead. A wish for a higher limit counts for
// exactly that.
type raise struct {
	Budget string       `json:"budget"`
	Was    events.Nanos `json:"was"`
	To     events.Nanos `json:"to,omitempty"`
}

func (r raise) value() string {
	data, err := json.Marshal(r)
	if err != nil {
		panic("slack: a limit can't be written: " + err.Error()) // it is a text and two numbers
	}
	return string(data)
}

// limitOf is what a budget allows, in words.
func limitOf(row projections.BudgetRow) string {
	if limits := row.Limits(); limits != "$"+row.LimitNanos.String() {
		return limits
	}
	return dollars(row.LimitNanos)
}

// raiseBlock has what gives a used-up budget a higher limit: of money here, of all else in the terminal.
func raiseBlock(row projections.BudgetRow) api.Block {
	if row.AnyCost {
		return small("`virtuous6 budget " + clip(oneLine(row.Budget), 80) + " --help` tells how to give it a higher limit.")
	}
	to := func(name string, limit events.Nanos) *api.ButtonBlockElement {
		return button(raiseAction+"_"+name, raise{row.Budget, row.LimitNanos, limit}.value(), "Raise to "+dollars(limit))
	}
	buttons := []api.BlockElement{
		to("half", events.Add(row.LimitNanos, row.LimitNanos/2)).WithStyle(api.StylePrimary), to("double", events.Add(row.LimitNanos, row.LimitNanos)),
		button(limitAction, raise{Budget: row.Budget, Was: row.LimitNanos}.value(), "Another limit…"),
	}
	if row.Period != events.Total {
		buttons = append(buttons, button(spentAction, row.Budget, "What it went for"))
	}
	return api.NewActionBlock("", buttons...)
}

// limitView is the modal in which to say which limit a budget is to have.
func limitView(metadata string, was events.Nanos) api.ModalViewRequest {
	input := api.NewPlainTextInputBlockElement(words("12.50"), "text")
	input.MaxLength = 40
	return askView(limitModal, "Another limit", metadata, "", small("It is "+dollars(was)+" now."), api.NewInputBlock("text", words("Dollars, what was spent included"), nil, input))
}

// askRaise opens that modal.
func (d *Door) askRaise(ctx context.Context, r Request, w AskRaise) (*Reply, error) {
	return nil, d.open(ctx, r, origin{Budget: &raise{Budget: w.Budget, Was: w.Was}}, func(metadata string) api.ModalViewRequest { return limitView(metadata, w.Was) })
}

// controlWish is what was filled in of the modal for a limit, or for a pause.
func controlWish(p interactionPayload) (Wish, origin, error) {
	from, in, err := inputsOf(p)
	if err != nil {
		return nil, from, err
	}
	text := strings.TrimSpace(in["text"]["text"].Value)
	if p.View.CallbackID == pauseModal {
		return Switch{Pause: true, Reason: text}, from, nil
	}
	if from.Budget == nil {
		return nil, from, errors.New("the modal does not tell which budget it is of")
	}
	limit, err := events.ParseUSD(strings.TrimPrefix(text, "$"))
	if err != nil || limit <= 0 {
		return Refuse{Says: "Give dollars, such as 12.50."}, from, nil
	}
	return Raise{Budget: from.Budget.Budget, Was: from.Budget.Was, To: limit}, from, nil
}

// budget is the one of a name.
func (d *Door) budget(ctx context.Context, workspace, name string) (row projections.BudgetRow, known bool, err error) {
	row, err = d.Reader.In(workspace).Budget(ctx, name)
	if errors.Is(err, projections.ErrNotFound) {
		return row, false, nil
	}
	return row, err == nil, err
}

// raise gives a budget another limit, where who wishes it may decide and it has still the limit that was shown.
func (d *Door) raise(ctx context.Context, r Request, id uuid.UUID, w Raise) (done, error) {
	if allowed, err := d.groups.may(ctx, r.User, d.Approvers); err != nil || !allowed {
		return notApprover(), err
	}
	if err := d.reach(ctx); err != nil {
		return done{}, err
	}
	row, known, err := d.budget(ctx, d.Workspace, w.Budget)
	switch {
	case err != nil:
		return done{}, err
	case !known:
		return refusal("I know no such budget any more."), nil
	case row.LimitNanos != w.Was:
		return refusal("It has another limit meanwhile: %s.", dollars(row.LimitNanos)), nil
	}
	by := "user:" + r.person()
	goal, ofGoal := strings.CutPrefix(w.Budget, "goal:")
	if !ofGoal {
		receipt, err := d.Dispatch(ctx, commands.SetBudget{Meta: d.meta(r, id, 0, ""), Budget: w.Budget, LimitNanos: w.To, Was: w.Was})
		return done{outcome: events.SlackRecorded, repeated: receipt.Repeated, reply: &Reply{Text: fmt.Sprintf("The limit is %s now: runs that wait for it go on.", dollars(w.To))}}, err
	}
	receipt, err := d.Dispatch(ctx, commands.LimitGoal{Meta: d.meta(r, id, 0, ""), Goal: goal, By: by, LimitNanos: w.To, Was: w.Was})
	if err == nil {
		_, err = d.Dispatch(ctx, commands.ResumeGoal{Meta: d.meta(r, id, 1, ""), Goal: goal, By: by})
	}
	return done{outcome: events.SlackRecorded, repeated: receipt.Repeated, reply: &Reply{Text: fmt.Sprintf("The goal may cost %s now, and goes on.", dollars(w.To))}}, err
}

// spentReply tells what a period's money went for, the dearest first.
func (d *Door) spentReply(ctx context.Context, w Spent) (*Reply, error) {
	row, known, err := d.budget(ctx, d.Workspace, w.Budget)
	if err != nil {
		return nil, err
	}
	if !known {
		return &Reply{Text: "I know no such budget any more."}, nil
	}
	rows, err := d.Reader.Costs(ctx)
	if err != nil {
		return nil, err
	}
	of, ofAgent := strings.CutPrefix(row.Budget, commands.AgentBudget(""))
	type spender struct{ agent, model string }
	sums := map[spender]events.Cost{}
	for _, c := range rows {
		if c.Day >= row.Starting && (!ofAgent || c.Agent == of) {
			key := spender{c.Agent, c.Model}
			sums[key] = sums[key].Plus(c.Cost)
		}
	}
	var keys []spender
	for key := range sums {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b spender) int {
		if a, b := sums[a].CostNanos, sums[b].CostNanos; a != b {
			return map[bool]int{true: -1, false: 1}[a > b]
		}
		return strings.Compare(a.agent+"\x00"+a.model, b.agent+"\x00"+b.model)
	})
	var lines []string
	for _, key := range keys[:min(len(keys), 10)] {
		lines = append(lines, fmt.Sprintf("• %s with %s: %s", inert(clip(oneLine(key.agent), 80)), inert(clip(oneLine(key.model), 80)), spent(sums[key])))
	}
	title := fmt.Sprintf("%s of %s are spent since %s.", spent(row.Spent()), dollars(row.LimitNanos), inert(row.Starting))
	if len(lines) == 0 {
		lines = []string{"No call of a model is recorded in that time."}
	}
	return &Reply{Text: title, Blocks: []api.Block{section(title), section(strings.Join(lines, "\n")), small("All calls count, also those that were imported. `virtuous6 costs` has them by day, agent and model.")}}, nil
}
