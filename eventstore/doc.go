// Package eventstore is the port to the log, with its in-memory twin. Engines live in folders below it; storetest
// holds all of them to one contract.
package eventstore
