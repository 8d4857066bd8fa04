package agents_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

var (
	refunds = events.SkillRef{Name: "refunds", Description: "How an order is refunded.\nUse it for returns too.", Digest: "0123456789abcdef"}
	letters = events.SkillRef{Name: "letters", Description: "How we write.", Digest: "fedcba"}
)

func TestSkillsAreToldByNameAndDescriptionAlone(t *testing.T) {
	t.Parallel()
	config := events.AgentConfig{Prompt: "You are the desk.", Skills: []events.SkillRef{refunds, letters}, Schema: []byte(`{"type":"object"}`)}
	said := agents.Open(config, "hello")[0]
	const want = "You are the desk.\n\nYou have skills: texts on how a kind of work is done. Where a task is of such a kind, load the skill with the tool load_skill before " +
		"you begin, and go by it.\n- refunds: How an order is refunded. Use it for returns too.\n- letters: How we write.\n\nAnswer with JSON alone"
	if said.Role != "system" || !strings.HasPrefix(said.Content, want) {
		t.Errorf("%s: %s", said.Role, said.Content)
	}
	if armed := agents.Armed(config); !slices.Equal(armed.Tools, []string{events.LoadSkill}) || len(config.Tools) > 0 {
		t.Errorf("armed: %v, before: %v", armed.Tools, config.Tools)
	}
	if armed := agents.Armed(events.AgentConfig{Tools: []string{"clock"}}); !slices.Equal(armed.Tools, []string{"clock"}) {
		t.Errorf("without skills: %v", armed.Tools)
	}
}

func TestSkillsAreLoaded(t *testing.T) {
	t.Parallel()
	files := []events.SkillFile{
		{Path: events.SkillMain, Text: "---\r\nname: refunds\r\n---\r\n\r\nLook it up first.\r\n"},
		{Path: "references/limits.md", Text: "Up to $50.\n"},
	}
	skills := []events.SkillRef{refunds, letters}
	tool := agents.SkillLoader(skills, func(_ context.Context, s events.SkillRef) ([]events.SkillFile, error) {
		if s.Name == letters.Name {
			return files[:1], nil
		}
		return files, nil
	})
	if !tool.Repeatable || !strings.Contains(string(tool.Schema), `"enum":["refunds","letters"]`) {
		t.Errorf("%+v, %s", tool, tool.Schema)
	}
	for name, c := range map[string]struct {
		arguments, want, wrong string
		loaded                 *events.RunSkillLoaded
	}{
		"the text": {
			arguments: `{"skill":"refunds"}`, want: "Look it up first.\n\nFiles of this skill, which load_skill gives too: references/limits.md.",
			loaded: &events.RunSkillLoaded{Skill: "refunds", Digest: refunds.Digest},
		},
		"the text by its name": {
			arguments: `{"skill":"letters","file":"SKILL.md"}`, want: "Look it up first.", loaded: &events.RunSkillLoaded{Skill: "letters", Digest: letters.Digest},
		},
		"a file": {
			arguments: `{"skill":"refunds","file":"./references/limits.md"}`, want: "Up to $50.\n",
			loaded: &events.RunSkillLoaded{Skill: "refunds", Digest: refunds.Digest, File: "references/limits.md"},
		},
		"another skill":   {arguments: `{"skill":"payments"}`, wrong: `no skill "payments": there are refunds, letters`},
		"no arguments":    {arguments: `[]`, wrong: "no object"},
		"no such file":    {arguments: `{"skill":"refunds","file":"../etc"}`, wrong: `no file "../etc": there are references/limits.md`, loaded: &events.RunSkillLoaded{Skill: "refunds", Digest: refunds.Digest, File: "../etc"}},
		"no files at all": {arguments: `{"skill":"letters","file":"x"}`, wrong: "none but its own text", loaded: &events.RunSkillLoaded{Skill: "letters", Digest: letters.Digest, File: "x"}},
	} {
		got, err := tool.Call(t.Context(), agents.Call{Arguments: []byte(c.arguments)})
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		loaded := agents.LoadedSkill(skills, events.ToolCall{Name: events.LoadSkill, Arguments: c.arguments})
		if (loaded == nil) != (c.loaded == nil) || loaded != nil && *loaded != *c.loaded {
			t.Errorf("%s: loaded %+v, want %+v", name, loaded, c.loaded)
		}
	}
	if loaded := agents.LoadedSkill(skills, events.ToolCall{Name: "clock", Arguments: `{"skill":"refunds"}`}); loaded != nil {
		t.Errorf("another tool: %+v", loaded)
	}
}
