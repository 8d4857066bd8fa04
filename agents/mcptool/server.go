// Package mcptool reaches the tools of MCP servers, over stdio and over streamable HTTP. It tells what servers say of their
// tools, and calls those whose definition is the one that was accepted. It returns values and dispatches nothing.
package mcptool

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Server is an MCP server as the configuration names it: a command, or a URL.
type Server struct {
	// Name is what it is called. The names of its tools begin with it.
	Name string
	// Command starts it, and is spoken to on its standard input and output. Of this process's environment it has what programs
	// need to run (PATH, HOME, …), and the variables that Env names: keys that are not its own stay away from it.
	Command []string
	Env     []string
	// URL is where it is reached by streamable HTTP. Token goes with each request, as a bearer's.
	URL   string
	Token string
	// Only are the tools that are looked at, by the server's own names. Default all.
	Only []string
	// Timeout bounds a call of a tool, and the way to the server. Default 30 s.
	Timeout time.Duration
}

// separator stands between the name of a server and that of its tool.
const separator = "__"

var serverName = regexp.MustCompile(`^[a-zA-Z0-9]+([_-]?[a-zA-Z0-9]+)*$`)

// Check tells what is wrong with how a server is configured.
func (s Server) Check() error {
	switch {
	case len(s.Name) > 24 || !serverName.MatchString(s.Name):
		return errors.New("a server's name is up to 24 letters and digits, with single _ and - between them")
	case (len(s.Command) == 0) == (s.URL == ""):
		return errors.New("give either a command or a url")
	case s.Timeout < 0:
		return errors.New("timeout should be a duration, such as 30s")
	}
	if s.URL == "" {
		return nil
	}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url should begin with http:// or https://")
	case u.User != nil:
		return errors.New("a url holds no password: token_env names the environment variable with the token")
	}
	return nil
}

func (s Server) timeout() time.Duration {
	if s.Timeout == 0 {
		return 30 * time.Second
	}
	return s.Timeout
}

// harmless are the variables that any program may see.
var harmless = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TERM", "TMPDIR", "TZ", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}

func (s Server) environment() ([]string, error) {
	var out []string
	for _, name := range slices.Concat(harmless, s.Env) {
		value, set := os.LookupEnv(name)
		switch {
		case set:
			out = append(out, name+"="+value)
		case slices.Contains(s.Env, name):
			return nil, fmt.Errorf("the environment variable %s, which it is to be given, is not set", name)
		}
	}
	return out, nil
}

// ServerOf is the part of a tool's name that names its server, empty where none does.
func ServerOf(tool string) string {
	server, _, found := strings.Cut(tool, separator)
	if !found {
		return ""
	}
	return server
}
