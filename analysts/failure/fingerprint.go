package failure

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/mining"
)

// Fingerprint names an error by what stays the same each time.
type Fingerprint struct {
	// ID is 12 hexadecimal digits.
	ID string `json:"id"`
	// By is what it was told by: "explicit", "stack", "type" or "template".
	By string `json:"by"`
	// Text is the error with blanks, for people.
	Text string `json:"text"`
}

// Fingerprints tells errors apart, in this order: by what the source calls them, by the frames of a stack without lines and
// addresses, by the type of an exception with what it says, by what it says. The zero value is ready. The same texts in
// the same order have the same fingerprints. One that was given stays until all are told apart anew, by Settle.
type Fingerprints struct {
	types map[string]*mining.Templates
	texts map[string]string // the latest text with blanks, by id
	known map[[2]string]place
}

// place is where a text went.
type place struct {
	by, id, kind string
	group        int
}

var (
	pythonFrame = regexp.MustCompile(`^\s*File "([^"]+)", line \d+, in (\S+)`)
	javaFrame   = regexp.MustCompile(`^\s*at ([\w.$<>/]+)\([^)]*\)`)
	jsFrame     = regexp.MustCompile(`^\s*at (?:async )?(?:([\w.$<> \[\]]+) \()?([^\s()]+):\d+:\d+\)?$`)
	goFrame     = regexp.MustCompile(`^([\w./*()-]+\.[\w*().-]+)\(.*\)$`)
	// foreign are frames of libraries and runtimes.
	foreign   = regexp.MustCompile(`site-packages|dist-packages|node_modules|node:|/usr/lib|/lib/python|^java\.|^javax\.|^jdk\.|^sun\.|^runtime[./]|^internal/`)
	exception = regexp.MustCompile(`^(?:Uncaught |Caused by: |panic: )?([A-Za-z_][\w.$]*(?:Error|Exception|Fault|Warning|Timeout|Interrupt))\b:?\s*(.*)$`)
)

const maxFrames = 8

// Of is the fingerprint of an error's text. explicit is what the source calls it, empty where it says nothing.
func (f *Fingerprints) Of(explicit, text string) Fingerprint {
	at, ok := f.known[[2]string{explicit, text}]
	if !ok {
		if f.known == nil {
			f.types, f.texts, f.known = map[string]*mining.Templates{}, map[string]string{}, map[[2]string]place{}
		}
		at = f.place(explicit, text)
		f.known[[2]string{explicit, text}] = at
	}
	return Fingerprint{ID: at.id, By: at.by, Text: f.Text(at.id)}
}

// Settle tells the errors that were met so far apart by all of their texts together: a name that stands first in each of many
// texts makes no errors of their own, and a word of which there are few kinds does. The first text of an error keeps its fingerprint.
func (f *Fingerprints) Settle() {
	for _, templates := range f.types {
		templates.Settle()
	}
	for from, at := range f.known {
		if at.by != "template" && at.by != "type" {
			continue
		}
		_, says := typed(from[1])
		first, words := f.types[at.kind].Settled(at.group, says)
		at.id = idOf("template", at.kind, first)
		f.known[from] = f.keep(at, named(at.kind, words))
	}
}

func named(kind, words string) string {
	if kind == "" {
		return words
	}
	return strings.TrimSuffix(kind+": "+words, ": ")
}

// Text is what the errors of a fingerprint that were met so far have in common.
func (f *Fingerprints) Text(id string) string { return f.texts[id] }

func (f *Fingerprints) place(explicit, text string) place {
	kind, says := typed(text)
	if explicit != "" {
		return f.keep(place{by: "explicit", id: idOf("explicit", explicit)}, explicit)
	}
	if frames := framesOf(text); len(frames) > 0 {
		return f.keep(place{by: "stack", id: idOf("stack", kind, strings.Join(frames, "\n"))}, strings.TrimSpace(kind+" in "+frames[len(frames)-1]))
	}
	templates := f.types[kind]
	if templates == nil {
		templates = &mining.Templates{}
		f.types[kind] = templates
	}
	p := place{by: "template", kind: kind, group: templates.Add(says)}
	p.id = idOf("template", kind, templates.First(p.group))
	if kind != "" {
		p.by = "type"
	}
	return f.keep(p, named(kind, templates.Template(p.group)))
}

func (f *Fingerprints) keep(p place, text string) place {
	f.texts[p.id] = text
	return p
}

func idOf(parts ...string) string {
	digest := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(digest[:6])
}

// typed finds the type of the exception that a text speaks of, and what it says: in the last line of a stack that names one,
// else in the first line.
func typed(text string) (kind, says string) {
	var first string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if first == "" {
			first = line
		}
		if m := exception.FindStringSubmatch(line); m != nil {
			kind, says = m[1], m[2]
		}
	}
	if kind == "" {
		return "", first
	}
	return kind, says
}

// framesOf are the functions of a stack in the program's own code, the innermost last or first as the language has it; all
// of them where none is its own.
func framesOf(text string) []string {
	var own, all []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		frame, file := "", ""
		if m := pythonFrame.FindStringSubmatch(line); m != nil {
			frame, file = path.Base(strings.ReplaceAll(m[1], `\`, "/"))+":"+m[2], m[1]
		} else if m := jsFrame.FindStringSubmatch(line); m != nil {
			frame, file = path.Base(m[2])+":"+m[1], m[2]
		} else if m := javaFrame.FindStringSubmatch(line); m != nil {
			frame, file = m[1], m[1]
		} else if m := goFrame.FindStringSubmatch(line); m != nil && strings.Contains(text, "goroutine ") {
			frame, file = m[1], m[1]
		}
		if frame == "" {
			continue
		}
		frame = mining.Mask(frame)
		all = append(all, frame)
		if !foreign.MatchString(file) {
			own = append(own, frame)
		}
	}
	if len(own) == 0 {
		own = all
	}
	return own[:min(len(own), maxFrames)]
}

// Is tells of an error that it is the one of a fingerprint, by nothing but that.
func (known Fingerprint) Is(text string) bool {
	var alone Fingerprints
	if f := alone.Of("", text); f.By == "stack" || f.ID == known.ID {
		return f.ID == known.ID
	}
	kind, says := typed(text)
	template, is := strings.CutPrefix(known.Text, kind)
	if kind != "" {
		template = strings.TrimPrefix(template, ": ")
	}
	return is && mining.Fits(template, says)
}
