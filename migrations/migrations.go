package migrations

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// SQLite lists the scripts for SQLite in the order of their numbers. The schema version of a file that has seen all of
// them is their count. Each script runs in one transaction.
func SQLite() []string { return scripts("sqlite") }

// Postgres is the folder of scripts for PostgreSQL, with goose's annotations, and how many there are: the schema version
// of a database that has seen all of them. Each script runs in one transaction.
func Postgres() (folder fs.FS, version int64) {
	version = int64(len(scripts("postgres")))
	folder, err := fs.Sub(files, "postgres")
	if err != nil {
		panic("migrations: " + err.Error())
	}
	return folder, version
}

// scripts panics where the numbers have a gap or a double: that is a mistake in the code, and must show at the start.
func scripts(dialect string) []string {
	entries, err := fs.ReadDir(files, dialect) // sorted by name
	if err != nil {
		panic("migrations: " + err.Error())
	}
	list := make([]string, 0, len(entries))
	for i, entry := range entries {
		if want := fmt.Sprintf("%04d_", i+1); len(entry.Name()) < len(want) || entry.Name()[:len(want)] != want {
			panic(fmt.Sprintf("migrations: %s/%s: expected a name that starts with %s", dialect, entry.Name(), want))
		}
		script, err := fs.ReadFile(files, dialect+"/"+entry.Name())
		if err != nil {
			panic("migrations: " + err.Error())
		}
		list = append(list, string(script))
	}
	return list
}
