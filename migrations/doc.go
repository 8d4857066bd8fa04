// Package migrations holds the tables of every engine as embedded SQL, one folder a dialect. A file is named
// NNNN_noun.sql and counts from 0001 without gaps; once released it never changes: a change is the next file.
package migrations
