package answers

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Changed is a setting of an agent that differs between two configurations, empty where it is not set.
type Changed struct{ Key, Was, Is string }

// Changes are the settings in which two configurations differ, as an agent's files and flags name them.
func Changes(from, to events.AgentConfig) []Changed {
	var all []Changed
	was := settings(from)
	for i, is := range settings(to) {
		if was[i] != is {
			all = append(all, Changed{is[0], was[i][1], is[1]})
		}
	}
	return all
}

// Tried is what a configuration says where a change of a kind makes it say something else, empty where it says nothing there.
func Tried(kind events.ChangeKind, c events.AgentConfig) string {
	for _, s := range settings(c) {
		if s[0] == settingOf(kind) {
			return s[1]
		}
	}
	return ""
}

func settings(c events.AgentConfig) [][2]string {
	temperature, tokens := "", ""
	if c.Temperature != nil {
		temperature = strconv.FormatFloat(*c.Temperature, 'g', -1, 64)
	}
	if c.MaxTokens > 0 {
		tokens = strconv.Itoa(c.MaxTokens)
	}
	skills := make([]string, len(c.Skills))
	for i, s := range c.Skills {
		skills[i] = s.String()
	}
	fixes := make([]string, len(c.Fixes))
	for i, f := range c.Fixes {
		fixes[i] = strings.TrimSpace(cmp.Or(f.Tool, "any tool") + ": " + strconv.Quote(f.Error) + ": " + f.Do)
		if len(f.Said) > 0 {
			fixes[i] += " in the words of" + sayings(f.Said)
		}
	}
	examples := make([]string, len(c.Examples))
	for i, e := range c.Examples {
		if examples[i] = e.Run; e.Requester != "" {
			examples[i] += " of " + e.Requester
		}
	}
	lessons := make([]string, len(c.Lessons))
	for i, l := range c.Lessons {
		lessons[i] = strconv.Quote(l.Subject) + " in the words of" + sayings(l.Said)
	}
	routes := make([]string, len(c.Routes))
	for i, r := range c.Routes {
		routes[i] = cmp.Or(strings.Join(r.Tasks, ", "), "all tasks") + " to " + cmp.Or(r.To, "whoever else fits")
	}
	return [][2]string{
		{"model", c.Model}, {"fallbacks", strings.Join(c.Fallbacks, " ")}, {"api", c.API}, {"temperature", temperature}, {"reasoning effort", c.Effort}, {"max tokens", tokens}, {"tools", strings.Join(c.Tools, " ")}, {"skills", strings.Join(skills, " ")}, {"schema", string(c.Schema)}, {"fixes", strings.Join(fixes, "; ")}, {"examples", strings.Join(examples, "; ")}, {"lessons", strings.Join(lessons, "; ")}, {"routes", strings.Join(routes, "; ")}, {"prompt", c.Prompt},
	}
}

// sayings names feedback and who gave it, each behind a blank.
func sayings(said []events.Saying) (names string) {
	for _, s := range said {
		names += " " + s.Feedback
		if s.User != "" {
			names += " of " + s.User
		}
	}
	return names
}

// ChangesOf are what a proposal would change in an agent as it is now, nil for one that configures none.
func ChangesOf(change events.Change, now projections.AgentRow) []Changed {
	if change.Config == nil {
		return nil
	}
	is := events.AgentConfig{
		Model: now.Model, Fallbacks: now.Fallbacks, Prompt: now.Prompt, Temperature: now.Temperature, Schema: json.RawMessage(now.Schema), MaxTokens: int(now.MaxTokens),
		Effort: now.Effort, API: change.Config.API, Tools: now.Tools, Skills: now.Skills, Fixes: now.Fixes, Examples: now.Examples, Lessons: now.Lessons, Routes: now.Routes,
	}
	would, _ := is.With(change.Kind, *change.Config)
	return Changes(is, would)
}
