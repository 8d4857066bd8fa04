package ingest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestElements(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want string
	}{
		"array":             {"[1, {\"a\":[]},\n\"x,]\" ]", `1:1 1:{"a":[]} 2:"x,]"`},
		"empty array":       {"\n [ ] \n", ``},
		"lines":             {"{}\n{\"a\":\"}\\\"\"}\n\n{\n}", `1:{} 2:{"a":"}\""} 4:{} `},
		"one line":          {"{}{}", `1:{} 1:{}`},
		"nothing":           {"  \n", ``},
		"junk":              {"{}\nhello\n{}", `1:{} 2:hello 3:{}`},
		"cut in a text":     {"{\"a\":\"x\n{\"b\":1}\n", `!1 2:{"b":1}`},
		"cut in a list":     {"{\"a\":[1,2\n{\"b\":1}\n", `!1 2:{"b":1}`},
		"cut at the end":    {"{}\n{\"a\":", `1:{} !2`},
		"cut indented":      {"{\n \"a\": {\n", `!1`},
		"closes too much":   {"{}}\n{}\n", `1:{} !1 2:{}`},
		"array cut":         {"[{},\n{\"a\"", `1:{} !2`},
		"array not closed":  {"[{}\n", `1:{} !2`},
		"array too closed":  {"[{}}", `1:{} fatal`},
		"array with more":   {"[{}]\n {}", `1:{} fatal`},
		"array, cut string": {"[\"a\n\",{}]", `fatal`},
		"long one":          {"{\"a\":\"" + strings.Repeat("x", 2000) + "\"}\n{}", `!1 2:{}`},
		"long in array":     {"[{\"a\":\"" + strings.Repeat("x", 2000) + "\"},\n{}]", `!1 2:{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(c.data), iotest.OneByteReader(strings.NewReader(c.data))} {
				in, err := newInput(r, "f")
				if err != nil {
					t.Fatal(err)
				}
				e := newElements(in, 1000)
				var got []string
				for {
					data, line, err := e.next()
					var p *Problem
					if errors.Is(err, io.EOF) {
						break
					} else if errors.As(err, &p) {
						got = append(got, fmt.Sprintf("!%d", p.Line))
						continue
					} else if err != nil {
						got = append(got, "fatal")
						break
					}
					got = append(got, fmt.Sprintf("%d:%s", line, strings.Join(strings.Fields(string(data)), "")))
				}
				if s := strings.Join(got, " "); s != strings.TrimSpace(c.want) {
					t.Errorf("got %s, want %s", s, c.want)
				}
			}
		})
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for file, format := range samples {
		data := sample(t, file)
		for _, prefix := range []string{data, "\xef\xbb\xbf\n" + data, data[:min(len(data), 400)]} {
			if got, err := Detect([]byte(prefix)); got != format || err != nil {
				t.Errorf("%s is %q (%v)", file, got, err)
			}
		}
	}
	for _, data := range []string{"", "hello", "<a></a>", `{"a":1}`, `[]`, `[1]`, "\x00;\x00", `{"a":{"run":1}}`} {
		if got, err := Detect([]byte(data)); !errors.Is(err, ErrUnknownFormat) || !strings.Contains(fmt.Sprint(err), "runs, chat, langfuse, langsmith, otlp, atif, xes, csv") {
			t.Errorf("%q is %q (%v)", data, got, err)
		}
	}
	_, _, fatal := parseAll(t, "hello", "f", importing(""))
	if !errors.Is(fatal, ErrUnknownFormat) {
		t.Error(fatal)
	}
	if _, _, fatal = parseAll(t, "hello", "f", importing("yaml")); !errors.Is(fatal, ErrUnknownFormat) || !strings.Contains(fatal.Error(), `"yaml"; name one of runs, `) {
		t.Error(fatal)
	}
}
