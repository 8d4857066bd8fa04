package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
)

func TestCSVSepsis(t *testing.T) {
	t.Parallel()
	path := dataFile(t, "process-logs/sepsis.csv")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	// The file is sorted by case, and by time within each one.
	want := map[string][]string{}
	for _, row := range rows[1:] {
		want[row[0]] = append(want[row[0]], row[1]+" by "+row[len(row)-1]+" at "+row[2])
	}
	records := mustParse(t, string(data), path, Options{})
	got, steps := map[string][]string{}, 0
	for _, record := range records {
		for _, c := range record.Run {
			if s, ok := c.(commands.StartStep); ok {
				steps++
				got[record.Name] = append(got[record.Name], s.Name+" by "+s.Agent+" at "+s.At.Format("2006/01/02 15:04:05.000"))
			}
		}
	}
	if len(records) != 1050 || steps != 15214 || len(want) != 1050 {
		t.Fatalf("%d cases, %d steps", len(records), steps)
	}
	for id := range want {
		if strings.Join(got[id], "\n") != strings.Join(want[id], "\n") {
			t.Fatalf("case %s: %v, want %v", id, got[id], want[id])
		}
	}
}

func TestCSVAzureCalls(t *testing.T) {
	t.Parallel()
	path := dataFile(t, "cost/AzureLLMInferenceTrace_code.csv")
	s, err := Open(path, Options{InputTokens: "ContextTokens", OutputTokens: "GeneratedTokens", Workflow: "azure-code"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // only read
	calls, names := 0, map[string]bool{}
	var input, output int64
	for r, err := range s.Records() {
		if err != nil {
			t.Fatal(err)
		}
		if err := checkRecord(r); err != nil || len(r.Run) != 4 || r.Run[1].(commands.StartStep).Type != "chat" {
			t.Fatal(r.Name, err)
		}
		done := r.Run[2].(commands.FinishStep)
		calls, input, output = calls+1, input+done.InputTokens, output+done.OutputTokens
		names[r.Run[0].Stream()] = true
	}
	if calls != 8819 || len(names) != 8819 || input != 18_059_974 || output != 245_896 {
		t.Errorf("%d calls, %d runs, %d and %d tokens", calls, len(names), input, output)
	}
}

func TestCSVSample(t *testing.T) {
	t.Parallel()
	const want = `10:00:00 start log/1 workflow=log task="" requester="" prompt="" labels=map[] undated=false
10:00:00 step 0 "register" activity agent="A" tool="" model="" in=-1 on=[] labels=map[] undated=false
10:00:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
10:01:00.5 step 1 "check" activity agent="B" tool="" model="" in=-1 on=[] labels=map[] undated=false
10:01:00.5 done 1 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
10:05:00 step 2 "check" activity agent="B" tool="" model="" in=-1 on=[] labels=map[] undated=false
10:05:00 done 2 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
10:05:00 end unrated "" cost=0 undated=false
agent A
agent B
09:00:00 start log/2 workflow=log task="" requester="" prompt="" labels=map[] undated=false
09:00:00 step 0 "register" activity agent="A" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:00:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:00:00 end unrated "" cost=0 undated=false
agent A
`
	var got strings.Builder
	for _, r := range mustParse(t, sample(t, "log.csv"), "log.csv", importing("")) {
		got.WriteString(tell(r))
	}
	if got.String() != want {
		t.Errorf("got\n%s", got.String())
	}
}

func TestCSVColumns(t *testing.T) {
	t.Parallel()
	const data = "ticket|did|from|to|who|in|out|usd|llm|verdict|lifecycle:transition\n" +
		"7|ask|02.01.2026 10:00|02.01.2026 10:02|bot|10|5|0.1234567894|gpt||\n" +
		"7|pay|13.01.2026 10:00||||||||schedule\n" +
		"7|work|13.01.2026 11:00|||||||Success|START\n" +
		"7|work|13.01.2026 12:00||||||||complete\n"
	o := Options{
		Format: "csv", Case: "ticket", Activity: "did", Time: "from", EndTime: "to", Resource: "who", InputTokens: "in", OutputTokens: "out",
		Cost: "usd", Model: "llm", Outcome: "verdict", Workflow: "desk",
	}
	const want = `10:00:00 start desk/7 workflow=desk task="" requester="" prompt="" labels=map[] undated=false
10:00:00 step 0 "ask" chat agent="bot" tool="" model="gpt" in=-1 on=[] labels=map[] undated=false
10:02:00 done 0 succeeded "" model="" tokens=10/5/0 cost=0.123456789 undated=false
10:00:00 step 1 "pay" activity agent="" tool="" model="" in=-1 on=[] labels=map[lifecycle:schedule] undated=false
10:00:00 done 1 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
11:00:00 step 2 "work" activity agent="" tool="" model="" in=-1 on=[] labels=map[] undated=false
12:00:00 done 2 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
12:00:00 end succeeded "" cost=0 undated=false
agent bot
`
	if got := tell(mustParse(t, data, "f.csv", o)[0]); got != want {
		t.Errorf("got\n%s", got)
	}
}

// Disco and pm4py write the start and the end of an activity into one row, or event.
func TestStartAndEndInOneRow(t *testing.T) {
	t.Parallel()
	const want = `09:00:00 step 0 "A" activity agent="" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:05:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:06:00 step 1 "B" activity agent="" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:06:00 done 1 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
`
	for name, data := range map[string]string{
		"disco.csv": "Case ID,Activity,Start Timestamp,Complete Timestamp\n1,A,2026/03/01 09:00:00.000,2026/03/01 09:05:00.000\n1,B,2026/03/01 09:06:00.000,2026/03/01 09:06:00.000\n",
		// pandas writes NaT where an event has no start.
		"pm4py.csv": "case:concept:name,concept:name,start_timestamp,time:timestamp\n1,A,2026-03-01 09:00:00+00:00,2026-03-01 09:05:00+00:00\n1,B,NaT,2026-03-01 09:06:00+00:00\n",
		"plain.csv": "case,activity,start_time,end_time\n1,A,2026-03-01 09:00,2026-03-01 09:05\n1,B,2026-03-01 09:06,2026-03-01 09:06\n",
		"pm4py.xes": `<log><trace><string key="concept:name" value="1"/><event><string key="concept:name" value="A"/><date key="start_timestamp" value="2026-03-01T09:00:00Z"/>` +
			`<date key="time:timestamp" value="2026-03-01T09:05:00Z"/></event><event><string key="concept:name" value="B"/><date key="time:timestamp" value="2026-03-01T09:06:00Z"/></event></trace></log>`,
	} {
		records := mustParse(t, data, name, importing(""))
		if got := tell(records[0]); len(records) != 1 || !strings.Contains(got, want) {
			t.Errorf("%s: %d records,\n%s", name, len(records), got)
		}
	}
	// A table that pairs its rows by their transitions has one time a row.
	const paired = "case,activity,start_time,complete_time,lifecycle\n1,A,2026-03-01 08:00,2026-03-01 09:00,start\n1,A,2026-03-01 08:00,2026-03-01 09:05,complete\n"
	if got := tell(mustParse(t, paired, "paired.csv", importing(""))[0]); !strings.Contains(got, "09:00:00 step 0") || !strings.Contains(got, "09:05:00 done 0") {
		t.Error(got)
	}
}

func TestCSVTimes(t *testing.T) {
	t.Parallel()
	for times, want := range map[string]string{
		"2026-03-01T09:00:00Z":        "2026-03-01T09:00:00Z",
		"2026-03-01T09:00:00+02:00":   "2026-03-01T07:00:00Z",
		"2026-03-01 09:00:00":         "2026-03-01T09:00:00Z",
		"2026-03-01 09:00:00.1234567": "2026-03-01T09:00:00.1234567Z",
		"2026/03/01 09:00:00.250":     "2026-03-01T09:00:00.25Z",
		"01.03.2026 09:00":            "2026-03-01T09:00:00Z",
		"13-03-2026 09:00:00":         "2026-03-13T09:00:00Z",
		"03/13/2026 09:00:00":         "2026-03-13T09:00:00Z",
		"13/03/2026 09:00:00":         "2026-03-13T09:00:00Z",
		"3/13/2026 9:05:00 PM":        "2026-03-13T21:05:00Z",
		"02/02/2026 09:00:00":         "2026-02-02T09:00:00Z",
		"2026-03-01":                  "2026-03-01T00:00:00Z",
		"1772355600":                  "2026-03-01T09:00:00Z",
		"1772355600.5":                "2026-03-01T09:00:00.5Z",
		"1772355600500":               "2026-03-01T09:00:00.5Z",
		"01/02/2026 09:00:00":         "may mean",
		"01-02-2026 09:00:00":         "may mean",
		"9 o'clock":                   "is written in no time layout that is known",
		"0026-03-01 09:00:00":         "is written in no time layout that is known",
	} {
		records, _, fatal := parseAll(t, "case,activity,time\n1,a,"+times+"\n", "f.csv", Options{Format: "csv"})
		switch {
		case len(records) == 1:
			if got := stamp(records[0].Run[0].About().At); got != want {
				t.Errorf("%s is %s, want %s", times, got, want)
			}
		case fatal == nil || !strings.Contains(fatal.Error(), want) || !strings.Contains(fatal.Error(), "--time-layout"):
			t.Errorf("%s: %v, want %s", times, fatal, want)
		}
	}
	// One unambiguous time settles the others, and one that is mistyped does not hide them.
	var b strings.Builder
	b.WriteString("case,activity,time\n")
	for i := range 100 {
		fmt.Fprintf(&b, "c%d,a,01/02/2026 10:00:%02d\n", i, i%60)
	}
	records, problems, fatal := parseAll(t, b.String()+"x,a,13/02/2026 10:00:00\ny,a,yesterday\n", "f.csv", Options{Format: "csv"})
	if len(records) != 101 || len(problems) != 1 || fatal != nil || !strings.HasPrefix(problems[0].Error(), `f.csv:103: record y: time: "yesterday" is not a time like the others`) {
		t.Errorf("%d records, %v, %v", len(records), problems, fatal)
	}
	if got := stamp(records[0].Run[0].About().At); got != "2026-02-01T10:00:00Z" {
		t.Error(got)
	}
	r := mustParse(t, "case,activity,time\n1,a,01/02/2026\n", "f.csv", Options{TimeLayout: "01/02/2006"})[0]
	if got := stamp(r.Run[0].About().At); got != "2026-01-02T00:00:00Z" {
		t.Error(got)
	}
}

func TestCSVRefuses(t *testing.T) {
	t.Parallel()
	const head = "case,activity,time,n\n"
	good := "g,a,2026-03-01 09:00:00,1\n"
	for name, c := range map[string]struct {
		data, problem, fatal string
		records              int
	}{
		"too few columns":   {head + good + "b,a\nb,a,2026-03-01 09:00:00,1\n" + good, "f.csv:3: record b: the row has 2 columns, the header 4", "", 1},
		"not UTF-8":         {head + "b,M\xfcller,2026-03-01 09:00:00,1\n" + good, "f.csv:2: record b: activity: is not UTF-8; convert the file to UTF-8, for example by iconv", "", 1},
		"NUL":               {head + "b,a\x00,2026-03-01 09:00:00,1\n" + good, "f.csv:2: record b: activity: holds a NUL character", "", 1},
		"no activity":       {head + "b,,2026-03-01 09:00:00,1\n" + good, "f.csv:2: record b: activity: is empty", "", 1},
		"no time":           {head + "b,a,,1\n" + good, "f.csv:2: record b: time: is empty", "", 1},
		"no case":           {head + ",a,2026-03-01 09:00:00,1\n" + good, "f.csv:2: case: is empty", "", 1},
		"control in a case": {head + "\x01,a,2026-03-01 09:00:00,1\n" + good, "f.csv:2: record \\x01: case: holds the control character U+0001", "", 1},
		"negative tokens":   {head + "b,a,2026-03-01 09:00:00,-1\n" + good, "f.csv:2: record b: n: -1 is negative", "", 1},
		"tokens as words":   {head + "b,a,2026-03-01 09:00:00,NaN\n" + good, "f.csv:2: record b: n: \"NaN\" is not a number of tokens from 0 to 2^53", "", 1},
		"quote in a row":    {head + "b,a\"b,2026-03-01 09:00:00,1\n" + good, "f.csv:2: record b: bare \" in non-quoted-field", "", 1},
		"quote in the case": {head + "b\"b,a,2026-03-01 09:00:00,1\n" + good, "", "f.csv:2: bare \" in non-quoted-field; as the row's case can't be told, no case is taken: mend the row", 0},
		"cut in a quote":    {head + good + "b,\"a", "f.csv:3: record b: extraneous or missing \" in quoted-field", "", 1},
		"twice the column":  {"case,activity,time,n,n\n", "", "f.csv:1: two columns are named \"n\"", 0},
		"no case column":    {"activity,time,n\n", "", "f.csv:1: there is no", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Format: "csv", InputTokens: "n"}
			if name == "no case column" {
				o.Case = "id"
			}
			records, problems, fatal := parseAll(t, c.data, "f.csv", o)
			switch {
			case len(records) != c.records:
				t.Errorf("%d records, problems %v, %v", len(records), problems, fatal)
			case c.problem != "" && (len(problems) != 1 || fatal != nil || problems[0].Error() != c.problem):
				t.Errorf("problems %v, %v; want %s", problems, fatal, c.problem)
			case c.fatal != "" && (fatal == nil || !strings.HasPrefix(fatal.Error(), c.fatal)):
				t.Errorf("%v, want %s", fatal, c.fatal)
			}
		})
	}
	o := Options{Format: "csv", MaxHeldBytes: 10_000, MaxRecordBytes: 1 << 20}
	if _, _, fatal := parseAll(t, head+strings.Repeat(good, 100), "f.csv", o); fatal == nil || !strings.Contains(fatal.Error(), "more than 10000 bytes of memory; split the file by case") {
		t.Error(fatal)
	}
	if _, _, fatal := parseAll(t, head+"b,\""+strings.Repeat("x\n", 1<<20), "f.csv", o); fatal == nil || !strings.Contains(fatal.Error(), "a row is longer than 1048576 bytes") {
		t.Error(fatal)
	}
}

func TestXESSample(t *testing.T) {
	t.Parallel()
	const want = `09:00:00 start log/case 1 workflow=log task="" requester="" prompt="" labels=map[] undated=false
09:00:00 step 0 "register" activity agent="anna" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:01:00 step 1 "check" activity agent="desk" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:01:00 done 1 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:02:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
10:04:00 step 2 "pay" activity agent="" tool="" model="" in=-1 on=[] labels=map[scheduled:2026-03-01T10:03:00Z] undated=false
10:04:00 done 2 unrated "" model="" tokens=0/0/0 cost=0 undated=true
10:04:00 end succeeded "" cost=0 undated=false
agent anna
agent desk
12:00:00 start log/trace 2 workflow=log task="" requester="" prompt="" labels=map[] undated=true
12:00:00 step 0 "a & b" activity agent="" tool="" model="" in=-1 on=[] labels=map[] undated=true
12:00:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=true
12:00:00 end unrated "" cost=0 undated=true
12:00:00 start log/empty workflow=log task="" requester="" prompt="" labels=map[] undated=true
12:00:00 end unrated "" cost=0 undated=true
`
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(sample(t, "log.xes"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o := importing("")
	o.Outcome = "verdict"
	for name, data := range map[string]string{"log.xes": sample(t, "log.xes"), "log.xes.gz": z.String()} {
		records, problems, fatal := parseAll(t, data, name, o)
		var got strings.Builder
		for _, r := range records {
			got.WriteString(tell(r))
		}
		if got.String() != want || fatal != nil {
			t.Errorf("%s: %v\n%s", name, fatal, got.String())
		}
		if len(problems) != 1 || problems[0].Error() != name+`:17: record bad: time:timestamp: "yesterday" is not a time like 2026-11-01T09:30:00Z (RFC 3339)` {
			t.Error(problems)
		}
	}
}

func TestXESRefuses(t *testing.T) {
	t.Parallel()
	const trace = `<trace><string key="concept:name" value="c"/></trace>`
	for name, c := range map[string]struct {
		data, want string
		records    int
	}{
		"cut off":        {"<log>" + trace + "\n<trace><event>", "f.xes:2: the file is cut off", 1},
		"deep":           {"<log>" + trace + strings.Repeat("<a>", 500), "f.xes:1: nests deeper than 200 levels", 1},
		"entity":         {`<!DOCTYPE log [<!ENTITY a "b">]><log>` + trace + `<trace>&a;</trace></log>`, "f.xes:1: invalid character entity &a;", 1},
		"other encoding": {`<?xml version="1.0" encoding="ISO-8859-1"?><log/>`, "convert it to UTF-8, for example by iconv", 0},
		"not UTF-8":      {"<log>" + trace + "<trace><string key=\"\xff\"/></trace></log>", "f.xes:1: invalid UTF-8", 1},
		"long":           {"<log>" + trace + "<trace><string key=\"a\" value=\"" + strings.Repeat("x", 20_000) + "\"/></trace></log>", "a trace is longer than 10000 bytes", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := importing("xes")
			o.MaxRecordBytes = 10_000
			records, problems, fatal := parseAll(t, c.data, "f.xes", o)
			if len(records) != c.records || len(problems) > 0 || fatal == nil || !strings.Contains(fatal.Error(), c.want) {
				t.Errorf("%d records, %v, %v; want %s", len(records), problems, fatal, c.want)
			}
		})
	}
	// The bound is on one trace, not on the file.
	o := importing("xes")
	o.MaxRecordBytes = 10_000
	if got := len(mustParse(t, "<log>"+strings.Repeat(trace, 2000)+"</log>", "f.xes", o)); got != 2000 {
		t.Errorf("%d records", got)
	}
}

func TestCSVSumsAreNotLost(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("time,in\n")
	for i := range 500 {
		b.WriteString("2026-03-01 09:00:" + fmt.Sprintf("%02d", i%60) + "," + strconv.Itoa(i) + "\n")
	}
	sum := int64(0)
	for _, r := range mustParse(t, b.String(), "f.csv", Options{InputTokens: "in"}) {
		sum += r.Run[2].(commands.FinishStep).InputTokens
	}
	if sum != 500*499/2 {
		t.Error(sum)
	}
}

// A row may be shorter than the header: a footer, a comment, a blank line.
func TestCSVShortRows(t *testing.T) {
	t.Parallel()
	const head = "activity,time,case\nA,2026-03-01 09:00:00,c1\n"
	for name, c := range map[string]struct {
		rows, want string
		records    int
	}{
		"footer":        {"2 rows\n", "f.csv:3: the row has 1 columns, the header 3; it names no case, and is left out", 1},
		"blanks":        {" \n,,\n", "", 1},
		"no case":       {"B,2026-03-01 09:00:00\n", "as the row's case can't be told, no case is taken", 0},
		"quoted footer": {"\"end of file\n", "as the row's case can't be told, no case is taken", 0},
	} {
		records, problems, fatal := parseAll(t, head+c.rows, "f.csv", importing(""))
		told := fmt.Sprint(problems, fatal)
		if len(records) != c.records || !strings.Contains(told, c.want) || c.want == "" && len(problems) > 0 {
			t.Errorf("%s: %d records, %s", name, len(records), told)
		}
	}
}

func TestCSVDialects(t *testing.T) {
	t.Parallel()
	records := mustParse(t, "sep=;\ncase;activity;time\nc1 ;A;2026-03-01 09:00:00\n c1;B;2026-03-01 09:01:00\n", "f.csv", importing("csv"))
	if len(records) != 1 || records[0].Name != "c1" {
		t.Errorf("%d records, the first is %q", len(records), records[0].Name)
	}
	rows := "case,activity,time\n"
	for i := range 9 {
		rows += fmt.Sprintf("c%d,A,2026-03-01 09:0%d:00\n", i, i)
	}
	records, problems, fatal := parseAll(t, rows+"c9,A,2026-03-01T09:00:00+01:00\n", "f.csv", importing(""))
	if len(records) != 9 || len(problems) != 1 || fatal != nil || problems[0].Line != 11 {
		t.Errorf("mixed zones: %d records, %v, %v", len(records), problems, fatal)
	}
}
