package main

import (
	"fmt"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/veil"
	postgreskeys "github.com/virtuous6/virtuous6/veil/postgres"
	sqlitekeys "github.com/virtuous6/virtuous6/veil/sqlite"
)

// veiled is a log in which people's texts are encrypted, as all of the program sees it.
func (a *app) veiled(stored eventstore.Store, log address) (eventstore.Store, error) {
	at, err := a.keysAddress(log)
	if err != nil {
		return nil, err
	}
	if a.keys, err = openKeys(at); err != nil {
		return nil, err
	}
	who := veil.InSlack
	if a.config.Erasable == "all" {
		who = veil.Everyone
	}
	a.veil = veil.New(stored, veil.Config{Keys: a.keys, Who: who, Now: a.clock, Unknown: func(id string) {
		a.note("note: the key of a person (%s) is not in %s: what they said shows as %s. --keys names another place.", id, at, veil.Locked)
	}})
	return a.veil, nil
}

// keysAddress is where the keys are: in a file beside the log's own, or in its database. A log in EventStoreDB has them in the
// user's data folder.
func (a *app) keysAddress(log address) (address, error) {
	for _, url := range []string{a.flags.Keys, a.config.Keys} {
		if url != "" {
			return parseKeys("--keys", url)
		}
	}
	switch log.engine {
	case sqliteEngine:
		return address{sqliteEngine, log.url + ".keys"}, nil
	case postgresEngine:
		return log, nil
	case esdbEngine:
	}
	return dataFile("keys-" + log.fingerprint() + ".db")
}

func parseKeys(flag, url string) (address, error) {
	at, wrong := readKeysAddress(url)
	if wrong != "" {
		return at, usage("%s %s", flag, wrong)
	}
	return at, nil
}

func readKeysAddress(url string) (at address, wrong string) {
	at, wrong = readAddress(url)
	if wrong == "" && at.engine == esdbEngine {
		wrong = "can't be read: keys are in sqlite:PATH or postgres://..."
	}
	return at, wrong
}

func openKeys(at address) (veil.Keys, error) {
	switch at.engine {
	case sqliteEngine:
		return sqlitekeys.Open(at.url), nil
	case postgresEngine:
		keys, err := postgreskeys.Open(at.url)
		if err != nil {
			return nil, err
		}
		return keys, nil
	case esdbEngine:
	}
	return nil, fmt.Errorf("no keys can be in %s", at)
}
