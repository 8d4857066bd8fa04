package commands

import "github.com/virtuous6/virtuous6/events"

// PersonStream is the stream of a person, by the id that stands for them.
func PersonStream(person string) string { return events.StreamName("person", "", person) }

// ErasePerson records that a person is to be forgotten.
type ErasePerson struct {
	Meta
	Person string
	By     string
}

func (c ErasePerson) Stream() string { return PersonStream(c.Person) }

func (ErasePerson) person() {}
