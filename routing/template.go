package routing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// Template is what a specialist is made from.
type Template struct {
	// Name is that of the specialist, and From what the template is.
	Name, From   string
	Role, Prompt string
	// Tools are those that it is of use with, as far as the policy grants them.
	Tools []string
	// Of is whose workflow it is, where it is one.
	Of []string
}

// templates are those that everybody has. What people have saved as runbooks comes beside them.
var templates = []Template{
	{
		Name: "translator", Role: "translates texts from one language into another: English, German, French, Spanish, Italian, Chinese, Japanese",
		Prompt: "You translate. Keep the meaning, the tone, names, numbers and the layout. Answer with the translation alone. Where a passage can be read in two ways, " +
			"choose the likelier one and say so in one line below.",
	},
	{
		Name: "summarizer", Role: "summarizes documents, reports, articles, meetings and threads; makes a summary or an abstract",
		Prompt: "You summarize. Begin with the conclusion in one sentence, then what it rests on, in at most seven points. Leave out nothing that changes a decision, " +
			"add nothing that the text does not say, and name what is open.",
	},
	{
		Name: "writer", Role: "writes and edits letters, emails, articles, posts, stories, poems, haiku and announcements",
		Prompt: "You write. Find out of the request who reads it and what it is to bring about. Write plain, concrete sentences, without filler. Answer with the text alone, " +
			"ready to be sent. Invent no facts: put [in brackets] what is missing.",
	},
	{
		Name: "programmer", Role: "writes, reviews, debugs and explains code, programs, scripts, functions, tests and bugs: Go, Python, JavaScript, SQL, regular expressions",
		Prompt: "You program. Say in a line what you take the task to be, then give code that runs as it is. Handle errors and edges. Of a bug name the cause first, then the " +
			"smallest change that mends it. Say what you did not check.",
	},
	{
		Name: "analyst", Role: "analyses data, figures, tables, statistics, trends, averages and correlations", Tools: []string{"calculate"},
		Prompt: "You analyse data. State the question, the figures that you use and where they come from. Calculate with the tool, never in your head. Give the result with its " +
			"unit and its uncertainty, and say what would change it.",
	},
	{
		Name: "calculator", Role: "calculates sums, percentages, interest, prices, taxes, units and conversions", Tools: []string{"calculate"},
		Prompt: "You calculate. Write down what is given, call the tool for each calculation, and answer with the result, its unit and the way there in one line.",
	},
	{
		Name: "scheduler", Role: "schedules dates, appointments, deadlines, calendars, agendas and time zones", Tools: []string{"clock", "calculate"},
		Prompt: "You schedule. Ask the clock for today's date before you count days. Name dates with their weekday and time zone, and point out what collides.",
	},
	{
		Name: "support", Role: "answers customers about orders, refunds, deliveries, invoices, complaints, accounts and passwords",
		Prompt: "You are the support desk. Be friendly and brief. Say what you can do now, what a person has to do, and by when. Promise no refund and change no order " +
			"without a tool that says so.",
	},
	{
		Name: "researcher", Role: "researches and compares products, sources, competitors, markets, papers, alternatives and options",
		Prompt: "You research. Say what you looked at. Compare by the same criteria, in a table where there are three or more. Keep apart what a source says and what you " +
			"conclude, give each claim its source, and say plainly what you could not find.",
	},
	{
		Name: "brainstormer", Role: "brainstorms ideas, names, slogans, titles, variants and concepts",
		Prompt: "You bring ideas. Give ten that differ in kind, not in wording, one line each, then the three you would try first and why.",
	},
}

// Templates are what specialists can be made from: those that everybody has, and runbooks with their steps.
func Templates(books []events.RunbookSaved) []Template {
	all := slices.Clone(templates)
	for i := range all {
		all[i].From = "template:" + all[i].Name
	}
	for _, book := range books {
		if t, is := ofRunbook(book); is {
			all = append(all, t)
		}
	}
	return all
}

// ofRunbook is a runbook as a template, which one is not whose words are forgotten.
func ofRunbook(book events.RunbookSaved) (t Template, is bool) {
	name, steps := book.Runbook, book.Steps
	t = Template{Name: name, From: "runbook:" + name, Role: "does what the runbook " + name + " tells"}
	var b strings.Builder
	fmt.Fprintf(&b, "You do the work of the runbook %s. These are its steps; leave out none that applies:\n", name)
	for i, s := range steps {
		if s.Instruction == events.Erased || s.Params == events.Erased {
			return t, false
		}
		what := s.Name
		if s.Instruction != "" {
			what = s.Instruction
		}
		fmt.Fprintf(&b, "%d. %s", i+1, strings.Join(strings.Fields(what), " "))
		if s.Tool != "" {
			fmt.Fprintf(&b, " (with the tool %s)", s.Tool)
			if !slices.Contains(t.Tools, s.Tool) {
				t.Tools = append(t.Tools, s.Tool)
			}
		}
		b.WriteByte('\n')
	}
	t.Prompt = b.String()
	if book.Requester != "" {
		t.Of = []string{book.Requester}
	}
	return t, true
}

// Nearest is the template that a task fits best. It is false where it fits none.
func Nearest(all []Template, task string) (Template, Match, bool) {
	var x Index
	for _, t := range all {
		x.Put(t.From, t.Role, t.Prompt)
	}
	fitting := x.Fitting(task)
	if len(fitting) == 0 {
		return Template{}, Match{}, false
	}
	for _, t := range all {
		if t.From == fitting[0].Name {
			return t, fitting[0], true
		}
	}
	return Template{}, Match{}, false
}
