package answers

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// terms are what of a text is a claim: its numbers, its names, what stands in bold, and which way it tells.
type terms struct {
	numbers, names, bold []string
	words                map[string]bool
	senses               map[string]bool
}

// senses are the words that tell which way something is. A text in other words may take one of its own way instead, and none of another.
var senses = map[string]*regexp.Regexp{
	"success":  regexp.MustCompile(`^(succe|work(ed|s|ing)?$|liked?$|good$|right$|fixe[sd]|solv)`),
	"failure":  regexp.MustCompile(`^(fail|error|wrong|bad(ly)?$|disliked?$|broke|crash|unsuccess)`),
	"more":     regexp.MustCompile(`^(more$|most$|high|increas|rise|rose$|better$|best$|improv|faster|up$|gain|over$|above$|exceed|grew$|grow)`),
	"less":     regexp.MustCompile(`^(less$|least$|fewer|fewest|low|decreas|drop|fell$|worse|worst|slow|down$|loss|under$|below$|declin|cheap|reduc)`),
	"denial":   regexp.MustCompile(`^(no$|not$|never|none$|without$|neither|nor$|nobody|nothing|cannot|isn|wasn|aren|weren|didn|don|doesn|can't|couldn|won|hasn|haven)`),
	"doubt":    regexp.MustCompile(`^(may$|might|could$|perhaps|maybe|probabl|seem|likel|possib)`),
	"proof":    regexp.MustCompile(`^(prove[sdn]?$|proof|caus|because|due$|certain|definite|always|guarante|clear)`),
	"proposal": regexp.MustCompile(`^(propos|suggest|recommend|should$|ought$)`),
	"approval": regexp.MustCompile(`^(approv|accept|allow|agree)`),
	"refusal":  regexp.MustCompile(`^(reject|refus|forb|den(y|ied)$)`),
	"change":   regexp.MustCompile(`^(appli|promot|adopt|deploy|roll(ed|s)?$|releas|live$)`),
	"end":      regexp.MustCompile(`^(withdr|revert|expir|undone|stopp|retire|cancel|delete|remove)`),
}

// counted are the numbers in words, and what stands for one.
var counted = regexp.MustCompile(`^(zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(thir|four|fif|six|seven|eigh|nine)teen|(twen|thir|for|fif|six|seven|eigh|nine)ty|hundreds?|thousands?|millions?|half|halves|thirds?|quarters?|percent|per ?cent|dozens?|twice|thrice|double[sd]?|triple[sd]?|both|every|all|majority)$`)

// openers are words that a sentence may begin with in a capital letter, and that name nobody.
var openers = strings.Fields(`a across after again agents all also although among an and another answers any are as at before besides both but by each even evidence every for from had has have here how
	i if in is it its last more most none of on once one only or other others our out over overall people runs same since so some still that the their them then there these they this
	those though together today under until was we were what when where which while who with within workflow yesterday you`)

// termsOf takes a text apart.
func termsOf(text string) terms {
	t := terms{words: map[string]bool{}, senses: map[string]bool{}}
	for i, part := range strings.Split(text, "**") {
		if i%2 == 1 {
			t.bold = append(t.bold, strings.TrimRight(strings.TrimSpace(part), "."))
		}
	}
	opens := true
	for field := range strings.FieldsSeq(text) {
		bare := strings.Trim(field, "*_`\"'“”‘’«»()[]{},;:!?.…—–")
		ends := strings.ContainsAny(field[max(0, len(field)-3):], ".!?:…") || strings.HasSuffix(field, "\n")
		if bare != "" {
			t.term(bare, opens)
		}
		opens = ends || opens && bare == ""
	}
	return t
}

// term sorts one word in. opens tells that it begins a sentence.
func (t *terms) term(word string, opens bool) {
	lower := strings.ToLower(word)
	t.words[lower] = true
	for sense, is := range senses {
		if is.MatchString(lower) {
			t.senses[sense] = true
		}
	}
	first, _ := utf8.DecodeRuneInString(word)
	switch {
	case strings.ContainsFunc(word, unicode.IsNumber):
		t.numbers = append(t.numbers, word)
	case counted.MatchString(lower):
		t.numbers = append(t.numbers, lower)
	case strings.ContainsAny(word, "-_./:@#\\|→<>=&~^+$%"):
		t.names = append(t.names, word)
	case lower != word && (!opens || !unicode.IsUpper(first) || strings.ToLower(word[utf8.RuneLen(first):]) != word[utf8.RuneLen(first):]):
		if word != "I" {
			t.names = append(t.names, word)
		}
	case opens && lower != word && !slices.Contains(openers, lower):
		t.names = append(t.names, word)
	}
}

// has tells of a number or a name that is in it as it stands.
func (t terms) has(term string) bool {
	return slices.Contains(t.numbers, term) || slices.Contains(t.names, term) || slices.Contains(t.numbers, strings.ToLower(term))
}

// word tells of a word that is in it, whatever its letters' case.
func (t terms) word(word string) bool { return t.words[strings.ToLower(word)] }

// mentions tells whether a text has a name as words of its own.
func mentions(text, name string) bool {
	text, name = strings.ToLower(text), strings.ToLower(strings.TrimSpace(name))
	if name == "" {
		return false
	}
	for from := 0; ; {
		at := strings.Index(text[from:], name)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(name):])
		if !letter(before) && !letter(after) {
			return true
		}
		from = at + 1
	}
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' }
