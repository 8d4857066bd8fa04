package answers

import (
	"regexp"
	"strings"
	"time"
)

// Topic is what a question is about.
type Topic string

// The topics that the read models answer.
const (
	WhatPatterns Topic = "patterns"
	HowToImprove Topic = "improve"
	WhatLearned  Topic = "learned"
	WhyChanged   Topic = "why"
)

// Question is a question in words, as far as the read models can answer it.
type Question struct {
	Topic Topic
	// Text is how it was asked.
	Text string
	// Subject is the agent that it is about.
	Subject string
	// Since and Until bound what it is about, inclusive and exclusive; When says it in words.
	Since, Until time.Time
	When         string
	// Unsaid tells that nobody said of what time: then it is the last seven days, or where nothing ran in them those before in which something did.
	Unsaid bool
}

// The questions that are understood. They are told narrowly: everything else is for an agent.
var (
	patternsAsked = regexp.MustCompile(`^(what|which) (new )?patterns? (did|have|do) you (find|found|see|seen|notice|noticed)\b`)
	improveAsked  = regexp.MustCompile(`^(how (can|could|would|will|should) you (improve|get better)|what (can|could|would|should) you improve)\b`)
	learnedAsked  = regexp.MustCompile(`^what (did|have) you (learn|learnt|learned)\b`)
	whyAsked      = regexp.MustCompile(`^why did (?:you|we|they) (?:change|modify|update|reconfigure) (?:the )?(.+?) agent\b`)
	whyChanged    = regexp.MustCompile(`^why (?:was|has|did) (?:the )?(.+?) agent (?:been )?(?:changed?|modified|updated?|reconfigured)\b`)
	spaces        = regexp.MustCompile(`\s+`)
)

// Understand tells what a text asks of the read models. ok is false for what is not for them.
func Understand(text string, now time.Time) (q Question, ok bool) {
	q.Text = text
	text = strings.ToLower(spaces.ReplaceAllString(strings.TrimSpace(text), " "))
	text = strings.TrimRight(text, "?!. ")
	switch {
	case len(text) > 200:
		return q, false
	case patternsAsked.MatchString(text):
		q.Topic = WhatPatterns
	case improveAsked.MatchString(text):
		q.Topic = HowToImprove
	case learnedAsked.MatchString(text):
		q.Topic = WhatLearned
	case whyAsked.MatchString(text):
		q.Topic, q.Subject = WhyChanged, whyAsked.FindStringSubmatch(text)[1]
	case whyChanged.MatchString(text):
		q.Topic, q.Subject = WhyChanged, whyChanged.FindStringSubmatch(text)[1]
	default:
		return q, false
	}
	q.period(text, now)
	return q, true
}

// period takes what a text says of the time. Without a word of it, it is the last seven days.
func (q *Question) period(text string, now time.Time) {
	midnight := now.UTC().Truncate(24 * time.Hour)
	q.Since, q.Until, q.When = midnight.AddDate(0, 0, -6), midnight.AddDate(0, 0, 1), "in the last 7 days"
	q.Unsaid = !strings.Contains(text, "week")
	switch {
	case strings.Contains(text, "yesterday"):
		q.Since, q.Until, q.When = midnight.AddDate(0, 0, -1), midnight, "yesterday"
		q.Unsaid = false
	case strings.Contains(text, "today") && q.Topic != HowToImprove:
		q.Since, q.When, q.Unsaid = midnight, "today", false
	case strings.Contains(text, "month"):
		q.Since, q.When, q.Unsaid = midnight.AddDate(0, 0, -29), "in the last 30 days", false
	}
}
