// Package commands holds the wishes, in the imperative. A wish may be refused; what comes of it is a fact.
package commands
