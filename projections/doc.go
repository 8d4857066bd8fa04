// Package projections folds facts into read models, and reads them: one noun a file, with its row, its table, its fold and
// its questions. How rows are kept is the work of package readmodel.
package projections
