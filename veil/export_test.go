package veil

// Words tells of a kind of facts whose texts are the words of who did it.
func Words(kind string) bool {
	_, said := words[kind]
	return said
}
