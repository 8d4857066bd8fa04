package aggregates

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// datasetState are the runs of a dataset with what they are held to.
type datasetState struct{ runs map[string][]events.Check }

func dataset() Decider[datasetState, commands.Dataset, events.Dataset] {
	return Decider[datasetState, commands.Dataset, events.Dataset]{
		Initial: func() datasetState { return datasetState{} },
		Decide:  decideDataset,
		Evolve: func(s datasetState, e events.Dataset) datasetState {
			switch e := e.(type) {
			case events.DatasetRunAdded:
				runs := maps.Clone(s.runs)
				if runs == nil {
					runs = map[string][]events.Check{}
				}
				runs[e.Run], s.runs = e.Checks, runs
			}
			return s
		},
	}
}

func decideDataset(c commands.Dataset, s datasetState) ([]events.Dataset, error) {
	switch c := c.(type) {
	case commands.AddToDataset:
		for what, name := range map[string]string{"dataset": c.Dataset, "run": c.Run} {
			if err := checkName(what, name); err != nil {
				return nil, err
			}
		}
		if len(c.Checks) == 0 {
			return nil, fmt.Errorf("%w: an answer that is held to nothing always passes: give a check", ErrInvalid)
		}
		for _, check := range c.Checks {
			if err := checkCheck(check); err != nil {
				return nil, err
			}
		}
		if slices.Equal(s.runs[c.Run], c.Checks) {
			return nil, nil // it is in it so already
		}
		return []events.Dataset{events.DatasetRunAdded{Dataset: c.Dataset, Run: c.Run, Checks: c.Checks, By: c.By, Of: c.Of}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// checkCheck refuses a check that nothing could be held to.
func checkCheck(c events.Check) error {
	var err error
	switch c.Kind {
	case events.ExactCheck, events.ContainsCheck, events.ToolsCheck, events.JudgeCheck:
	case events.RegexpCheck:
		_, err = regexp.Compile(c.Text)
	case events.SchemaCheck:
		if !json.Valid([]byte(c.Text)) {
			err = fmt.Errorf("%q is no JSON", c.Text)
		}
	case events.CostCheck, events.SecondsCheck:
		bound, wrong := strconv.ParseFloat(c.Text, 64)
		if err = wrong; err == nil && !(finite(bound) && bound >= 0) {
			err = fmt.Errorf("%q is no bound", c.Text)
		}
	default:
		err = fmt.Errorf("there are %q", events.CheckKinds())
	}
	if err != nil {
		return fmt.Errorf("%w: the check %q: %w", ErrInvalid, c.Kind, err)
	}
	return nil
}
