package migrations

import (
	"os"
	"strings"
	"testing"
)

func TestSQLiteListsEveryFileInOrder(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	list := SQLite()
	if len(list) != len(entries) {
		t.Fatalf("got %d scripts, the folder has %d", len(list), len(entries))
	}
	for i, entry := range entries {
		script, err := os.ReadFile("sqlite/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if list[i] != string(script) {
			t.Errorf("script %d is not %s", i+1, entry.Name())
		}
	}
	if !strings.Contains(list[0], "CREATE TABLE events") {
		t.Error("the first script does not make the log")
	}
}
