package events

// LoadSkill is the tool by which an agent gets the text of a skill of its own. Who has a skill has it.
const LoadSkill = "load_skill"

// SkillMain is the file that every skill has: its instructions, under front matter.
const SkillMain = "SKILL.md"

// SkillRef is a skill as a configuration has it: exactly that text, and what a model is told of it before it asks for the text.
type SkillRef struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Digest is that of SkillSaved.
	Digest string `json:"digest"`
}

// String is what people are shown: the name, and as much of the digest as tells texts apart.
func (s SkillRef) String() string { return s.Name + "@" + s.Digest[:min(12, len(s.Digest))] }

// SkillSaved keeps a text of a skill: how a kind of work is done (agentskills.io). A skill that is changed is saved once more, and agents
// that have an earlier text keep that.
type SkillSaved struct {
	Skill       string `json:"skill"`
	Description string `json:"description"`
	// Files are those of its folder, sorted by their paths. One is SkillMain.
	Files []SkillFile `json:"files"`
	// Digest is commands.SkillDigest of the files.
	Digest string `json:"digest"`
	By     string `json:"by,omitempty"`
	// Edits is the digest of the text that this one is an edit of, where no person saved it: only who is given it by its digest has it.
	Edits string `json:"edits,omitempty"`
}

// Draft tells of a text that no person saved.
func (s SkillSaved) Draft() bool { return s.Edits != "" }

// SkillFile is a text in a skill's folder.
type SkillFile struct {
	// Path is that in the folder, with slashes.
	Path string `json:"path"`
	Text string `json:"text"`
}

// RunSkillLoaded tells that a live run has read the text of a skill.
type RunSkillLoaded struct {
	// Step is the number of the step that the call was made in.
	Step  int    `json:"step"`
	Skill string `json:"skill"`
	// Digest is that of the text that it was given, and File the one that was read of it, empty for SkillMain.
	Digest string `json:"digest"`
	File   string `json:"file,omitempty"`
}

func (SkillSaved) Kind() string     { return "skill.saved" }
func (RunSkillLoaded) Kind() string { return "run.skill_loaded" }

func (SkillSaved) skill()   {}
func (RunSkillLoaded) run() {}
