// Package evals asks recorded runs again, of a changed agent, and holds the answers to checks. Tools are never called: what
// they gave back then is given back again, and a call that nobody made then is told.
package evals
