package aggregates_test

import (
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
)

// A decider says what a command becomes, or why it can't be. It has no clock and reaches nothing.
func ExampleAll() {
	policy := aggregates.Policy{Models: []string{"gpt-6-luna"}}
	for _, a := range aggregates.All(aggregates.Everywhere(policy)) {
		if a.Category != "agent" {
			continue
		}
		clerk := a.New()
		facts, err := clerk.Decide(commands.SpawnAgent{Agent: "clerk"})
		fmt.Println(facts[0].Kind(), err)
		if err := clerk.Evolve(facts[0]); err != nil {
			panic(err)
		}
		_, err = clerk.Decide(commands.SpawnAgent{Agent: "clerk"})
		fmt.Println(errors.Is(err, aggregates.ErrExists))
	}
	// Output:
	// agent.spawned <nil>
	// true
}
