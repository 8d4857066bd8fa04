package cost

import (
	"fmt"
	"math"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// LostCache is the kind of the finding that less is read from a provider's cache than was.
const LostCache = "lost_cache"

const (
	// cacheDays is how many days there must be on both sides of a loss, and leastLost how much of the input must be lost.
	cacheDays, leastLost = 4, .2
	// cacheAlpha is in how many histories a loss is told where the days only vary.
	cacheAlpha = .01
)

// lostCaches tell which agents read less from the cache of a model's provider since a day than before.
func (v *View) lostCaches() []evidence.Finding {
	var groups [][]Input
	for i, in := range v.Inputs {
		if i == 0 || v.Inputs[i-1].Agent != in.Agent || v.Inputs[i-1].Model != in.Model {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], in)
	}
	var findings []evidence.Finding
	for _, days := range groups {
		at, p := lostAt(days)
		tests := float64(len(groups) * max(1, len(days)-2*cacheDays+1))
		if at == 0 || p*tests > cacheAlpha {
			continue
		}
		before, since := cachedShare(days[:at]), cachedShare(days[at:])
		if before-since < leastLost {
			continue
		}
		tokens := int64(0)
		for _, d := range days[at:] {
			tokens = events.Add(tokens, d.Tokens)
		}
		first, last := dayOf(days[at].Day), dayOf(days[len(days)-1].Day)
		lost := (before - since) * float64(tokens) * 30 / (last.Sub(first).Hours()/24 + 1)
		who := days[0].Agent
		if who == "" {
			who = "Who is not named"
		}
		findings = append(findings, evidence.Finding{
			Kind: LostCache, Subject: []string{"cache", days[0].Agent, days[0].Model}, Of: len(groups), Strength: events.Moderate,
			Text: fmt.Sprintf("%s reads %.0f%% of what it sends %s from the provider's cache since %s, before that %.0f%%: about %.0f more tokens in 30 days are paid in full. `virtuous6 runs RUN` tells of each call why a prefix was lost.",
				who, 100*since, days[0].Model, days[at].Day, 100*before, lost),
			Evidence: events.Evidence{
				From: 1, To: max(v.Position, 1), Statistic: "change of the daily share of input that is read from a cache, Welch's t at the best day", Confidence: 1 - cacheAlpha, N: int64(len(days)),
				Value: stats.Round(since - before), Low: stats.Round(since - before), High: stats.Round(since - before), Counts: map[string]int64{"days_before": int64(at), "days_since": int64(len(days) - at)},
			},
		})
	}
	return findings
}

func cachedShare(days []Input) float64 {
	var tokens, cached int64
	for _, d := range days {
		tokens, cached = events.Add(tokens, d.Tokens), events.Add(cached, d.Cached)
	}
	return float64(cached) / float64(max(tokens, 1))
}

// lostAt is the day from which on least is read from the cache beside before, and the p-value of that; 0 where there are too few days.
func lostAt(days []Input) (at int, p float64) {
	p = 1
	for cut := cacheDays; cut <= len(days)-cacheDays; cut++ {
		m, a := moments(days[:cut])
		n, b := moments(days[cut:])
		if m <= n {
			continue
		}
		// Days that hardly vary are no proof by that alone: a hundredth is as steady as a day can be.
		err := math.Hypot(math.Sqrt(max(a, 1e-4)/float64(cut)), math.Sqrt(max(b, 1e-4)/float64(len(days)-cut)))
		if q := stats.StudentP((m-n)/err, min(cut, len(days)-cut)-1); q < p {
			at, p = cut, q
		}
	}
	return at, p
}

// moments are the mean and the variance of the days' shares.
func moments(days []Input) (mean, variance float64) {
	for _, d := range days {
		mean += float64(d.Cached) / float64(max(d.Tokens, 1)) / float64(len(days))
	}
	for _, d := range days {
		x := float64(d.Cached)/float64(max(d.Tokens, 1)) - mean
		variance += float64(x*x) / float64(len(days)-1)
	}
	return mean, variance
}
