// Package routing finds who fits a task, by the words that the task shares with what agents are there for and with their
// prompts, and by how they did on like tasks. It is pure: the same agents and the same task give the same answer.
package routing
