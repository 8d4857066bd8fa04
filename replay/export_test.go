package replay

// Batches is how the log reaches the folds.
var Batches = batches
