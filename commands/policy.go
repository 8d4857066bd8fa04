package commands

import "github.com/virtuous6/virtuous6/events"

// PolicyStream is the stream of a workspace's policy.
func PolicyStream(workspace string) string {
	return events.StreamName("policy", workspace, "workspace")
}

// SetPolicy notes what people allow in a workspace from now on.
type SetPolicy struct {
	Meta
	Policy events.PolicySet
}

func (c SetPolicy) Stream() string { return PolicyStream(c.Workspace) }

func (SetPolicy) policy() {}
