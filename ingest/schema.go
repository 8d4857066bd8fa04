package ingest

import _ "embed" // for the schema

// RunsSchema is the JSON Schema (2020-12) of a line of the runs format. What a schema can't say, the parser checks
// beyond it: times in order, dependencies on earlier steps only, amounts that are whole nano-dollars.
//
//go:embed runs.schema.json
var RunsSchema []byte
