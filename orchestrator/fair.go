package orchestrator

import (
	"slices"
	"strings"
)

// fair is a queue in which those who share something are served in turn. A share is a path, its parts divided by NUL: first
// the workspaces take turns, and within each of them its people, and within those their goals. So none is kept waiting by how
// many others its neighbour has.
type fair[T comparable] struct {
	here  []T
	below map[string]*fair[T]
	turns []string
	n     int
}

// sharePath ends with a part that no share has: what waits for a person stands beside that person's goals.
func sharePath(share string) []string { return append(strings.Split(share, "\x00"), "\x00") }

func (q *fair[T]) len() int { return q.n }

func (q *fair[T]) add(share string, what T) { q.put(sharePath(share), what) }

func (q *fair[T]) put(path []string, what T) {
	q.n++
	if len(path) == 0 {
		q.here = append(q.here, what)
		return
	}
	of := q.below[path[0]]
	if of == nil {
		of = &fair[T]{}
		if q.below == nil {
			q.below = map[string]*fair[T]{}
		}
		q.below[path[0]] = of
		q.turns = append(q.turns, path[0])
	}
	of.put(path[1:], what)
}

// next takes out whose turn it is. It must not be empty.
func (q *fair[T]) next() T {
	q.n--
	if len(q.here) > 0 {
		what := q.here[0]
		q.here = q.here[1:]
		return what
	}
	name := q.turns[0]
	q.turns = q.turns[1:]
	of := q.below[name]
	what := of.next()
	if of.n > 0 {
		q.turns = append(q.turns, name)
	} else {
		delete(q.below, name)
	}
	return what
}

// remove takes something out whose turn has not come, and tells whether it was there.
func (q *fair[T]) remove(share string, what T) bool { return q.cut(sharePath(share), what) }

func (q *fair[T]) cut(path []string, what T) bool {
	if len(path) == 0 {
		at := slices.Index(q.here, what)
		if at < 0 {
			return false
		}
		q.here = slices.Delete(q.here, at, at+1)
		q.n--
		return true
	}
	of := q.below[path[0]]
	if of == nil || !of.cut(path[1:], what) {
		return false
	}
	q.n--
	if of.n == 0 {
		delete(q.below, path[0])
		q.turns = slices.DeleteFunc(q.turns, func(name string) bool { return name == path[0] })
	}
	return true
}
