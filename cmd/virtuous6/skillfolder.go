package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/redact"
)

// skillFolder is a skill as a folder, in the shape of agentskills.io.
type skillFolder struct {
	dir string
	events.SkillRef
	files []events.SkillFile
	// leftOut are the files that are no texts.
	leftOut []string
}

// skillMatter is what of a skill's front matter has a meaning here. What else stands there is kept with the text.
type skillMatter struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
}

// maxSkillFile bounds what is read of a skill's file: more than a skill may hold is refused with its size.
const maxSkillFile = 1 << 20

// readSkill reads a skill's folder.
func readSkill(dir string) (skillFolder, error) {
	s := skillFolder{dir: dir}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != dir && strings.HasPrefix(d.Name(), "."): // an editor's, or git's
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular(): // a link leads out of the folder
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > maxSkillFile {
			s.leftOut = append(s.leftOut, filepath.ToSlash(name))
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !utf8.Valid(text) || strings.ContainsRune(string(text), 0) {
			s.leftOut = append(s.leftOut, filepath.ToSlash(name))
			return nil
		}
		s.files = append(s.files, events.SkillFile{Path: filepath.ToSlash(name), Text: string(text)})
		return nil
	})
	if err != nil {
		return s, err
	}
	slices.SortFunc(s.files, func(a, b events.SkillFile) int { return strings.Compare(a.Path, b.Path) })
	s.Digest = commands.SkillDigest(s.files)
	return s, s.parse()
}

// parse takes the name and the description out of SKILL.md, and refuses what could not be kept as it is.
func (s *skillFolder) parse() error {
	at := slices.IndexFunc(s.files, func(f events.SkillFile) bool { return f.Path == events.SkillMain })
	if at < 0 {
		return fmt.Errorf("%s is no skill's folder: it has no %s that is UTF-8 text", s.dir, events.SkillMain)
	}
	path := filepath.Join(s.dir, events.SkillMain)
	head, _, found := events.CutFrontMatter(s.files[at].Text)
	if !found {
		return fmt.Errorf("%s begins with no front matter between two lines of three dashes", path)
	}
	var matter skillMatter
	if err := yaml.Unmarshal([]byte(head), &matter); err != nil {
		return fmt.Errorf("%s: its front matter: %s", path, yaml.FormatError(err, false, false))
	}
	abs, err := filepath.Abs(s.dir)
	switch folder := filepath.Base(abs); {
	case err != nil:
		return err
	case matter.Name == "" || matter.Description == "":
		return fmt.Errorf("%s: its front matter gives no `name` or no `description`: models are told both before they load it", path)
	case matter.Name != folder:
		return fmt.Errorf("%s: it is called %q in a folder called %q: a skill's folder has its name", path, matter.Name, folder)
	}
	s.Name, s.Description = matter.Name, matter.Description
	for _, f := range s.files {
		if redact.Text(f.Text) != f.Text {
			return fmt.Errorf("%s holds what looks like a credential: take it out, since every model that loads the skill would be told it", filepath.Join(s.dir, filepath.FromSlash(f.Path)))
		}
	}
	return nil
}

// readSkillFolders reads the skills in a folder, by their names. There are none where the folder is not there.
func readSkillFolders(dir string) (map[string]skillFolder, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	skills := map[string]skillFolder{}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		s, err := readSkill(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		skills[s.Name] = s
	}
	return skills, nil
}

// save is the command that keeps the skill.
func (s skillFolder) save(a *app) commands.SaveSkill {
	return commands.SaveSkill{Meta: a.meta(""), Skill: s.Name, Description: s.Description, Files: s.files, By: "user:" + a.config.user()}
}

// tellLeftOut tells which files of a skill are not kept.
func (s skillFolder) tellLeftOut(a *app) {
	if len(s.leftOut) > 0 {
		a.note("%s: %s: no texts of at most %d bytes, and left out", s.dir, oneLine(strings.Join(s.leftOut, ", ")), maxSkillFile)
	}
}

// writeSkill puts a skill's files into its folder below dir, and tells whether any was another one before.
func writeSkill(dir string, saved events.SkillSaved) (changed bool, err error) {
	for _, f := range saved.Files {
		path := filepath.Join(dir, saved.Skill, filepath.FromSlash(f.Path))
		if before, err := os.ReadFile(path); err == nil && string(before) == f.Text {
			continue
		}
		changed = true
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // people share it
			return false, err
		}
		if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil { //nolint:gosec // people share it
			return false, err
		}
	}
	return changed, nil
}
