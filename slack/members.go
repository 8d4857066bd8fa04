package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/slack-go/slack"
)

// members knows who is in the groups that may decide.
type members struct {
	door *Door
	// turn is held by who asks Slack, or looks at what is known.
	turn chan struct{}
	of   map[string][]string
	at   time.Time
}

func newMembers(d *Door) *members { return &members{door: d, turn: make(chan struct{}, 1)} }

// The bounds of what is asked of a group: how long its members are taken as known, and how long somebody who decides waits for them.
const (
	membersFor    = 5 * time.Minute
	membersWithin = time.Second
)

// unknownGroup tells that Slack does not say who is in a group.
type unknownGroup struct {
	group string
	err   error
}

func (u unknownGroup) Error() string {
	return fmt.Sprintf("members of the group %s: %v", u.group, u.err)
}

func (u unknownGroup) Unwrap() error { return u.err }

// says tells who wants to decide.
func (u unknownGroup) says() string {
	var refused api.SlackErrorResponse
	if !errors.As(u.err, &refused) {
		return fmt.Sprintf("I can't tell whether you may decide: Slack does not say at the moment who is in the group %s. Please try again in a while.", u.group)
	}
	return fmt.Sprintf("I can't tell whether you may decide: Slack does not let me see who is in the group %s (%s). Whoever runs me finds out why by `virtuous6 slack check`.", u.group, refused.Err)
}

// may tells whether a person is in a list of people and groups. It returns an unknownGroup where Slack does not say.
func (m *members) may(ctx context.Context, user string, list []string) (bool, error) {
	if slices.Contains(list, user) {
		return true, nil
	}
	var unknown error
	for _, group := range list {
		if !strings.HasPrefix(group, "S") {
			continue
		}
		people, err := m.in(ctx, group)
		if slices.Contains(people, user) {
			return true, nil
		}
		if err != nil && unknown == nil {
			unknown = err
		}
	}
	return false, unknown
}

// surely tells whether a person may, as far as that is known: what is only shown to who may is not shown otherwise.
func (m *members) surely(ctx context.Context, user string, list []string) bool {
	may, err := m.may(ctx, user, list)
	if err != nil && ctx.Err() == nil {
		m.door.without("usergroups.users.list", "Slack does not say who is in a group that may decide: its members are taken for nobody", err.Error())
	}
	return may
}

func (m *members) in(ctx context.Context, group string) ([]string, error) {
	ctx, stop := context.WithTimeout(ctx, membersWithin)
	defer stop()
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, unknownGroup{group, ctx.Err()}
	}
	if m.door.Now().Sub(m.at) > membersFor {
		m.of, m.at = map[string][]string{}, m.door.Now()
	}
	if people, known := m.of[group]; known {
		return people, nil
	}
	people, err := m.door.API.GetUserGroupMembersContext(ctx, group)
	if err != nil {
		return nil, unknownGroup{group, err}
	}
	m.of[group] = people
	return people, nil
}
