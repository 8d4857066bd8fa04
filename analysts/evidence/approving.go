package evidence

import "github.com/virtuous6/virtuous6/events"

// Approving is what approving a change of a kind does, to whoever decides. Where the policy tries the kind first, that holds for a part of the
// runs until it is kept.
func Approving(kind events.ChangeKind) string {
	const version = "; it is a new version of the agent, for the runs that begin from then on but those that are held back"
	switch kind {
	case events.ChangeModel:
		return "the agent asks the other model, for all that it does" + version
	case events.ChangeTemperature:
		return "the agent's model is asked with that temperature" + version
	case events.ChangePrompt:
		return "the agent is told the other instructions" + version
	case events.ChangeTools:
		return "the agent has those tools and no others" + version
	case events.ChangeTokenLimit:
		return "an answer of the agent has at most so many tokens" + version
	case events.ChangeSkills:
		return "the agent can load those skills and no others" + version
	case events.ChangeEffort:
		return "the agent's model thinks as much as that" + version
	case events.ChangeFormat:
		return "the agent's answers are held to that JSON Schema" + version
	case events.ChangeFixes:
		return "the agent is told what to do where a tool gives that error, but for those that are held out to count what it prevents" + version
	case events.ChangeExamples:
		return "the agent is shown the questions and answers of those runs before what it is asked" + version
	case events.ChangeLessons:
		return "the agent is told what people asked for, in their words" + version
	case events.ChangeRetire:
		return "the agent takes no more runs"
	case events.ChangeMerge:
		return "where it says whom, the agent passes its tasks on, where nobody is named; else it is noted as decided, and who asks whom is yours to change"
	case events.ChangeSplit:
		return "where it says what the new agent is made of, that is made and gets its tasks, where nobody is named; else it is noted as decided, and the new agent is yours to make"
	case events.ChangeWorkflow:
		return "it is noted as decided, and nothing else: the work is yours to change where it is defined"
	case events.ChangeRunbook:
		return "where it names a saved runbook, that goes on in the version it says, for the goals that are planned by it from then on but those that are held back; else it is noted as decided, and nothing else: the runbook is yours to save (`virtuous6 save-workflow`), and counts as automated once it has run"
	case events.ChangeFallbacks:
		return "the agent asks those models where its own does not answer, in the runs that begin from then on but those that are held back"
	case events.ChangeRouting:
		return "the agent passes those tasks on to another one, where nobody is named, in the runs that begin from then on but those that are held back"
	case events.ChangeSpawn:
		return "a new agent is made, and gets those tasks where nobody is named, in the runs that begin from then on but those that are held back"
	}
	return ""
}
