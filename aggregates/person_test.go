package aggregates_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestPerson(t *testing.T) {
	t.Parallel()
	erase := commands.ErasePerson{Person: "p", By: "user:anna"}
	erased := events.PersonErased{Person: "p", By: "user:anna"}
	scenarios{
		"erased":           {when: erase, then: []events.Event{erased}},
		"erased once":      {given: []events.Event{erased}, when: erase, err: aggregates.ErrEnded},
		"wished by nobody": {when: commands.ErasePerson{Person: "p"}, err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.ErasePerson{Person: name, By: "user:anna"} })
}

func personWish(t *rapid.T) commands.Command {
	return commands.ErasePerson{Person: "x", By: rapid.SampledFrom([]string{"", "user:anna"}).Draw(t, "by")}
}
