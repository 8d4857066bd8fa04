package apitest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The measures of a picture, in pixels and in characters of its text.
const (
	pictureWidth = 720
	pictureInner = pictureWidth - 32
	lineHeight   = 20
)

// Picture draws blocks, which are JSON, about as Slack shows them.
func Picture(blocks string) (svg string, err error) {
	var list []map[string]any
	if err := json.Unmarshal([]byte(blocks), &list); err != nil {
		return "", err
	}
	p := &picture{y: 16}
	for _, b := range list {
		p.block(b)
		p.y += 8
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" font-size="15" fill="#1d1c1d">`+
		`<rect width="100%%" height="100%%" rx="8" fill="#fff" stroke="#ddd"/>%s</svg>`+"\n", pictureWidth, p.y+8, p.b.String()), nil
}

type picture struct {
	b strings.Builder
	y int
}

// style is how a text is drawn.
type style struct {
	size  int
	color string
	mono  bool
	bold  bool
}

var plainStyle = style{size: 15, color: "#1d1c1d"}

func (p *picture) block(b map[string]any) {
	switch str(b, "type") {
	case "header":
		p.text(16, pictureInner, str(object(b["text"]), "text"), style{size: 18, color: "#1d1c1d", bold: true})
	case "divider":
		fmt.Fprintf(&p.b, `<line x1="16" y1="%d" x2="%d" y2="%[1]d" stroke="#ddd"/>`, p.y, pictureWidth-16)
	case "section":
		if b["text"] != nil {
			p.mrkdwn(16, pictureInner, str(object(b["text"]), "text"), plainStyle)
		}
		p.fields(objects(b["fields"]))
		if a := object(b["accessory"]); a != nil {
			p.y += 4
			p.button(16, str(object(a["text"]), "text"), str(a, "style"))
			p.y += 36
		}
	case "markdown":
		p.mrkdwn(16, pictureInner, strings.ReplaceAll(str(b, "text"), "**", "*"), plainStyle)
	case "context":
		for _, e := range objects(b["elements"]) {
			p.mrkdwn(16, pictureInner, str(e, "text"), style{size: 12, color: "#616061"})
		}
	case "actions":
		x := 16
		for _, e := range objects(b["elements"]) {
			x = p.button(x, str(object(e["text"]), "text"), str(e, "style"))
		}
		p.y += 36
	case "context_actions":
		p.text(16, pictureInner, "👍   👎", plainStyle)
	case "plan":
		p.text(16, pictureInner, "▾ "+str(b, "title"), style{size: 15, color: "#1d1c1d", bold: true})
		for _, t := range objects(b["tasks"]) {
			mark := map[string]string{"complete": "✅", "in_progress": "⏳", "error": "❌", "pending": "⚪"}[str(t, "status")]
			p.text(32, pictureInner-16, mark+" "+str(t, "title"), plainStyle)
			for _, e := range objects(object(t["details"])["elements"]) {
				for _, text := range objects(e["elements"]) {
					p.text(56, pictureInner-40, str(text, "text"), style{size: 12, color: "#616061"})
				}
			}
		}
	case "input":
		p.text(16, pictureInner, str(object(b["label"]), "text"), style{size: 15, color: "#1d1c1d", bold: true})
		element := object(b["element"])
		for _, o := range objects(element["options"]) {
			p.text(16, pictureInner, map[string]string{"checkboxes": "☐ "}[str(element, "type")]+str(object(o["text"]), "text"), plainStyle)
		}
		if placeholder := str(object(element["placeholder"]), "text"); placeholder != "" || str(element, "type") == "plain_text_input" {
			fmt.Fprintf(&p.b, `<rect x="16" y="%d" width="%d" height="56" rx="4" fill="#fff" stroke="#888"/>`, p.y, pictureInner)
			p.y += 8
			p.text(28, pictureInner-24, cmp.Or(placeholder, " "), style{size: 15, color: "#888"})
			p.y += 28
		}
	}
}

func (p *picture) fields(fields []map[string]any) {
	top, lowest := p.y, p.y
	for i, f := range fields {
		if i%2 == 0 {
			top = lowest
		}
		p.y = top
		p.mrkdwn(16+i%2*pictureInner/2, pictureInner/2-16, str(f, "text"), plainStyle)
		lowest = max(lowest, p.y+6)
	}
	p.y = lowest
}

func (p *picture) button(x int, text, kind string) int {
	width := 24 + 8*utf8.RuneCountInString(text)
	fill, color := "#fff", "#1d1c1d"
	switch kind {
	case "primary":
		fill, color = "#007a5a", "#fff"
	case "danger":
		color = "#e01e5a"
	}
	fmt.Fprintf(&p.b, `<rect x="%d" y="%d" width="%d" height="30" rx="6" fill="%s" stroke="#bbb"/><text x="%d" y="%d" fill="%s" text-anchor="middle" font-weight="bold" font-size="13">%s</text>`,
		x, p.y, width, fill, x+width/2, p.y+20, color, html.EscapeString(text))
	return x + width + 8
}

var (
	dated = regexp.MustCompile(`<!date\^([0-9]+)\^[^|]*\|[^>]*>`)
	named = regexp.MustCompile(`<([@#][A-Z0-9]+)>`)
	code  = regexp.MustCompile("(?s)```.*?```")
	// inline are the marks of a text that are drawn.
	inline = regexp.MustCompile("\\*[^*\n]+\\*|`[^`\n]+`|\\b_[^_\n]+_\\b")
)

var drawn = strings.NewReplacer(
	":white_check_mark:", "✅", ":x:", "❌", ":no_entry_sign:", "🚫", ":hourglass:", "⌛", ":hourglass_flowing_sand:", "⏳", ":stopwatch:", "⏱", ":raised_hand:", "✋",
	":chart_with_upwards_trend:", "📈", ":leftwards_arrow_with_hook:", "↩", ":heavy_minus_sign:", "➖", ":dart:", "🎯", ":question:", "❓", ":tada:", "🎉",
	":double_vertical_bar:", "⏸", ":arrow_forward:", "▶", ":arrow_down:", "⬇", ":warning:", "⚠", ":test_tube:", "🧪",
	":large_green_circle:", "🟢", ":large_yellow_circle:", "🟡", ":red_circle:", "🔴", ":white_circle:", "⚪",
)

// readable is a moment as Slack shows it to somebody in UTC.
func readable(date string) string {
	at, err := strconv.ParseInt(dated.FindStringSubmatch(date)[1], 10, 64)
	if err != nil {
		return date
	}
	return time.Unix(at, 0).UTC().Format("Jan 2, 2006 at 3:04 PM")
}

// mrkdwn draws a text with its marks, code in a box of its own.
func (p *picture) mrkdwn(x, width int, text string, s style) {
	text = named.ReplaceAllString(dated.ReplaceAllStringFunc(drawn.Replace(text), readable), "$1")
	last := 0
	for _, at := range append(code.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		p.text(x, width, strings.Trim(text[last:at[0]], "\n"), s)
		if fenced := strings.Trim(text[at[0]:at[1]], "`\n"); fenced != "" {
			lines := strings.Split(fenced, "\n")
			fmt.Fprintf(&p.b, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="#f8f8f8" stroke="#ddd"/>`, x, p.y, width, len(lines)*lineHeight+8)
			p.y += 4
			for _, line := range lines {
				p.line(x+8, line, style{size: 13, color: "#1d1c1d", mono: true})
			}
			p.y += 4
		}
		last = at[1]
	}
}

// text draws a text, its lines broken where they are too long.
func (p *picture) text(x, width int, text string, s style) {
	if text == "" {
		return
	}
	most := width * 2 / s.size
	for line := range strings.SplitSeq(text, "\n") {
		for utf8.RuneCountInString(line) > most {
			runes := []rune(line)
			cut := strings.LastIndexByte(string(runes[:most]), ' ')
			if cut <= 0 {
				cut = len(string(runes[:most]))
			}
			first, rest := line[:cut], strings.TrimPrefix(line[cut:], " ")
			for _, at := range inline.FindAllStringIndex(line, -1) {
				if at[0] < cut && cut < at[1] { // what is marked goes on in the next line
					mark := line[at[0] : at[0]+1]
					first, rest = first+mark, mark+rest
				}
			}
			p.line(x, first, s)
			line = rest
		}
		p.line(x, line, s)
	}
}

func (p *picture) line(x int, line string, s style) {
	p.y += lineHeight
	font := ""
	if s.mono {
		font = ` font-family="Menlo, Consolas, monospace" xml:space="preserve"`
	}
	if s.bold {
		font += ` font-weight="bold"`
	}
	if quoted, ok := strings.CutPrefix(line, ">"); ok {
		fmt.Fprintf(&p.b, `<rect x="%d" y="%d" width="4" height="%d" fill="#ddd"/>`, x, p.y-16, lineHeight)
		x, line = x+14, strings.TrimSpace(quoted)
	}
	fmt.Fprintf(&p.b, `<text x="%d" y="%d" font-size="%d" fill="%s"%s>`, x, p.y-4, s.size, s.color, font)
	last := 0
	marks := inline.FindAllStringIndex(line, -1)
	if s.mono {
		marks = nil
	}
	for _, at := range marks {
		p.b.WriteString(escaped(line[last:at[0]]))
		inner, how := line[at[0]+1:at[1]-1], `font-weight="bold"`
		switch line[at[0]] {
		case '`':
			how = `font-family="Menlo, Consolas, monospace" fill="#e01e5a"`
		case '_':
			how = `font-style="italic"`
		}
		fmt.Fprintf(&p.b, `<tspan %s>%s</tspan>`, how, escaped(inner))
		last = at[1]
	}
	p.b.WriteString(escaped(line[last:]) + "</text>")
}

// escaped is a text of Slack's, which has escapes of its own, in a picture.
func escaped(text string) string { return html.EscapeString(html.UnescapeString(text)) }
