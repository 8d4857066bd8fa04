package agents

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// readable tells of a kind of content that is text.
func readable(media string) bool {
	kind, sub, _ := strings.Cut(media, "/")
	return kind == "text" || kind == "application" &&
		(slices.Contains([]string{"json", "xml", "javascript", "yaml", "toml", "x-ndjson", "sql"}, sub) || strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml"))
}

// readText reads a content: of a page what a person sees, of others all.
func readText(r io.Reader, media string, at *url.URL) (string, error) {
	if media == "text/html" || media == "application/xhtml+xml" {
		return pageText(r, at)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	if slices.Contains(data, 0) {
		return "", fmt.Errorf("%w, and this holds bytes that are none", errNotText)
	}
	return string(data), nil
}

// Of a page nobody sees what is in the hidden elements, and the breaking ones begin a line.
var (
	hidden   = []atom.Atom{atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Iframe}
	breaking = []atom.Atom{
		atom.P, atom.Br, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Section, atom.Article,
		atom.Header, atom.Footer, atom.Nav, atom.Pre, atom.Blockquote, atom.Dt, atom.Dd, atom.Hr, atom.Title,
	}
)

// pageText is what a person sees of the page at a URL, with the targets of its links.
func pageText(r io.Reader, at *url.URL) (string, error) {
	z := html.NewTokenizer(r)
	var page page
	var link string
	var in atom.Atom // the hidden element that it is in
	deep := 0
	for {
		kind := z.Next()
		token := z.Token()
		opens := kind == html.StartTagToken
		switch {
		case kind == html.ErrorToken && errors.Is(z.Err(), io.EOF):
			return strings.TrimSpace(page.String()), nil
		case kind == html.ErrorToken:
			return "", z.Err()
		case deep > 0:
			if token.DataAtom == in && opens {
				deep++
			} else if token.DataAtom == in && kind == html.EndTagToken {
				deep--
			}
		case opens && slices.Contains(hidden, token.DataAtom):
			in, deep = token.DataAtom, 1
		case kind == html.TextToken:
			page.say(token.Data)
		case token.DataAtom == atom.A && opens:
			link = target(token, at)
		case token.DataAtom == atom.A:
			if link != "" {
				page.say(" <" + link + ">")
			}
			link = ""
		case token.DataAtom == atom.Td || token.DataAtom == atom.Th:
			page.say(" ")
		case slices.Contains(breaking, token.DataAtom):
			page.line()
			if token.DataAtom == atom.Pre {
				page.pre = opens
			}
		}
	}
}

// target is where a link leads, empty for a place on the same page and for what is no address on the web.
func target(link html.Token, at *url.URL) string {
	for _, a := range link.Attr {
		if a.Key != "href" {
			continue
		}
		to, err := at.Parse(strings.TrimSpace(a.Val))
		if err != nil || to.Scheme != "http" && to.Scheme != "https" {
			return ""
		}
		if to.Fragment = ""; to.String() == at.String() {
			return ""
		}
		return to.String()
	}
	return ""
}

// page is a text in which white space is one space, or the end of a line.
type page struct {
	strings.Builder
	// space and broken tell what comes before the next word, pre that white space stays as it is.
	space, broken, pre bool
}

const space = " \t\r\n\f"

// say adds a text.
func (p *page) say(text string) {
	words := strings.Fields(text)
	if p.pre {
		words = []string{text}
	}
	p.space = p.space || strings.TrimLeft(text, space) != text
	for i, word := range words {
		switch {
		case p.Len() == 0:
		case p.broken:
			p.WriteByte('\n')
		case p.space || i > 0:
			p.WriteByte(' ')
		}
		p.WriteString(word)
		p.space, p.broken = false, false
	}
	p.space = p.space || strings.TrimRight(text, space) != text
}

// line begins another one.
func (p *page) line() { p.broken, p.space = true, false }
