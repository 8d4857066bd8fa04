// Package readmodel keeps rows that projections fold from the log, and reads them. It knows no noun.
//
// A Projection is a value: its name, its version, its tables, and a pure fold from decoded facts to their rows. A batch is
// folded in memory by all projections of a Set at once; each changed row is then written once, sorted, in the same
// transaction as the checkpoint. The rows live in an Engine: the memory twin here, or one of those in the folders below,
// all held to one contract by enginetest. They are disposable: they hold nothing that the log doesn't, and are rebuilt from
// it, beside the live ones, where another version made them.
//
// The kernel also keeps what every read model needs: streams that can't be folded are parked, snapshots lead back to any
// past position, leases say which process may fold, and a digest tells whether two read models hold the same.
package readmodel
