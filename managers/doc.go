// Package managers holds the process managers: pure folds, keyed by what they manage and over as many streams as that
// takes, which tell from their state what they want done. Who carries it out is the orchestrator's business.
//
// What a manager wants is a function of its state alone. Starting again, and taking over from a process that died, are
// therefore nothing special: the state is folded, and what it wants is done. What is no longer wanted is called off.
package managers
