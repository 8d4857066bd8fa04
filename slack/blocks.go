package slack

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// The limits of Slack's that messages are made for.
const (
	maxSection = 3000
	maxHeader  = 150
	maxButton  = 75
)

func words(text string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.PlainTextType, text, true, false)
}
func marked(mrkdwn string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.MarkdownType, clip(mrkdwn, maxSection), false, true)
}
func section(mrkdwn string) api.Block { return api.NewSectionBlock(marked(mrkdwn), nil, nil) }
func header(text string) api.Block    { return api.NewHeaderBlock(words(clip(text, maxHeader))) }
func small(mrkdwn string) api.Block   { return api.NewContextBlock("", marked(mrkdwn)) }
func button(action, value, text string) *api.ButtonBlockElement {
	return api.NewButtonBlockElement(action, value, words(clip(text, maxButton)))
}

// ended is what is posted when a run has ended: the answer as Markdown, or what became of it.
func ended(run projections.RunRow) string {
	switch run.Outcome {
	case events.Failed:
		says := "**I could not finish this.**"
		if run.Error != "" {
			says += " " + strings.ReplaceAll(oneLine(run.Error), "`", "'")
		}
		if run.Answer != "" {
			says = run.Answer + "\n\n" + says
		}
		return says
	case events.Cancelled:
		if run.Answer != "" {
			return run.Answer + "\n\n_Stopped._"
		}
		return "_Stopped._"
	}
	if strings.TrimSpace(run.Answer) == "" {
		return "_The answer is empty._"
	}
	return run.Answer
}

// footer is what stands under an answer: how it was, what it took, and the buttons to say so.
func footer(run projections.RunRow, note string) []api.Block {
	var blocks []api.Block
	if run.Outcome != events.Cancelled {
		blocks = append(blocks, judgeBlock(run.Run), assessBlock(run.Run))
	}
	return append(blocks, small(took(run, note)))
}

// judgeBlock has the buttons to say how an answer was.
func judgeBlock(run string) api.Block {
	return api.NewContextActionsBlock("v6_judge:"+clip(run, 200), api.NewFeedbackButtonsBlockElement(judgeAction,
		api.NewFeedbackButton(words("Good"), goodValue+run).WithAccessibilityLabel("This answer was good"),
		api.NewFeedbackButton(words("Bad"), badValue+run).WithAccessibilityLabel("This answer was bad"),
	))
}

// took is a line that tells what a run took.
func took(run projections.RunRow, note string) string {
	var parts []string
	if run.DurationNS >= 0 {
		parts = append(parts, ":stopwatch: "+duration(time.Duration(run.DurationNS)))
	}
	cost := spent(run.Cost)
	if !run.Whole() {
		cost = "cost " + cost
	}
	parts = append(parts, cost)
	if len(run.Models) > 0 {
		model := inert(strings.Join(run.Models, ", "))
		if run.Scripted {
			model += " (built in: set OPENAI_API_KEY for a real one)"
		}
		parts = append(parts, model)
	}
	parts = append(parts, english.Plural(int(run.Steps), "step", ""), "run `"+inert(run.Run)+"`")
	if note != "" {
		parts = append(parts, inert(note))
	}
	return strings.Join(parts, "  ·  ")
}

func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// spent is what something cost, in words.
func spent(c events.Cost) string { return c.Say(dollars(c.CostNanos)) }

// dollars is money to the cent, or as exact as it takes to show that it is some.
func dollars(n events.Nanos) string {
	if n != 0 && n < 10_000_000 {
		return "$" + n.String()
	}
	cents := (int64(n) + 5_000_000) / 10_000_000
	return fmt.Sprintf("$%d.%02d", cents/100, cents%100)
}

// fenceRoom is how many characters closing and opening a block of code takes.
const fenceRoom = 8

// fenced splits Markdown into parts of at most most characters, but for fenceRoom. A block of code that is cut is closed, and
// opened again.
func fenced(markdown string, most int) []string {
	parts := pieces(markdown, most)
	open := ""
	for i, part := range parts {
		part = open + part
		open = ""
		inside := false
		for line := range strings.Lines(part) {
			if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
				inside = !inside
			}
		}
		if inside && i < len(parts)-1 {
			part, open = strings.TrimRight(part, "\n")+"\n```", "```\n"
		}
		parts[i] = part
	}
	return parts
}

// badReply asks once what would have been better.
func badReply(run string) *Reply {
	text := "Noted: that was not good. What would have been better?"
	return &Reply{Text: text, Blocks: []api.Block{section(text), api.NewActionBlock("", button(betterAction, run, "Say what would be better"))}}
}

// asked is the message that begins the thread of what was asked by a slash command.
func asked(user, prompt string) (text string, blocks []api.Block) {
	text = "<@" + user + "> asks: " + inert(clip(oneLine(prompt), 2000))
	return text, []api.Block{section("<@" + user + "> asks:\n>" + strings.ReplaceAll(inert(clip(prompt, 2500)), "\n", "\n>"))}
}

// betterView is the modal in which to say what would have been better.
func betterView(metadata string, prompt string) api.ModalViewRequest {
	input := api.NewPlainTextInputBlockElement(words("Shorter, with links"), "text")
	input.Multiline, input.MaxLength = true, 3000
	text := api.NewInputBlock("text", words("What would have been better?"), nil, input)
	answer := api.NewInputBlock("answer", words("And this is"), nil, api.NewCheckboxGroupsBlockElement("answer",
		api.NewOptionBlockObject("answer", words("the better answer itself, not a wish about it"), nil)))
	answer.Optional = true
	return askView(betterModal, "What would be better?", metadata, prompt, text, answer)
}
