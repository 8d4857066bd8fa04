package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
)

// unexpected is how the parser begins to tell of a word that it can't place.
const unexpected = "unexpected argument "

// maxFar is how many letters a verb may differ from the word that somebody wrote for it, and maxVerbs how many are named then.
const (
	maxFar   = 2
	maxVerbs = 4
)

// misnamed tells which verbs may have been meant, where args have a word in the place of one that is none. Any other error stays as it is.
func misnamed(args []string, err error) error {
	var wrong *kong.ParseError
	if !errors.As(err, &wrong) || wrong.Context == nil {
		return err
	}
	word, found := strings.CutPrefix(err.Error(), unexpected)
	if !found {
		return err
	}
	word, _, _ = strings.Cut(word, ", did you mean")
	at := wrong.Context.Model.Node
	for _, p := range wrong.Context.Path {
		if p.Command != nil {
			at = p.Command
		}
	}
	if above := at.Parent; above != nil && above.DefaultCmd == at && !slices.Contains(args, at.Name) {
		at = above // it was taken for what the verb does without one of its own
	}
	verbs := slices.DeleteFunc(slices.Clone(at.Children), func(n *kong.Node) bool { return n.Type != kong.CommandNode || n.Hidden })
	if len(verbs) == 0 {
		return err
	}
	text := fmt.Sprintf("there is no verb `%s`", verbPath(at, word))
	switch near := meant(wrong.Context.Model.Node, at, verbs, word); {
	case len(near) > 0:
		text += ": did you mean `" + strings.Join(near, "`, `") + "`?"
	case at.Parent != nil:
		names := make([]string, len(verbs))
		for i, v := range verbs {
			names[i] = v.Name
		}
		text += ": there are " + strings.Join(names, ", ")
	}
	return errors.New(text) //nolint:err113 // a sentence for a person
}

// verbPath is a verb of a node as it is written, without the program's name.
func verbPath(n *kong.Node, verb string) string {
	if n.Parent == nil {
		return verb
	}
	return verbPath(n.Parent, n.Name) + " " + verb
}

// meant are the verbs that a word may stand for, those of a node that are written most like it, or begin with it, else those of any noun that are
// called just so.
func meant(root, at *kong.Node, verbs []*kong.Node, word string) (near []string) {
	type likely struct {
		verb string
		far  int
	}
	var all []likely
	for _, v := range verbs {
		far := levenshtein.ComputeDistance(word, v.Name)
		if strings.HasPrefix(v.Name, word) {
			far = min(far, 1)
		}
		// Half of a short word is another one.
		if far <= min(maxFar, len(word)/2) {
			all = append(all, likely{verbPath(at, v.Name), far})
		}
	}
	for _, leaf := range root.Leaves(true) {
		if leaf.Name == word && leaf.Parent != at && leaf.Parent != nil {
			all = append(all, likely{verbPath(leaf.Parent, word), maxFar})
		}
	}
	slices.SortStableFunc(all, func(a, b likely) int { return cmp.Compare(a.far, b.far) })
	for _, l := range all[:min(len(all), maxVerbs)] {
		if l.far == all[0].far {
			near = append(near, l.verb)
		}
	}
	return near
}
