// Package audit tells whether a log is still what it was: it seals what came, names where it differs from its seals, and
// copies it to another store event by event.
package audit
