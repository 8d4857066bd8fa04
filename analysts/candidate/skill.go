package candidate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

const (
	// bytesToken is about how many bytes of a text are a token.
	bytesToken = 4
	// sides is how many runs with and without a skill give a hint, and shrunk how many halve it.
	sides, shrunk = 10, 100
	// alike is how much of an agent's tasks another one has to have too for its skills to be worth a look, and used how many of its runs there loaded one.
	alike, used = .5, 10
)

// skills are the skills that an agent may do better without, and those of others that it may do better with.
func (v *View) skills(a *Agent) []candidate {
	var all []candidate
	have, decided := a.now().Config.Skills, a.tried(events.ChangeSkills)
	for _, ref := range have {
		if !slices.ContainsFunc(decided, func(t trial) bool { return t.about(ref) }) {
			all = append(all, v.without(a, ref))
		}
	}
	for i := range v.Agents {
		b := &v.Agents[i]
		if b.Name == a.Name {
			continue
		}
		for _, ref := range b.now().Config.Skills {
			// What somebody or a trial has taken away stays away.
			had := slices.ContainsFunc(a.Versions, func(row projections.AgentVersionRow) bool { return slices.Contains(row.Config.Skills, ref) })
			other := slices.IndexFunc(have, func(o events.SkillRef) bool { return o.Name == ref.Name })
			tried := slices.ContainsFunc(decided, func(t trial) bool { return t.about(ref) || other >= 0 && t.swaps(have[other], ref) })
			twice := slices.ContainsFunc(all, func(c candidate) bool { return c.claim.Subject[0] != without && c.claim.Subject[2] == ref.Digest })
			if had || tried || twice {
				continue
			}
			switch c, ok := v.with(a, b, ref); {
			case other < 0 && ok:
				all = append(all, c)
			case other >= 0 && b.gotFor(have[other], ref):
				all = append(all, v.instead(a, b, have[other], ref))
			}
		}
	}
	return ranked(all)
}

// The kinds of claims.
const (
	without = "without_skill"
	with    = "with_skill"
	instead = "instead_of_skill"
)

// about tells that a trial was whether to have a skill, in just that text, and nothing else.
func (t trial) about(ref events.SkillRef) bool {
	return slices.Equal(apart(t.was.Skills, t.Config.Skills), []events.SkillRef{ref})
}

// swaps tells that a trial was whether to have one text of a skill in place of another one.
func (t trial) swaps(old, ref events.SkillRef) bool {
	return slices.Equal(apart(t.was.Skills, t.Config.Skills), []events.SkillRef{old, ref})
}

// apart are the skills that only one of two lists has.
func apart(a, b []events.SkillRef) (only []events.SkillRef) {
	for _, s := range slices.Concat(a, b) {
		if slices.Contains(a, s) != slices.Contains(b, s) {
			only = append(only, s)
		}
	}
	return only
}

// gotFor tells that a trial gave an agent a text of a skill in place of another one.
func (a *Agent) gotFor(old, ref events.SkillRef) bool {
	return slices.ContainsFunc(a.tried(events.ChangeSkills), func(t trial) bool { return t.Status == projections.ExperimentPromoted && t.swaps(old, ref) })
}

// burden is how many tokens a skill takes in a mean run of an agent, and in how many runs it was loaded: it is told with each call, and its text stays from the call
// on that loads it.
func (v *View) burden(a *Agent, ref events.SkillRef) (tokens float64, loaded []*Run, others []*Run) {
	told, text := float64(len(ref.Name)+len(ref.Description)+len("- : \n"))/bytesToken, float64(v.Texts[ref].Bytes)/bytesToken
	for i := range a.Runs {
		r := &a.Runs[i]
		calls := float64(max(len(r.Answers), 1))
		tokens += told * calls
		if slices.Contains(r.Skills, ref.String()) {
			tokens += text * max(calls-1, 1)
			loaded = append(loaded, r)
		} else {
			others = append(others, r)
		}
	}
	return tokens / float64(len(a.Runs)), loaded, others
}

// hint is how success differs between runs that loaded a skill and those that did not, on like tasks, shrunk for few runs, and 0 for very few. Hard tasks may load it
// more often: it ranks what is tried, and proves nothing.
func hint(loaded, others []*Run) float64 {
	if min(len(loaded), len(others)) < sides {
		return 0
	}
	d, _ := compare(loaded, others)
	n := float64(min(len(loaded), len(others)))
	return d * n / (n + shrunk)
}

// task is what alike runs are of.
type task struct{ workflow, task string }

func (r *Run) task() task { return task{r.Workflow, r.Task} }

// compare is the difference of success between some runs and others, within like tasks.
func compare(some, others []*Run) (float64, stats.Interval) {
	tables := map[task]*stats.Table{}
	var order []task
	count := func(runs []*Run, n, good func(*stats.Table) *int64) {
		for _, r := range runs {
			t := tables[r.task()]
			if t == nil {
				t = &stats.Table{}
				tables[r.task()] = t
				order = append(order, r.task())
			}
			if *n(t)++; r.Good {
				*good(t)++
			}
		}
	}
	count(some, func(t *stats.Table) *int64 { return &t.With }, func(t *stats.Table) *int64 { return &t.WithSucceeded })
	count(others, func(t *stats.Table) *int64 { return &t.Without }, func(t *stats.Table) *int64 { return &t.WithoutSucceeded })
	slices.SortFunc(order, func(a, b task) int { return cmp.Or(cmp.Compare(a.workflow, b.workflow), cmp.Compare(a.task, b.task)) })
	var s stats.Strata
	for _, t := range order {
		s.Add(*tables[t])
	}
	return s.Difference(confidence)
}

func succeeded(runs []*Run) (n int) {
	for _, r := range runs {
		if r.Good {
			n++
		}
	}
	return n
}

// without is an agent without one of its skills.
func (v *View) without(a *Agent, ref events.SkillRef) candidate {
	tokens, loaded, others := v.burden(a, ref)
	now := a.now().Config
	config := events.AgentConfig{Skills: slices.DeleteFunc(slices.Clone(now.Skills), func(s events.SkillRef) bool { return s == ref })}
	share := a.tokenShare(tokens)
	n := len(a.Runs)
	c := candidate{
		change: events.Change{
			Kind: events.ChangeSkills, Agent: a.Name, Config: &config, Instruction: fmt.Sprintf("Try %s without its skill %s.", a.Name, ref),
		},
		claim:    events.Claim{Subject: []string{without, a.Name, ref.Digest, now.Model, ref.Name}},
		evidence: a.share("runs that loaded it", int64(len(loaded)), int64(n)),
		worth:    v.dollars(a, tokens*float64(n)),
		most:     1,
		value:    share - hint(loaded, others)*float64(len(loaded))/float64(n),
	}
	c.reason = fmt.Sprintf("%s carries the skill %s: about %.0f tokens a run (%.1f%% of what it reads), and %d of its %d runs since its version %d loaded it.", a.Name, ref, tokens, 100*share, len(loaded), n, a.now().Version)
	if len(loaded) > 0 && len(others) > 0 {
		c.reason += fmt.Sprintf(" Of these %d succeeded, of the others %d of %d, which hard tasks may explain.", succeeded(loaded), succeeded(others), len(others))
	}
	c.evidence.Counts = map[string]int64{
		"runs": int64(n), "loaded": int64(len(loaded)), "loaded_succeeded": int64(succeeded(loaded)), "others_succeeded": int64(succeeded(others)), "tokens_per_run": int64(tokens + .5),
	}
	return c
}

// tokenShare is how much of what an agent's runs read so many tokens a run are.
func (a *Agent) tokenShare(tokens float64) float64 {
	input := int64(0)
	for _, r := range a.Runs {
		input += r.Input
	}
	return min(1, tokens*float64(len(a.Runs))/float64(max(input, 1)))
}

// with is an agent with a skill that another one has at like tasks, and loads there.
func (v *View) with(a, b *Agent, ref events.SkillRef) (c candidate, ok bool) {
	ours, theirs := shared(a, b)
	n := len(a.Runs)
	if float64(len(ours)) < alike*float64(n) {
		return c, false
	}
	var loaded, others []*Run
	for _, r := range theirs {
		if slices.Contains(r.Skills, ref.String()) {
			loaded = append(loaded, r)
		} else {
			others = append(others, r)
		}
	}
	if len(loaded) < used {
		return c, false
	}
	now := a.now().Config
	config := events.AgentConfig{Skills: append(slices.Clone(now.Skills), ref)}
	part := float64(len(loaded)) / float64(len(loaded)+len(others))
	tokens := float64(len(ref.Name)+len(ref.Description))/bytesToken + part*float64(v.Texts[ref].Bytes)/bytesToken
	c = candidate{
		change: events.Change{
			Kind: events.ChangeSkills, Agent: a.Name, Config: &config, Instruction: fmt.Sprintf("Try %s with the skill %s, which %s has.", a.Name, ref, b.Name),
		},
		claim:    events.Claim{Subject: []string{with, a.Name, ref.Digest, now.Model, ref.Name}},
		evidence: a.share("runs that are of tasks which "+b.Name+" has too", int64(len(ours)), int64(n)),
		most:     1,
		value:    hint(loaded, others)*part - a.tokenShare(tokens),
		reason: fmt.Sprintf("%s has the skill %s, and loads it in %d of %d runs of tasks that %s has too (%d of %d of its runs). Of those that loaded it %d succeeded, of the others %d of %d, which hard tasks may explain.",
			b.Name, ref, len(loaded), len(loaded)+len(others), a.Name, len(ours), n, succeeded(loaded), succeeded(others), len(others)),
	}
	return c, true
}

// instead is an agent with another text of a skill that it has, which a trial gave another agent.
func (v *View) instead(a, b *Agent, old, ref events.SkillRef) candidate {
	now := a.now().Config
	config := events.AgentConfig{Skills: slices.Clone(now.Skills)}
	config.Skills[slices.Index(config.Skills, old)] = ref
	_, loaded, _ := v.burden(a, old)
	return candidate{
		change: events.Change{
			Kind: events.ChangeSkills, Agent: a.Name, Config: &config, Instruction: fmt.Sprintf("Try %s with %s in place of %s.", a.Name, ref, old),
		},
		claim:    events.Claim{Subject: []string{instead, a.Name, ref.Digest, now.Model, ref.Name}},
		evidence: a.share("runs that loaded the text that it has", int64(len(loaded)), int64(len(a.Runs))),
		most:     1,
		value:    1, // a trial has shown that it may be better
		reason:   fmt.Sprintf("A trial gave %s the text %s in place of %s, which %s still has.", b.Name, ref, old, a.Name),
	}
}

// decided tells what trials said of the skills that agents have, or are without since.
func (v *View) decided() (findings []evidence.Finding) {
	for i := range v.Agents {
		a := &v.Agents[i]
		have := a.now().Config.Skills
		var told []events.SkillRef
		for _, t := range a.tried(events.ChangeSkills) {
			for _, ref := range apart(t.was.Skills, t.Config.Skills) {
				if !t.about(ref) || slices.Contains(told, ref) || t.Proof == nil || len(t.Proof.Arms) < 2 {
					continue
				}
				told = append(told, ref)
				if f, ok := a.verdict(t, ref, slices.Contains(have, ref)); ok {
					findings = append(findings, f)
				}
			}
		}
	}
	return findings
}

// verdict tells what a trial said of a skill.
func (a *Agent) verdict(t trial, ref events.SkillRef, has bool) (f evidence.Finding, ok bool) {
	p, promoted, off := t.Proof, t.Status == projections.ExperimentPromoted, !slices.Contains(t.Config.Skills, ref)
	control, tried := p.Arms[0], p.Arms[1]
	counts := func(arm events.ArmCount) string { return fmt.Sprintf("%d of %d", arm.Succeeded, arm.Runs-arm.Unrated) }
	kind, verb := Kept, "keeps"
	switch {
	case has != (promoted != off): // somebody has decided otherwise since
		return f, false
	case !has && promoted:
		kind, verb = Taken, "is without"
	case !has:
		return f, false // what it never had is no news
	}
	one, other := "with it", "without it"
	if off {
		one, other = other, one
	}
	sure := ""
	if t.Status == projections.ExperimentExpired {
		sure = ", which is not sure"
	}
	n := max(control.Runs+tried.Runs, 1)
	return evidence.Finding{
		Kind: kind, Subject: []string{"skill", a.Name, ref.String()}, Severity: events.SeverityLow,
		Text: fmt.Sprintf("%s %s the skill %s by experiment %s: %s runs succeed %s, and %s %s%s.", a.Name, verb, ref, t.Experiment, counts(tried), one, counts(control), other, sure),
		Evidence: events.Evidence{
			From: max(p.From, 1), To: max(p.To, 1), Statistic: "difference of the success rates in an experiment, at any number of looks", Confidence: max(p.Confidence, confidence), N: n,
			Value: p.Difference, Low: p.Low, High: p.High,
		},
	}, true
}
