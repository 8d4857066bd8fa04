package events

// Erased is what is read of a text whose person was erased.
const Erased = "[erased]"

// PersonErased tells that the key of a person was destroyed: what they said can't be read any more.
type PersonErased struct {
	// Person is the id that stood for them. Nobody can tell any more who that was.
	Person string `json:"person"`
	By     string `json:"by"`
}

func (PersonErased) Kind() string { return "person.erased" }

func (PersonErased) person() {}
