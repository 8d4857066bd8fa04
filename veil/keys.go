package veil

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

// Person is somebody whose texts are veiled.
type Person struct {
	// ID stands for the person in the log. It tells nothing of who that is.
	ID string `json:"id"`
	// Name is what facts call the person, such as "slack:T024:U081". It is forgotten with the key.
	Name string `json:"name,omitempty"`
	// Key is what the texts are encrypted with, nil once it was destroyed.
	Key []byte `json:"-"`
	// Since is when the key was made, Erased when it was destroyed.
	Since  time.Time `json:"since"`
	Erased time.Time `json:"erased,omitzero"`
}

// ErrNoPerson tells that nobody has the name, or the id.
var ErrNoPerson = errors.New("no texts of such a person are kept")

// Keys is where the keys of people are kept: beside the log, never in it. All methods may be called concurrently.
type Keys interface {
	// Of is the person of a name. It keeps the given one where nobody has the name: of several processes that do so at once
	// all get the same.
	Of(ctx context.Context, fresh Person) (Person, error)
	// Person finds somebody by id, also one who was erased. It returns ErrNoPerson where none has it.
	Person(ctx context.Context, id string) (Person, error)
	// Named finds somebody by name. It returns ErrNoPerson where none has it.
	Named(ctx context.Context, name string) (Person, error)
	// All are all people, by when their keys were made.
	All(ctx context.Context) ([]Person, error)
	// Erase destroys the key and the name, for good: nothing of them is left in the place where they were. What was erased
	// stays so.
	Erase(ctx context.Context, id string, at time.Time) error
	// Close frees what is held.
	Close() error
}

// keySize is that of AES-256.
const keySize = 32

// newPerson makes a person with a key of their own.
func newPerson(name string, now time.Time) Person {
	secret := make([]byte, keySize+16)
	_, _ = rand.Read(secret) // it never fails: the program ends where the system has no randomness
	return Person{ID: hex.EncodeToString(secret[keySize:]), Name: name, Key: secret[:keySize:keySize], Since: now.UTC().Truncate(time.Second)}
}
