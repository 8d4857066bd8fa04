// Package ingest turns histories from elsewhere into the commands that live runs are made of. It is pure but for
// reading its input: it dispatches nothing.
package ingest
