package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// skillsVerb is the verb's own verbs. Without one it lists.
type skillsVerb struct {
	List skillsListVerb `cmd:"" default:"withargs" help:"List the skills that agents can be given."`
	Show skillsShowVerb `cmd:"" help:"Show the text of a skill."`
	Add  skillsAddVerb  `cmd:"" help:"Save a skill's folder."`
}

type skillsListVerb struct {
	listFlags
}

// Help tells what skills are.
func (skillsListVerb) Help() string {
	return "A skill is a text on how a kind of work is done, as a folder with a SKILL.md (agentskills.io). An agent that has it is told its name and " +
		"description, and loads the text where a task is of that kind. `runs RUN` tells which it loaded.\n\nExamples:\n  virtuous6 skills\n" +
		"  virtuous6 agents configure clerk --skills refunds"
}

// Run lists them.
func (v skillsListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.SkillRow, error) { return reader.Skills(ctx) }, func(rows []projections.SkillRow) error {
		return table(a.out, "SKILL|TEXTS|SAVED|BY|LOADED|WHAT IT IS FOR", func(row func(...any)) {
			for _, r := range rows {
				row(events.SkillRef{Name: r.Skill, Digest: r.Digest}, r.Texts, when(r.SavedAt), short(r.By, 32), r.Loads, short(r.Description, 60))
			}
		})
	})
}

type skillsShowVerb struct {
	Skill string `arg:"" help:"The skill, or NAME@DIGEST with the beginning of the digest of an earlier text."`
	JSON  bool   `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (skillsShowVerb) Help() string {
	return "Examples:\n  virtuous6 skills show refunds\n  virtuous6 skills show refunds@3f8a0c11d2e4"
}

// Run shows one text.
func (v skillsShowVerb) Run(ctx context.Context, a *app) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	name, digest, _ := strings.Cut(v.Skill, "@")
	saved, err := a.skill(ctx, name, digest)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(saved)
	}
	fmt.Fprintf(a.out, "%s  digest %s, saved by %s\n", oneLine(saved.Skill), saved.Digest, orDash(saved.By))
	if saved.Draft() {
		fmt.Fprintf(a.out, "an edit of %s, to be tried: only an agent that is given it by its digest has it\n", events.SkillRef{Name: saved.Skill, Digest: saved.Edits})
	}
	for _, f := range saved.Files {
		fmt.Fprintf(a.out, "\n== %s\n%s", oneLine(f.Path), f.Text)
		if !strings.HasSuffix(f.Text, "\n") {
			fmt.Fprintln(a.out)
		}
	}
	return nil
}

type skillsAddVerb struct {
	Dir string `arg:"" help:"The skill's folder, with a SKILL.md." type:"path"`
}

// Help gives an example.
func (skillsAddVerb) Help() string {
	return "Keeps the texts of the folder: SKILL.md, and the files that it refers to. None of them is ever run. A skill that is saved once more has another text; " +
		"agents that have the earlier one keep that. 'agents apply' saves the skills that its agents name, too.\n\nExample:\n  virtuous6 skills add skills/refunds"
}

// Run saves the folder.
func (v skillsAddVerb) Run(ctx context.Context, a *app) error {
	s, err := readSkill(v.Dir)
	if err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	receipt, err := a.dispatcher().Dispatch(ctx, s.save(a))
	if err != nil {
		return err
	}
	s.tellLeftOut(a)
	if receipt.Events == 0 {
		fmt.Fprintf(a.out, "%s is saved already.\n", s.SkillRef)
		return nil
	}
	fmt.Fprintf(a.out, "%s is saved: virtuous6 agents configure AGENT --skills %s\n", s.SkillRef, s.Name)
	return nil
}

// skill is the latest text that was saved of a skill whose digest begins so.
func (a *app) skill(ctx context.Context, name, digest string) (events.SkillSaved, error) {
	saved, err := a.dispatcher().Skill(ctx, a.flags.Workspace, name, digest)
	if errors.Is(err, aggregates.ErrMissing) {
		text := ""
		if digest != "" {
			text = " with a text " + digest
		}
		err = fmt.Errorf("there is no skill %q%s: `virtuous6 skills` lists them, `virtuous6 skills add DIR` saves one", name, text)
	}
	return saved, err
}

// skillRefs are skills as a configuration has them, by their names: NAME is the latest text, NAME@DIGEST an earlier one.
func (a *app) skillRefs(ctx context.Context, wanted []string) (refs []events.SkillRef, err error) {
	for _, w := range wanted {
		name, digest, _ := strings.Cut(w, "@")
		saved, err := a.skill(ctx, name, digest)
		if err != nil {
			return nil, err
		}
		refs = append(refs, events.SkillRef{Name: saved.Skill, Description: saved.Description, Digest: saved.Digest})
	}
	return slices.Clip(refs), nil
}
