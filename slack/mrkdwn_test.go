package slack_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/slack"
)

func TestMrkdwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ md, want string }{
		"plain":          {"Six times seven is 42.", "Six times seven is 42."},
		"marks":          {"**bold**, *slanted*, ~~struck~~ and `code`", "*bold*, _slanted_, ~struck~ and `code`"},
		"heading":        {"# The **answer**\n\nIs 42.", "*The answer*\n\nIs 42."},
		"link":           {"See [the docs](https://example.com/?a=1&b=2).", "See <https://example.com/?a=1&amp;b=2|the docs>."},
		"bare link":      {"See https://example.com/x", "See <https://example.com/x>"},
		"dangerous link": {"[click](javascript:alert(1))", "click (javascript:alert(1))"},
		"label with a bar": {
			"[a|b](https://example.com)", "<https://example.com|a¦b>",
		},
		"list":            {"- one\n- two\n  - inner\n\n3. three\n4. four", "• one\n• two\n    • inner\n\n3. three\n4. four"},
		"tasks":           {"- [x] done\n- [ ] open", "• ☑ done\n• ☐ open"},
		"quote":           {"> said\n> so", "> said\n> so"},
		"code":            {"```go\nif a < b && c {\n}\n```", "```\nif a &lt; b &amp;&amp; c {\n}\n```"},
		"code in code":    {"````\n```\n````", "```\n`\u2060`\u2060`\n```"},
		"table":           {"|a|long one|\n|-|-|\n|1|2|", "```\na  long one\n1  2\n```"},
		"everyone":        {"<!channel> <!here|here> <@U1> <#C1>", "&lt;!channel&gt; &lt;!here|here&gt; &lt;@U1&gt; &lt;#C1&gt;"},
		"everyone, coded": {"`<!channel>`", "`&lt;!channel&gt;`"},
		"escapes":         {`\*not bold\* &lt;b&gt; &amp;amp; \<!channel> &#60;!here>`, "*not bold* &lt;b&gt; &amp;amp; &lt;!channel&gt; &lt;!here&gt;"},
		"html":            {"<b onclick=x>hi</b>", "&lt;b onclick=x&gt;hi&lt;/b&gt;"},
		"two breaks":      {"a\n\n\nb", "a\n\nb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := slack.Mrkdwn(c.md); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// calls are what would call people, or hide where a link goes.
var calls = []string{"<!", "<@", "<#", "<javascript:", "<data:"}

func TestMrkdwnIsInert(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{"<!channel>", "<@U1>", "<#C1|x>", "`", "```", "\n", "\n\n", "[", "](", ")", "](javascript:x)", "<", ">", "&lt;", "&", "|", "**", "_", "~~", "- ", "> ", "# ", "\u200b", "<!\u200bhere>", "<https://x|<!here>>", "word", " "})
	rapid.Check(t, func(t *rapid.T) {
		md := strings.Join(rapid.SliceOf(part).Draw(t, "parts"), "")
		got := slack.Mrkdwn(md)
		for _, call := range calls {
			if strings.Contains(got, call) {
				t.Fatalf("%q becomes %q, which Slack takes for a call", md, got)
			}
		}
	})
}

func TestALineOfTheDearestDays(t *testing.T) {
	t.Parallel()
	for want, values := range map[string][]int64{
		"▁▄█":  {0, 3, 6},
		"·█":   {-1, 5},
		"▁▄██": {0, math.MaxInt64 / 2, math.MaxInt64, math.MaxInt64}, // sums of money end there
	} {
		if got := slack.Line(values, slices.Max(values)); got != want {
			t.Errorf("%d: got %s, want %s", values, got, want)
		}
	}
}
