package slack

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// entity is what Slack writes for links, channels and people: <URL|label>, <#C1|name>, <@U1|name>, <!here>.
var entity = regexp.MustCompile(`<([^<>|]+)(?:\|([^<>]*))?>`)

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// plain is what a person wrote, without Slack's escapes.
func plain(text string) string {
	text = entity.ReplaceAllStringFunc(text, func(found string) string {
		parts := entity.FindStringSubmatch(found)
		target, label := parts[1], parts[2]
		switch {
		case strings.HasPrefix(target, "@") || strings.HasPrefix(target, "!"):
			if label != "" {
				return "@" + strings.TrimPrefix(label, "@")
			}
			return "@" + strings.TrimLeft(target, "@!")
		case strings.HasPrefix(target, "#"):
			if label != "" {
				return "#" + label
			}
			return target
		case label != "" && label != target:
			return label + " (" + target + ")"
		}
		return target
	})
	return unescape.Replace(text)
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// inert is a text that means nothing to Slack: no mention, no link, no format that it did not have.
func inert(text string) string { return escape.Replace(text) }

// harmless is Markdown in which nobody is called: what Slack would take for <!channel>, <@U1> or <#C1> is broken by a
// word joiner, which is not seen.
func harmless(markdown string) string {
	return called.ReplaceAllString(markdown, "<\u2060$1")
}

var called = regexp.MustCompile(`<([!@#])`)

// decoration is what a text of ours has that is not said: an emoji at its beginning, and marks.
var decoration = regexp.MustCompile("^:[a-z_]+: |[*`]")

// bare is a text of ours as a notification shows it.
func bare(text string) string { return decoration.ReplaceAllString(text, "") }

// clip cuts a text at max characters, with an ellipsis for what is left out.
func clip(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	runes := []rune(text)
	return string(runes[:most-1]) + "…"
}

// pieces splits a text into parts of at most most characters, at a paragraph's end where there is one, else at a line's, else
// at a space. Nothing is lost: the parts put together are the text.
func pieces(text string, most int) []string {
	var parts []string
	for utf8.RuneCountInString(text) > most {
		window := string([]rune(text)[:most])
		cut := len(window)
		for _, end := range []string{"\n\n", "\n", " "} {
			if i := strings.LastIndex(window, end); i > len(window)/2 {
				cut = i + len(end)
				break
			}
		}
		parts = append(parts, text[:cut])
		text = text[cut:]
	}
	return append(parts, text)
}
