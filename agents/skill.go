package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// Armed is a configuration with the tool that its skills come by.
func Armed(config events.AgentConfig) events.AgentConfig {
	if len(config.Skills) > 0 && !slices.Contains(config.Tools, events.LoadSkill) {
		config.Tools = append(slices.Clip(config.Tools), events.LoadSkill)
	}
	return config
}

// skillsTold is what the instructions say of an agent's skills, empty for none. It is the same as long as they are: a provider's cache
// is by prefix.
func skillsTold(skills []events.SkillRef) string {
	if len(skills) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("You have skills: texts on how a kind of work is done. Where a task is of such a kind, load the skill with the tool " +
		events.LoadSkill + " before you begin, and go by it.\n")
	for _, s := range skills {
		fmt.Fprintf(&b, "- %s: %s\n", s.Name, strings.Join(strings.Fields(s.Description), " "))
	}
	return strings.TrimRight(b.String(), "\n")
}

// skillCall is what the tool is called with.
type skillCall struct {
	Skill string `json:"skill"`
	File  string `json:"file"`
}

// SkillLoader is the tool that gives the texts of an agent's skills. read finds the files of one.
func SkillLoader(skills []events.SkillRef, read func(ctx context.Context, skill events.SkillRef) ([]events.SkillFile, error)) Tool {
	names := make([]string, len(skills))
	for i, s := range skills {
		names[i] = s.Name
	}
	schema, err := json.Marshal(map[string]any{
		"type": "object", "required": []string{"skill"}, "additionalProperties": false,
		"properties": map[string]any{
			"skill": map[string]any{"type": "string", "enum": names, "description": "The skill's name."},
			"file":  map[string]any{"type": "string", "description": "A file that the skill's text refers to, by its path. Default: the text itself."},
		},
	})
	if err != nil {
		panic("names can be JSON: " + err.Error())
	}
	return Tool{
		Name: events.LoadSkill, Description: "Gives the text of one of your skills, or of a file that belongs to it.", Schema: schema, Repeatable: true,
		Call: func(ctx context.Context, c Call) (string, error) {
			skill, file, err := wantedSkill(skills, c.Arguments)
			if err != nil {
				return "", err
			}
			files, err := read(ctx, skill)
			if err != nil {
				return "", err
			}
			return skillText(skill, files, file)
		},
	}
}

// LoadedSkill is which text a call of the tool asks for, nil for a call of another one or of a skill that the agent has not.
func LoadedSkill(skills []events.SkillRef, call events.ToolCall) *events.RunSkillLoaded {
	if call.Name != events.LoadSkill {
		return nil
	}
	skill, file, err := wantedSkill(skills, json.RawMessage(call.Arguments))
	if err != nil {
		return nil
	}
	loaded := &events.RunSkillLoaded{Skill: skill.Name, Digest: skill.Digest}
	if file != events.SkillMain {
		loaded.File = file
	}
	return loaded
}

func wantedSkill(skills []events.SkillRef, arguments json.RawMessage) (skill events.SkillRef, file string, err error) {
	var c skillCall
	if err := json.Unmarshal(arguments, &c); err != nil {
		return skill, "", fmt.Errorf("the arguments are no object with skill and file: %w", err)
	}
	names := make([]string, len(skills))
	for i, s := range skills {
		if s.Name == c.Skill {
			skill = s
		}
		names[i] = s.Name
	}
	if skill.Name == "" {
		return skill, "", fmt.Errorf("you have no skill %q: there are %s", cut(c.Skill, 100), strings.Join(names, ", "))
	}
	if file = strings.TrimPrefix(c.File, "./"); file == "" {
		file = events.SkillMain
	}
	return skill, file, nil
}

// skillText is what a model is given: the instructions without their front matter, or a file as it is.
func skillText(skill events.SkillRef, files []events.SkillFile, file string) (string, error) {
	var others []string
	text, found := "", false
	for _, f := range files {
		switch {
		case f.Path == file:
			text, found = f.Text, true
		case f.Path != events.SkillMain:
			others = append(others, f.Path)
		}
	}
	switch {
	case !found && len(others) == 0:
		return "", fmt.Errorf("skill %s has no file %q, and none but its own text", skill.Name, cut(file, 100))
	case !found:
		return "", fmt.Errorf("skill %s has no file %q: there are %s", skill.Name, cut(file, 100), strings.Join(others, ", "))
	case file != events.SkillMain:
		return text, nil
	}
	_, body, _ := events.CutFrontMatter(text)
	if body = strings.TrimSpace(body); len(others) > 0 {
		body += "\n\nFiles of this skill, which " + events.LoadSkill + " gives too: " + strings.Join(others, ", ") + "."
	}
	return body, nil
}
