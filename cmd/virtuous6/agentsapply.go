package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type agentsApplyVerb struct {
	Dir    string `arg:"" help:"The folder with the agents' files." type:"path"`
	DryRun bool   `help:"Show the difference, and change nothing."`
	Reason string `help:"Why."`
}

// Help tells what a file looks like.
func (agentsApplyVerb) Help() string {
	return "Each .md file of the folder is an agent, in the shape of coding agents' sub-agent files: front matter in YAML with name, description, " +
		"model, fallbacks, api, temperature, reasoning_effort, max_tokens, tools (a list, or names with commas between), skills, schema (the JSON Schema of answers), fixes (a list of error, tool and do: what the agent is told where a tool gives that error), examples (a list of run and requester: runs that it is shown) and lessons (a list of subject and said, itself a list of feedback, run and user: what people ask for in its answers), and below it the prompt. A file is the whole of " +
		"its agent: what it leaves out is the default, and tools that it does not name are not granted. Only what differs is changed, all or " +
		"nothing is refused before, and agents without a file stay as they are. \"skills\" in the folder holds the skills' folders, each with a SKILL.md " +
		"(agentskills.io): they are saved, and agents that name one get the text that it has there.\n\nExamples:\n  virtuous6 agents apply agents/ --dry-run\n" +
		"  virtuous6 agents apply agents/ --reason \"shorter answers\""
}

// wanted is a file with the command that makes it true, nil where it is.
type wanted struct {
	agentFile
	now     aggregates.Agent
	command commands.Command
}

// Run makes agents what their files say.
func (v agentsApplyVerb) Run(ctx context.Context, a *app) error {
	files, err := readAgentFiles(v.Dir)
	if err != nil {
		return err
	}
	folders, err := readSkillFolders(filepath.Join(v.Dir, skillsFolder))
	if err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	// All of them are looked at before any is changed.
	var all []wanted
	var refusals []error
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		if err := a.dispatcher().Would(ctx, folders[name].save(a)); err != nil {
			refusals = append(refusals, fmt.Errorf("%s: %w", folders[name].dir, err))
		}
	}
	for _, f := range files {
		w, err := v.want(ctx, a, f, folders)
		if err != nil {
			refusals = append(refusals, fmt.Errorf("%s: %w", f.path, err))
		}
		all = append(all, w)
	}
	if err := errors.Join(refusals...); err != nil {
		return err
	}
	if err := v.saveSkills(ctx, a, folders); err != nil {
		return err
	}
	made, changed, same := 0, 0, 0
	for _, w := range all {
		if len(w.ignored) > 0 {
			a.note("%s: %s: nothing here goes by that", w.path, strings.Join(w.ignored, ", "))
		}
		switch w.command.(type) {
		case commands.SpawnAgent:
			made++
			fmt.Fprintf(a.out, "%s: new\n", oneLine(w.name))
		case commands.ConfigureAgent:
			changed++
			fmt.Fprintf(a.out, "%s:\n", oneLine(w.name))
		default:
			same++
			continue
		}
		if w.now.Role != w.role {
			fmt.Fprintf(a.out, "  + description: %s\n", oneLine(w.role))
		}
		writeChanges(a.out, w.now.Config, w.config)
		if v.DryRun {
			continue
		}
		if _, err := a.dispatcher().Dispatch(ctx, w.command); err != nil {
			return fmt.Errorf("%s: %w", w.path, err)
		}
	}
	verb := ""
	if v.DryRun {
		verb = "would be "
	}
	_, err = fmt.Fprintf(a.out, "%d %smade, %d %schanged, %d as they were.\n", made, verb, changed, verb, same)
	return err
}

// skillsFolder is where a folder of agents has their skills.
const skillsFolder = "skills"

// saveSkills keeps the skills that have another text than before, and tells which.
func (v agentsApplyVerb) saveSkills(ctx context.Context, a *app, folders map[string]skillFolder) error {
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		s := folders[name]
		s.tellLeftOut(a)
		before, err := a.dispatcher().Skill(ctx, a.flags.Workspace, name, "")
		switch {
		case errors.Is(err, aggregates.ErrMissing):
			fmt.Fprintf(a.out, "skill %s: new\n", s.SkillRef)
		case err != nil:
			return err
		case before.Digest == s.Digest:
			continue
		default:
			fmt.Fprintf(a.out, "skill %s: another text than %s\n", s.SkillRef, events.SkillRef{Name: name, Digest: before.Digest})
		}
		if v.DryRun {
			continue
		}
		if _, err := a.dispatcher().Dispatch(ctx, s.save(a)); err != nil {
			return fmt.Errorf("%s: %w", s.dir, err)
		}
	}
	return nil
}

// want finds out what a file asks for, and refuses what could not be done.
func (v agentsApplyVerb) want(ctx context.Context, a *app, f agentFile, folders map[string]skillFolder) (wanted, error) {
	for _, name := range f.skills {
		if s, ok := folders[name]; ok {
			f.config.Skills = append(f.config.Skills, s.SkillRef)
			continue
		}
		saved, err := a.skillRefs(ctx, []string{name})
		if err != nil {
			return wanted{agentFile: f}, fmt.Errorf("%w; or put its folder into %s", err, filepath.Join(v.Dir, skillsFolder))
		}
		f.config.Skills = append(f.config.Skills, saved...)
	}
	w := wanted{agentFile: f}
	err := a.servable(ctx, f.config)
	if err != nil {
		return w, err
	}
	if w.now, _, err = a.dispatcher().Agent(ctx, a.flags.Workspace, f.name); err != nil {
		return w, err
	}
	switch {
	case w.now.Retired:
		return w, fmt.Errorf("%s is retired, and that is for good: give the file another name", f.name)
	case !w.now.Live:
		w.now = aggregates.Agent{}
		w.command = commands.SpawnAgent{Meta: a.meta(""), Agent: f.name, Role: f.role, Config: f.config}
	case len(changedKeys(w.now.Config, f.config)) > 0 || f.role != "" && f.role != w.now.Role:
		w.command = commands.ConfigureAgent{Meta: a.meta(""), Agent: f.name, Role: f.role, Config: f.config, Reason: v.Reason}
	default:
		return w, nil
	}
	return w, a.dispatcher().Would(ctx, w.command)
}

type agentsExportVerb struct {
	Dir string `arg:"" help:"The folder to write to. It is made where it is not there." type:"path"`
}

// Help gives an example.
func (agentsExportVerb) Help() string {
	return "Writes a file for each agent that can be asked, in the shape that 'agents apply' takes, so that agents live in git, and the folders of their skills. A file of the same " +
		"agent is written anew; another file is never overwritten.\n\nExample:\n  virtuous6 agents export agents/"
}

// Run writes the files.
func (v agentsExportVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	rows, err := reader.Agents(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(v.Dir, 0o755); err != nil { //nolint:gosec // people share it
		return err
	}
	written, same := 0, 0
	skills := map[string]events.SkillRef{}
	for _, r := range rows {
		if !r.Askable() {
			continue
		}
		now, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, r.Agent)
		if err != nil {
			return err
		}
		f := agentFile{name: r.Agent, role: now.Role, config: now.Config}
		for _, s := range now.Config.Skills {
			f.skills = append(f.skills, s.Name)
			if other, there := skills[s.Name]; there && other.Digest != s.Digest {
				return fmt.Errorf("%s has %s, and another agent %s: a folder holds one text of a skill, so give both the same one (`virtuous6 agents configure %s --skills ...`)", r.Agent, s, other, r.Agent)
			}
			skills[s.Name] = s
		}
		wrote, err := f.write(v.Dir)
		if err != nil {
			return err
		}
		if wrote {
			written++
		} else {
			same++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(skills)) {
		saved, err := a.skill(ctx, name, skills[name].Digest)
		if err != nil {
			return err
		}
		changed, err := writeSkill(filepath.Join(v.Dir, skillsFolder), saved)
		if err != nil {
			return err
		}
		if changed {
			fmt.Fprintf(a.out, "skill %s: written\n", skills[name])
		}
	}
	_, err = fmt.Fprintf(a.out, "%d written to %s, %d as they were.\n", written, v.Dir, same)
	return err
}

// write puts the agent's file into a folder, and tells whether it was another one before.
func (f agentFile) write(dir string) (bool, error) {
	path := filepath.Join(dir, f.fileName())
	text, err := f.format()
	if err != nil {
		return false, err
	}
	before, err := os.ReadFile(path)
	switch {
	case err == nil:
		if bytes.Equal(before, text) {
			return false, nil
		}
		if was, err := parseAgentFile(before); err != nil || was.name != f.name {
			return false, fmt.Errorf("%s is not the file of %s: move it away, or export to another folder", path, f.name)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	return true, os.WriteFile(path, text, 0o644) //nolint:gosec // people share it
}
