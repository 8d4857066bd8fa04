package managers

import "time"

// Config is what the managers go by. The zero value works.
type Config struct {
	// MaxTurns bounds how often a run may go to its model. Default 16.
	MaxTurns int
	// StallAfter is how long a turn or a tool may be under way without a new fact. Default 30 minutes, negative for ever.
	StallAfter time.Duration
	// RestAfter is how long nobody has asked or changed an agent before it is laid to rest. Default 24 h, negative for never.
	RestAfter time.Duration
	// Holder is this process, as reservations name it.
	Holder string
	// Does tells whether this process does work of a kind that not every process can, such as posting into Slack. Default none.
	Does func(Work) bool
	// Reviewers is how many people are to judge a run that is put before them. Default 2.
	Reviewers int
	// Digest is when of a day it is posted what the day before came to. Default 07:00 UTC.
	Digest Morning
}

// All is every manager, one line each. It panics where two have one name.
func All(c Config) []Member {
	if c.MaxTurns <= 0 {
		c.MaxTurns = 16
	}
	if c.StallAfter == 0 {
		c.StallAfter = 30 * time.Minute
	}
	if c.RestAfter == 0 {
		c.RestAfter = 24 * time.Hour
	}
	if c.Does == nil {
		c.Does = func(Work) bool { return false }
	}
	members := []Member{
		member(approval()),
		member(experiment()),
		member(improving()),
		member(forecasts()),
		member(funding()),
		member(goal()),
		member(keeping()),
		member(resting(c)),
		member(run(c)),
		member(stall(c)),
		member(spending(c)),
		member(trigger()),
		member(improvement()),
		member(role()),
		member(rollback()),
	}
	if c.Does(SlackAnswer{}) {
		members = append(members, member(slack()))
	}
	if c.Does(SlackProposal{}) {
		members = append(members, member(slackProposal()))
	}
	if c.Does(SlackApproval{}) {
		members = append(members, member(slackApproval()))
	}
	if c.Does(SlackGoal{}) {
		members = append(members, member(slackGoal()))
	}
	if c.Does(SlackDigest{}) {
		members = append(members, member(slackDigest(c.Digest)), member(slackMilestone()))
	}
	if c.Does(SlackExperiment{}) {
		members = append(members, member(slackExperiment()))
	}
	if c.Does(SlackBudget{}) {
		members = append(members, member(slackBudget()))
	}
	if c.Does(SlackWait{}) {
		members = append(members, member(slackWait()))
	}
	if c.Does(SlackReview{}) {
		members = append(members, member(reviews(c.Reviewers)), member(slackReview()))
	}
	if c.Does(SlackAlert{}) {
		members = append(members, member(slackWatch()), member(slackMark()))
	}
	return distinct(members...)
}

func distinct(members ...Member) []Member {
	names := map[string]bool{}
	for _, m := range members {
		if names[m.Name] {
			panic("managers: declared twice: " + m.Name)
		}
		names[m.Name] = true
	}
	return members
}
