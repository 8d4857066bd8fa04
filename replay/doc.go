// Package replay reads history again: it keeps the read models up with the log, rebuilds them, shows any past moment, and
// rehearses what today's analysts would have proposed. It appends nothing and calls nobody.
package replay
