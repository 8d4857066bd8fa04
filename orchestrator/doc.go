// Package orchestrator is the only part that moves: it carries out commands on their streams, runs the process managers and
// has their work done, and it drives at most once for each store.
//
//	commands -> Dispatcher -> log -> processes (managers) -> commands, work, timers
//	                                      work -> Watermill -> performer -> agents -> commands
//
// A command is decided on the folded state of its stream, in one queue a stream. What a manager wants is done again after a
// restart, under the same ids, so that nothing is done twice and nothing is lost.
package orchestrator
