package esdb

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url, advice string // advice is empty where the URL is taken
	}{
		{"esdb://localhost", ""},
		{"esdb://localhost:2113?tls=false", ""},
		{"esdb://anna:secret@localhost:2113", ""},
		{"esdb://anna:sec%40ret@a:1,b:2,c?keepAliveInterval=20000&gossipTimeout=3", ""},
		{"esdb+discover://anna:secret@cluster.example.org?nodePreference=leader", ""},
		{"esdb://localhost?prefix=north/", ""},
		{"esdb://localhost?tls=false&Prefix=a%26b/", ""},
		{"esdb://localhost?lanes=1000", ""},
		{"esdb://localhost?lanes=0", "from 1 to 1000"},
		{"esdb://localhost?lanes=many", "from 1 to 1000"},
		{"esdb://localhost?prefix=north", "slash behind it"},
		{"esdb://localhost?prefix=/", "slash behind it"},
		{"esdb://localhost?prefix=$north/", "slash behind it"},
		{"esdb://localhost?prefix=virtuous6-mark/", "slash behind it"},
		{"esdb://localhost?prefix=a/&Prefix=b/", "once"},
		{"esdb://localhost?prefix=", "slash behind it"},
		{"", "esdb://"},
		{"postgres://anna:secret@localhost", "esdb://"},
		{"esdb://", "host"},
		{"esdb://anna:secret@localhost?tls=false", "over TLS only"},
		{"esdb://anna@localhost", "user and password"},
		{"esdb://:secret@localhost", "user and password"},
		{"esdb://anna:%zzsecret@localhost", "user and password"},
		{"esdb://anna:sec/ret@localhost", "behind its host"},
		{"esdb://anna:sec?ret@localhost", "behind its host"},
		{"esdb://anna:sec#ret@localhost", "behind its host"},
		{"esdb://anna:a@sec/ret@localhost", "behind its host"},
		{"esdb://anna:a@sec?ret@localhost", "behind its host"},
		{"esdb://anna:a@sec?tlsCaFile=ret@localhost", "behind its host"},
		{"esdb://localhost:port", "port"},
		{"esdb://localhost:65535", ""},
		{"esdb://a:2113,b:65536", "no port 65536"},
		{"esdb://localhost:0", "no port 0"},
		{"esdb://localhost/path", "path"},
		{"esdb://localhost?tsl=false", "no setting"},
		{"esdb://localhost?tls=perhaps", "tls"},
		{"esdb://localhost?nodePreference=follower", "nodePreference"},
		{"esdb://localhost?keepAliveInterval=5000", "keepAliveInterval"},
		{"esdb://localhost?userCertFile=a.pem", "userKeyFile"},
		{"esdb://localhost?tlsCaFile=there-is-none.pem", "there-is-none.pem"},
	} {
		_, _, err := parse(c.url)
		switch {
		case c.advice == "" && err != nil:
			t.Errorf("%s: %v", c.url, err)
		case c.advice != "" && (!errors.Is(err, ErrURL) || !strings.Contains(err.Error(), c.advice)):
			t.Errorf("%s: got %v, want ErrURL with %q", c.url, err, c.advice)
		case err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ret@")):
			t.Errorf("%s: the error holds the password: %v", c.url, err)
		}
	}
	if _, o, err := parse("esdb://localhost?tls=false&Prefix=a%26b/"); err != nil || o.prefix != "a&b/" || o.lanes != usualLanes {
		t.Errorf("got %+v, %v", o, err)
	}
	c, _, err := parse("esdb://an%3Ana:s%40:e@localhost?defaultDeadline=1500")
	if err != nil || c.Username != "an:na" || c.Password != "s@:e" || (Config{}).filled(c.DefaultDeadline).Timeout != 1500*time.Millisecond {
		t.Errorf("got %+v, %v", c, err)
	}
}

func FuzzURL(f *testing.F) {
	f.Add("esdb://anna:", "@localhost:2113?tls=true")
	f.Add("esdb+discover://a:", "@b,c?gossipTimeout=x")
	f.Add("esdb://", "/@?#")
	f.Fuzz(func(t *testing.T, before, behind string) {
		const secret = "s3cr3tpassw0rd"
		if _, _, err := parse(before + secret + behind); err != nil {
			if !errors.Is(err, ErrURL) {
				t.Errorf("%v is no ErrURL", err)
			}
			// Where there is no @, or a second host's port, nothing tells that it was meant as a password.
			if strings.HasPrefix(before, "esdb://anna:") && strings.HasPrefix(behind, "@") && strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the password: %v", err)
			}
		}
	})
}
