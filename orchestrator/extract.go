package orchestrator

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/events"
)

// leastWord is the length, in runes, from which a word tells what a text is about.
const leastWord = 4

// extract is in short what was said: the sentences whose words are the commonest of all that are not said by then, in their order, of
// limit bytes at most. It is SumBasic by Nenkova and Vanderwende, in whole numbers. The lines of an earlier summary count as sentences.
func extract(earlier string, said []events.Message, limit int) string {
	type sentence struct {
		text  string
		words []string
	}
	var all []sentence
	weight := map[string]int{}
	add := func(text string) {
		s := sentence{text: text}
		for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(w) >= leastWord {
				s.words = append(s.words, w)
				weight[w] += 1000
			}
		}
		all = append(all, s)
	}
	for line := range strings.Lines(earlier) {
		add(strings.TrimSpace(line))
	}
	for _, m := range said {
		for _, text := range sentences(m.Content) {
			add(m.Role + ": " + text)
		}
	}
	score := func(s sentence) (sum int) {
		for _, w := range s.words {
			sum += weight[w]
		}
		return sum / max(len(s.words), 1)
	}
	var taken []int
	left := limit
	for {
		best, most := -1, -1
		for i, s := range all {
			if v := score(s); v > most && len(s.text) < left && !slices.Contains(taken, i) {
				best, most = i, v
			}
		}
		if best < 0 {
			break
		}
		taken = append(taken, best)
		left -= len(all[best].text) + 1
		for _, w := range all[best].words {
			weight[w] /= 2 // what is said by now counts less
		}
	}
	if len(taken) == 0 && len(all) > 0 {
		return clipped(all[0].text, limit)
	}
	slices.Sort(taken)
	lines := make([]string, len(taken))
	for i, at := range taken {
		lines[i] = all[at].text
	}
	return strings.Join(lines, "\n")
}

// sentences are the parts of a text that end with a full stop or with their line.
func sentences(text string) (parts []string) {
	for line := range strings.Lines(text) {
		for line = strings.Join(strings.Fields(line), " "); line != ""; {
			end := len(line)
			for _, stop := range []string{". ", "? ", "! "} {
				if i := strings.Index(line, stop); i >= 0 {
					end = min(end, i+1)
				}
			}
			parts = append(parts, line[:end])
			line = strings.TrimSpace(line[end:])
		}
	}
	return parts
}

// clipped is a text of at most so many bytes.
func clipped(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
