package slack

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown reads what models write: CommonMark with tables, strikes, task lists and bare links.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()

// Mrkdwn is a Markdown text in Slack's own markup. What the text says is all that is left of it: nobody is called, and no
// link hides where it goes.
func Mrkdwn(md string) string {
	source := []byte(md)
	w := &mrkdwn{source: source}
	w.blocks(markdown.Parse(text.NewReader(source)), "")
	return strings.TrimRight(w.out.String(), "\n")
}

type mrkdwn struct {
	source []byte
	out    strings.Builder
}

// blocks writes the blocks in a node, each line behind indent.
func (w *mrkdwn) blocks(parent ast.Node, indent string) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if n.PreviousSibling() != nil {
			if _, tight := n.(*ast.TextBlock); !tight && !inTightList(n) {
				w.out.WriteString("\n")
			}
		}
		w.block(n, indent)
	}
}

func inTightList(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if list, ok := p.(*ast.List); ok {
			return list.IsTight
		}
	}
	return false
}

func (w *mrkdwn) block(n ast.Node, indent string) {
	switch n := n.(type) {
	case *ast.Heading:
		w.line(indent, wrapped("*", strings.ReplaceAll(w.inline(n), "*", "")))
	case *ast.Paragraph, *ast.TextBlock:
		w.line(indent, w.inline(n))
	case *ast.ThematicBreak:
		w.line(indent, "———")
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		w.line(indent, "```\n"+inert(fenceless(w.raw(n)))+"```")
	case *ast.HTMLBlock:
		w.line(indent, inert(strings.TrimRight(w.raw(n), "\n")))
	case *ast.Blockquote:
		inner := &mrkdwn{source: w.source}
		inner.blocks(n, "")
		for _, line := range strings.Split(strings.TrimRight(inner.out.String(), "\n"), "\n") {
			w.line(indent, "> "+line)
		}
	case *ast.List:
		w.list(n, indent)
	case *extast.Table:
		w.line(indent, "```\n"+w.table(n)+"```")
	default:
		w.blocks(n, indent)
	}
}

func (w *mrkdwn) list(n *ast.List, indent string) {
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "• "
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d. ", number)
			number++
		}
		inner := &mrkdwn{source: w.source}
		inner.blocks(item, "")
		lines := strings.Split(strings.TrimRight(inner.out.String(), "\n"), "\n")
		for i, line := range lines {
			if i > 0 {
				mark = "    "
			}
			w.line(indent, mark+line)
		}
	}
}

func (w *mrkdwn) line(indent, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		w.out.WriteString(strings.TrimRight(indent+line, " ") + "\n")
	}
}

func (w *mrkdwn) raw(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		b.Write(segment.Value(w.source))
	}
	return b.String()
}

// fenceless keeps a text from ending the code block that it stands in.
func fenceless(text string) string { return strings.ReplaceAll(text, "```", "`\u2060`\u2060`") }

func (w *mrkdwn) inline(parent ast.Node) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			said := n.Segment.Value(w.source)
			if _, code := parent.(*ast.CodeSpan); !code && !n.IsRaw() {
				said = util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(said)))
			}
			b.WriteString(inert(string(said)))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteString("\n")
			}
		case *ast.String:
			b.WriteString(inert(string(n.Value)))
		case *ast.CodeSpan:
			b.WriteString(wrapped("`", strings.ReplaceAll(w.inline(n), "`", "ˋ")))
		case *ast.Emphasis:
			mark := "_"
			if n.Level == 2 {
				mark = "*"
			}
			b.WriteString(wrapped(mark, w.inline(n)))
		case *extast.Strikethrough:
			b.WriteString(wrapped("~", w.inline(n)))
		case *extast.TaskCheckBox:
			if n.IsChecked {
				b.WriteString("☑ ")
			} else {
				b.WriteString("☐ ")
			}
		case *ast.Link:
			b.WriteString(link(string(n.Destination), w.inline(n)))
		case *ast.Image:
			b.WriteString(link(string(n.Destination), w.inline(n)))
		case *ast.AutoLink:
			b.WriteString(link(string(n.URL(w.source)), inert(string(n.Label(w.source)))))
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				segment := n.Segments.At(i)
				b.WriteString(inert(string(segment.Value(w.source))))
			}
		default:
			b.WriteString(w.inline(n))
		}
	}
	return b.String()
}

// wrapped puts a mark around a text. Slack takes it for one only where it stands at the text itself.
func wrapped(mark, text string) string {
	inner := strings.TrimSpace(text)
	if inner == "" {
		return text
	}
	at := strings.Index(text, inner)
	return text[:at] + mark + inner + mark + text[at+len(inner):]
}

// link is a link to the web or to a mailbox. Anything else is told as text, and so is a label that Slack would take apart.
func link(target, label string) string {
	safe := strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "mailto:")
	if !safe || strings.ContainsAny(target, "<>| \n") {
		if label == "" || label == inert(target) {
			return inert(target)
		}
		return label + " (" + inert(target) + ")"
	}
	if label == "" || label == inert(target) {
		return "<" + strings.ReplaceAll(target, "&", "&amp;") + ">"
	}
	return "<" + strings.ReplaceAll(target, "&", "&amp;") + "|" + strings.NewReplacer("|", "¦", "\n", " ").Replace(label) + ">"
}

// table is a table as text whose columns stand below one another: Slack's markup has none.
func (w *mrkdwn) table(n *extast.Table) string {
	var rows [][]string
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, strings.ReplaceAll(fenceless(w.inline(cell)), "\n", " "))
		}
		rows = append(rows, cells)
	}
	widths := map[int]int{}
	width := func(cell string) int { return utf8.RuneCountInString(unescape.Replace(cell)) }
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-width(cell)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
