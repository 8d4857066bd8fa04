package commands

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/virtuous6/virtuous6/events"
)

// SkillStream is the stream of a skill.
func SkillStream(workspace, skill string) string { return events.StreamName("skill", workspace, skill) }

// SaveSkill keeps the files of a skill, sorted by their paths. Where they are what was saved last it adds nothing.
type SaveSkill struct {
	Meta
	Skill       string
	Description string
	Files       []events.SkillFile
	By          string
	// Edits is the digest of a text that was saved before, where these files are an edit of it that no person made: they are kept to be
	// tried, and are not what the skill's name stands for.
	Edits string
}

// SkillDigest names what is in a skill's files: the SHA-256, in hex, of what `sha256sum` says of them in the order of their paths.
func SkillDigest(files []events.SkillFile) string {
	all := sha256.New()
	for _, f := range files {
		fmt.Fprintf(all, "%x  %s\n", sha256.Sum256([]byte(f.Text)), f.Path)
	}
	return hex.EncodeToString(all.Sum(nil))
}

func (c SaveSkill) Stream() string { return SkillStream(c.Workspace, c.Skill) }

func (SaveSkill) skill() {}
