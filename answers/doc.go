// Package answers holds what several doors say from the read models alone, as values. A door only renders them. Nothing in
// it asks a model, and the same read models give the same answer.
package answers
