package events

import "strings"

// CutFrontMatter parts a Markdown file into what stands between two lines of dashes at its head and what comes below, with lines that
// end as in Unix. Where there is none, all of it is below.
func CutFrontMatter(text string) (head, body string, found bool) {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	head, opened := strings.CutPrefix(text, "---\n")
	head, body, closed := strings.Cut("\n"+head+"\n", "\n---\n")
	if !opened || !closed {
		return "", text, false
	}
	return head, body, true
}
