package aggregates_test

import (
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestSkill(t *testing.T) {
	t.Parallel()
	files := func(text string, others ...string) []events.SkillFile {
		all := []events.SkillFile{{Path: events.SkillMain, Text: text}}
		for _, path := range others {
			all = append(all, events.SkillFile{Path: path, Text: "more"})
		}
		return all
	}
	save := func(files []events.SkillFile) commands.SaveSkill {
		return commands.SaveSkill{Skill: "refunds", Description: "How it is done.", Files: files, By: "user:anna"}
	}
	saved := func(files []events.SkillFile) events.Event {
		return events.SkillSaved{Skill: "refunds", Description: "How it is done.", Files: files, Digest: commands.SkillDigest(files), By: "user:anna"}
	}
	with := func(change func(*commands.SaveSkill)) commands.SaveSkill {
		c := save(files("a"))
		change(&c)
		return c
	}
	one, two := files("a"), files("b", "references/limits.md")
	headed := func(head, body string) []events.SkillFile {
		return files("---\n"+head+"\n---\n"+body, "references/limits.md")
	}
	full, edit := headed("name: refunds", "a"), headed("name: refunds", "b")
	edited := func(files []events.SkillFile, of []events.SkillFile) commands.SaveSkill {
		c := save(files)
		c.By, c.Actor, c.Edits = "analyst:writer", "analyst:writer", commands.SkillDigest(of)
		return c
	}
	draft := func(files []events.SkillFile, of []events.SkillFile) events.Event {
		s := saved(files).(events.SkillSaved)
		s.By, s.Edits = "analyst:writer", commands.SkillDigest(of)
		return s
	}
	described := edited(edit, full)
	described.Description = "Call me for all."
	all := scenarios{
		"an edit to be tried":          {given: []events.Event{saved(full)}, when: edited(edit, full), then: []events.Event{draft(edit, full)}},
		"an edit that is there":        {given: []events.Event{saved(full), draft(edit, full)}, when: edited(edit, full)},
		"an edit of an edit":           {given: []events.Event{saved(full), draft(edit, full)}, when: edited(headed("name: refunds", "c"), edit), then: []events.Event{draft(headed("name: refunds", "c"), edit)}},
		"an edit of nothing":           {given: []events.Event{saved(full)}, when: edited(edit, one), err: aggregates.ErrInvalid},
		"an edit of another skill":     {when: edited(edit, full), err: aggregates.ErrInvalid},
		"an edit of the front matter":  {given: []events.Event{saved(full)}, when: edited(headed("name: refunds\nallowed-tools: pay", "b"), full), err: aggregates.ErrInvalid},
		"an edit of the description":   {given: []events.Event{saved(full)}, when: described, err: aggregates.ErrInvalid},
		"an edit with another file":    {given: []events.Event{saved(full)}, when: edited(headed("name: refunds", "b")[:1], full), err: aggregates.ErrInvalid},
		"by a machine that edits none": {given: []events.Event{saved(full)}, when: func() commands.SaveSkill { c := edited(edit, full); c.Edits = ""; return c }(), err: aggregates.ErrInvalid},
		"a person keeps an edit":       {given: []events.Event{saved(full), draft(edit, full)}, when: save(edit), then: []events.Event{saved(edit)}},
		"saved":                        {when: save(one), then: []events.Event{saved(one)}},
		"saved as it is":               {given: []events.Event{saved(one)}, when: save(one)},
		"another text":                 {given: []events.Event{saved(one)}, when: save(two), then: []events.Event{saved(two)}},
		"the earlier one":              {given: []events.Event{saved(one), saved(two)}, when: save(one), then: []events.Event{saved(one)}},
		"without its text":             {when: save([]events.SkillFile{{Path: "notes.md"}}), err: aggregates.ErrInvalid},
		"a path out of it":             {when: save(files("a", "../up")), err: aggregates.ErrInvalid},
		"a path from root":             {when: save([]events.SkillFile{{Path: "/etc/x"}, {Path: events.SkillMain}}), err: aggregates.ErrInvalid},
		"a path twice":                 {when: save(files("a", "b", "b")), err: aggregates.ErrInvalid},
		"no text":                      {when: save(files("\xff")), err: aggregates.ErrInvalid},
		"too long":                     {when: save(files(strings.Repeat("x", 256<<10))), err: aggregates.ErrInvalid},
		"without a purpose":            {when: with(func(c *commands.SaveSkill) { c.Description = " " }), err: aggregates.ErrInvalid},
		"a long purpose":               {when: with(func(c *commands.SaveSkill) { c.Description = strings.Repeat("ä", 1025) }), err: aggregates.ErrInvalid},
		"by an agent":                  {when: with(func(c *commands.SaveSkill) { c.By = "agent:clerk" }), err: aggregates.ErrInvalid},
		"a purpose that fits": {
			when: with(func(c *commands.SaveSkill) { c.Description = strings.Repeat("ä", 1024) }),
			then: []events.Event{events.SkillSaved{Skill: "refunds", Description: strings.Repeat("ä", 1024), Files: one, Digest: commands.SkillDigest(one), By: "user:anna"}},
		},
	}
	for _, name := range []string{"", "Refunds", "-refunds", "refunds-", "re--funds", "re_funds", strings.Repeat("x", 65)} {
		all["called "+name] = scenario{when: with(func(c *commands.SaveSkill) { c.Skill = name }), err: aggregates.ErrInvalid}
	}
	all.run(t)
}

// The digest is what the tools of Unix say of the files.
func TestSkillDigest(t *testing.T) {
	t.Parallel()
	// printf 'a' >SKILL.md; printf 'b' >x; sha256sum SKILL.md x | sha256sum
	const want = "35888f38d33778587a277a31affeaa4b15ae83fb89fa904ad34330c4ab86ba45"
	if got := commands.SkillDigest([]events.SkillFile{{Path: "SKILL.md", Text: "a"}, {Path: "x", Text: "b"}}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSkillsOfAnAgent(t *testing.T) {
	t.Parallel()
	refunds := events.SkillRef{Name: "refunds", Description: "How it is done.", Digest: strings.Repeat("a", 64)}
	returns := events.SkillRef{Name: "returns", Description: "How it is done.", Digest: strings.Repeat("b", 64)}
	having := func(skills ...events.SkillRef) events.AgentConfig {
		return events.AgentConfig{Model: "small", Skills: skills}
	}
	spawned := events.AgentSpawned{Agent: "clerk", Config: having(refunds)}
	many := make([]events.SkillRef, 33)
	scenarios{
		"spawned with one": {when: commands.SpawnAgent{Agent: "clerk", Config: having(refunds)}, then: []events.Event{spawned}},
		"another one":      {given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: having(refunds, returns)}, then: []events.Event{events.AgentConfigured{Config: having(refunds, returns)}}},
		"the same":         {given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: having(refunds)}},
		"none": {
			given: []events.Event{spawned, events.AgentConfigured{Config: having()}}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Model: "small", Skills: []events.SkillRef{}}},
		},
		"a change of skills alone": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Model: "large", Skills: []events.SkillRef{returns}}, Only: events.ChangeSkills},
			then: []events.Event{events.AgentConfigured{Config: having(returns)}},
		},
		"twice":            {when: commands.SpawnAgent{Agent: "clerk", Config: having(refunds, refunds)}, err: aggregates.ErrInvalid},
		"without a digest": {when: commands.SpawnAgent{Agent: "clerk", Config: having(events.SkillRef{Name: "refunds", Description: "d"})}, err: aggregates.ErrInvalid},
		"a bad name":       {when: commands.SpawnAgent{Agent: "clerk", Config: having(events.SkillRef{Name: "Re funds", Description: "d", Digest: refunds.Digest})}, err: aggregates.ErrInvalid},
		"too many":         {when: commands.SpawnAgent{Agent: "clerk", Config: having(many...)}, err: aggregates.ErrInvalid},
	}.run(t)
}

// Whoever has skills may load them, unless a policy says otherwise.
func TestPolicyOfLoadingSkills(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy aggregates.Policy
		want   aggregates.ToolRule
	}{
		"none":  {aggregates.Policy{Tools: []string{}}, aggregates.ToolFree},
		"asks":  {aggregates.Policy{AskTools: []string{"load_*"}}, aggregates.ToolAsks},
		"never": {aggregates.Policy{NeverTools: []string{events.LoadSkill}}, aggregates.ToolNever},
	} {
		if got := c.policy.Tool(events.LoadSkill); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
