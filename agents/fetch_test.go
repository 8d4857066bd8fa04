package agents_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/virtuous6/virtuous6/agents"
)

const somePage = `<!doctype html><html><head><title>Tea &amp; cake</title><style>p{}</style><script>steal("<p>")</script></head>
<body><nav><a href="/">Home</a></nav><h1>Tea</h1><p>Hot   <b>black</b> tea,
with <a href="milk.html#top">milk</a>.</p><ul><li>one</li><li>two</li></ul><pre>a  b
  c</pre><svg><text>no</text></svg><a href="javascript:alert(1)">do</a><table><tr><td>x</td><td>y</td></tr></table></body></html>`

// site is a server on loopback, and a fetch that may go to 127.0.0.1 alone.
func site(t *testing.T, c agents.FetchConfig, h http.HandlerFunc) (call func(url string) (string, error), base string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	if c.Hosts == nil {
		c.Hosts = []string{strings.TrimPrefix(server.URL, "http://")}
	}
	if c.Networks == nil {
		c.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}
	tool := agents.Fetch(c)
	return func(url string) (string, error) {
		args, err := json.Marshal(map[string]string{"url": url})
		if err != nil {
			t.Fatal(err)
		}
		return tool.Call(t.Context(), agents.Call{Arguments: args})
	}, server.URL
}

func TestFetchGivesPagesAsText(t *testing.T) {
	t.Parallel()
	call, base := site(t, agents.FetchConfig{MaxBytes: 4 << 10}, func(w http.ResponseWriter, r *http.Request) {
		kind := func(s string) { w.Header().Set("Content-Type", s) }
		switch r.URL.Path {
		case "/page":
			kind("text/html; charset=utf-8")
			fmt.Fprint(w, somePage)
		case "/latin":
			kind("text/plain; charset=iso-8859-1")
			fmt.Fprint(w, "caf\xe9")
		case "/json":
			kind("application/problem+json")
			fmt.Fprint(w, `{"a":  1}`)
		case "/moved":
			http.Redirect(w, r, "/json", http.StatusFound)
		case "/image":
			kind("image/png")
			fmt.Fprint(w, "PNG")
		case "/bytes":
			kind("text/plain")
			fmt.Fprint(w, "a\x00b")
		case "/long":
			kind("text/plain")
			fmt.Fprint(w, strings.Repeat("a", 10<<10))
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/headers":
			fmt.Fprint(w, len(r.Cookies()), r.Header.Get("Authorization"), r.Header.Get("Referer"))
		default:
			http.Error(w, "no such page", http.StatusNotFound)
		}
	})
	for path, want := range map[string]string{
		"/page": "Tea & cake\nHome <BASE/>\nTea\nHot black tea, with milk <BASE/milk.html>.\none\ntwo\na  b\n  c\ndo\nx y", "/latin": "café", "/json": `{"a":  1}`,
		"/moved": "(from BASE/json)\n{\"a\":  1}", "/long": strings.Repeat("a", 4<<10), "/empty": "", "/headers": "0",
	} {
		got, err := call(base + path)
		if got = strings.ReplaceAll(got, base, "BASE"); err != nil || got != want {
			t.Errorf("%s gives %q, %v, want %q", path, got, err, want)
		}
	}
	for path, says := range map[string]string{"/nothing": "404 Not Found: no such page", "/image": "only text can be read", "/bytes": "only text can be read"} {
		if got, err := call(base + path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %q, %v, want an error with %q", path, got, err, says)
		}
	}
}

// Where a URL, a redirect or the answer of a name server leads to what is not public, nothing is asked there.
func TestFetchGoesNowhereElse(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	call, base := site(t, agents.FetchConfig{Hosts: []string{"*", "*:8443"}, Networks: []netip.Prefix{}}, func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host })
	for _, to := range []string{
		base, "http://127.0.0.1/", "http://localhost/", "http://0.0.0.0/", "http://10.1.2.3/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/",
		"http://100.64.0.1/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:10.0.0.1]/",
		"http://[fe80::1]/", "http://[fc00::1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[::]/", "http://[ff02::1]/", "http://127.0.0.1:8443/",
		"file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "http://anna:secret@example.com/", "http://example.com:22/", "http:///x", "http://bücher.example/", "::", "",
	} {
		if got, err := call(to); !errors.Is(err, agents.ErrFetch) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s gives %q, %v", to, got, err)
		}
	}
	if len(asked) > 0 {
		t.Errorf("asked %s", <-asked)
	}
}

func TestFetchHoldsRedirectsToTheSame(t *testing.T) {
	t.Parallel()
	var rounds atomic.Int64
	call, base := site(t, agents.FetchConfig{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/round" {
			rounds.Add(1)
		}
		to := map[string]string{"/private": "http://10.0.0.1/", "/file": "file:///etc/passwd", "/user": "http://a:b@" + r.Host + "/", "/elsewhere": "http://localhost/"}[r.URL.Path]
		http.Redirect(w, r, cmp.Or(to, r.URL.Path), http.StatusFound)
	})
	for path, says := range map[string]string{
		"/private": "10.0.0.1 is none of the hosts", "/file": "no http:// or https:// URL", "/user": "a user or a password", "/elsewhere": "localhost is none of the hosts",
		"/round": "redirected more than 5 times",
	} {
		if got, err := call(base + path); !errors.Is(err, agents.ErrFetch) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %q, %v, want %q", path, got, err, says)
		}
	}
	if n := rounds.Load(); n != 6 {
		t.Errorf("a page that leads to itself was asked for %d times", n)
	}
	call, _ = site(t, agents.FetchConfig{Hosts: []string{}}, nil)
	if _, err := call("http://example.com"); !errors.Is(err, agents.ErrFetch) || !strings.Contains(err.Error(), "it allows none") {
		t.Errorf("without a host: %v", err)
	}
}

func TestFetchKnowsItsHosts(t *testing.T) {
	t.Parallel()
	for entry, good := range map[string]bool{
		"example.com": true, "*.example.com": true, "*": true, "*:8080": true, "example.com:8443": true, "10.0.0.1": true, "[::1]:80": true, "::1": true, "xn--bcher-kva.example": true,
		"": false, "http://example.com": false, "example.com/path": false, "Example.com": false, "exa*mple.com": false, "*.*.com": false, "example.com:http": false, "a b": false, "*.": false,
	} {
		if agents.FetchHost(entry) != good {
			t.Errorf("%q: %v", entry, !good)
		}
	}
	for url, allowed := range map[string]bool{
		"http://docs.example.com": true, "http://DOCS.example.com.": true, "http://docs.example.com:81": false, "https://example.com:443": false, "http://a.wiki.org": true,
		"http://wiki.org": false, "http://evilwiki.org": false, "http://a.b.wiki.org:443": true, "http://local:8080": true, "http://local": false,
	} {
		tool := agents.Fetch(agents.FetchConfig{Hosts: []string{"docs.example.com", "*.wiki.org", "local:8080"}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // what is allowed goes no further than that
		_, err := tool.Call(ctx, agents.Call{Arguments: json.RawMessage(`{"url":"` + url + `"}`)})
		if errors.Is(err, agents.ErrFetch) == allowed {
			t.Errorf("%s: %v", url, err)
		}
	}
}
