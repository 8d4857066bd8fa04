package esdb

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// ErrURL tells that a connection string can't be used. What to write instead is in the message, the password never is.
var ErrURL = errors.New("not a usable EventStoreDB URL")

const form = "write esdb://[USER:PASSWORD@]HOST[:PORT][,HOST…][?tls=false] or esdb+discover://…, and characters like @ : / ? # of a password as %40 %3A %2F %3F %23"

// settings are those that a connection string may hold. The client's parser ignores others, so that a misspelt tls
// setting would go unseen.
var settings = []string{
	"defaultDeadline", "discoveryInterval", "gossipTimeout", "keepAliveInterval", "keepAliveTimeout", "lanes",
	"maxDiscoverAttempts", "nodePreference", "prefix", "tls", "tlsCaFile", "tlsVerifyCert", "userCertFile", "userKeyFile",
}

// own are the settings that are ours and not the client's.
type own struct {
	// prefix stands before every stream's name at the server, so that several logs can share one database.
	prefix string
	// lanes is how many appends may be under way at once.
	lanes int
}

const (
	usualLanes = 32
	maxLanes   = 1000
)

// parse reads a connection string by the client's own parser, and what is ours. User and password are cut out before, so
// that no error of the parser can hold them.
func parse(text string) (c *client.Configuration, o own, err error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || scheme != "esdb" && scheme != "esdb+discover" {
		return nil, o, fmt.Errorf("%w: it does not start with esdb:// or esdb+discover://: %s", ErrURL, form)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	user, password := "", ""
	authority, tail := rest[:end], rest[end:]
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		var err1, err2 error
		user, password, _ = strings.Cut(authority[:at], ":")
		user, err1 = url.PathUnescape(user)
		password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil || user == "" || password == "" {
			return nil, o, fmt.Errorf("%w: its user and password can't be read: %s", ErrURL, form)
		}
		authority = authority[at+1:]
	}
	if strings.Contains(tail, "@") { // a password that ended early; host and settings would be parts of it
		return nil, o, fmt.Errorf("%w: it has an @ behind its host: %s", ErrURL, form)
	}
	for host := range strings.SplitSeq(authority, ",") {
		// The client's parser keeps 16 bits of a larger one.
		_, port, _ := strings.Cut(host, ":")
		if n, err := strconv.Atoi(port); err == nil && (n < 1 || n > math.MaxUint16) {
			return nil, o, fmt.Errorf("%w: there is no port %d: %s", ErrURL, n, form)
		}
	}
	if o, err = checkSettings(tail); err != nil {
		return nil, o, err
	}
	c, err = client.ParseConnectionString(scheme + "://" + authority + withoutOwn(tail))
	if err != nil {
		return nil, o, fmt.Errorf("%w: %w: %s", ErrURL, err, form)
	}
	c.Username, c.Password, c.Logger = user, password, nil
	switch {
	case c.DisableTLS && user != "":
		return nil, o, fmt.Errorf("%w: user and password go over TLS only: leave out tls=false (tlsVerifyCert=false or tlsCaFile=FILE accept a certificate of your own), or leave out the user", ErrURL)
	case c.NodePreference != client.NodePreferenceLeader:
		return nil, o, fmt.Errorf("%w: nodePreference=%s would read what is older than the last append: leave it out", ErrURL, c.NodePreference)
	case c.KeepAliveInterval >= 0 && c.KeepAliveInterval < 10*time.Second:
		return nil, o, fmt.Errorf("%w: keepAliveInterval is less than 10000 (milliseconds): leave it out, or write -1 to switch it off", ErrURL)
	}
	if err := c.Validate(); err != nil {
		return nil, o, fmt.Errorf("%w: %w", ErrURL, err)
	}
	return c, o, nil
}

func checkSettings(tail string) (o own, err error) {
	o.lanes = usualLanes
	path, query, _ := strings.Cut(tail, "?")
	if strings.Contains(path, "#") || strings.Contains(query, "#") {
		return own{}, fmt.Errorf("%w: it holds a #: %s", ErrURL, form)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return own{}, fmt.Errorf("%w: its settings behind the ? can't be read: %s", ErrURL, form)
	}
	for key, list := range values {
		if !slices.ContainsFunc(settings, func(s string) bool { return strings.EqualFold(s, key) }) {
			return own{}, fmt.Errorf("%w: there is no setting %q: the settings are %s", ErrURL, key, strings.Join(settings, ", "))
		}
		switch key := strings.ToLower(key); {
		case key == "prefix":
			if o.prefix != "" || len(list) > 1 || !prefixed(list[0]) {
				return own{}, fmt.Errorf("%w: prefix=NAME/ keeps a log apart from what else the server holds: a name of up to %d bytes that does not begin with $, and a slash behind it, once", ErrURL, maxPrefix)
			}
			o.prefix = list[0]
		case key == "lanes":
			if o.lanes, err = strconv.Atoi(list[0]); err != nil || o.lanes < 1 || o.lanes > maxLanes {
				return own{}, fmt.Errorf("%w: lanes is how many appends go side by side, from 1 to %d: leave it out for %d", ErrURL, maxLanes, usualLanes)
			}
		case key == "keepaliveinterval" && len(list[0]) < 5 && list[0] != "-1":
			return own{}, fmt.Errorf("%w: keepAliveInterval is less than 10000 (milliseconds): leave it out, or write -1 to switch it off", ErrURL)
		}
	}
	return o, nil
}

// withoutOwn leaves the settings that the client's parser knows.
func withoutOwn(tail string) string {
	path, query, found := strings.Cut(tail, "?")
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		return strings.EqualFold(key, "prefix") || strings.EqualFold(key, "lanes")
	})
	if !found || len(pairs) == 0 {
		return path
	}
	return path + "?" + strings.Join(pairs, "&")
}

// maxPrefix is the length of the longest prefix in bytes.
const maxPrefix = 200

// prefixed tells whether a prefix may stand before streams' names: a slash ends it, so that none begins with another.
func prefixed(prefix string) bool {
	return len(prefix) > 1 && len(prefix) <= maxPrefix && prefix[0] != '$' && !strings.HasPrefix(prefix, markStream) && strings.HasSuffix(prefix, "/") &&
		utf8.ValidString(prefix) && strings.IndexByte(prefix, 0) < 0
}
