package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestRunsSample(t *testing.T) {
	t.Parallel()
	const want = `09:00:00 start refund-1 workflow=refund task="order 17" requester="anna" prompt="" labels=map[env:test] undated=false
09:00:00 step 0 "plan" chat agent="planner" tool="" model="gpt-4o-mini" in=-1 on=[] labels=map[] undated=false
09:00:02 done 0 succeeded "" model="" tokens=820/64/0 cost=0.0001614 undated=false
09:00:02 step 1 "look up" tool agent="clerk" tool="orders.find" model="" in=-1 on=[0] labels=map[] undated=false
09:00:05 done 1 failed "timeout" model="" tokens=0/0/0 cost=0 undated=false
09:00:05 step 2 "look up" tool agent="clerk" tool="orders.find" model="" in=-1 on=[0] labels=map[] undated=false
09:00:07 done 2 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:00:07 step 3 "answer" chat agent="clerk" tool="" model="gpt-4o" in=-1 on=[0 2] labels=map[] undated=false
09:00:09 done 3 succeeded "" model="" tokens=1204/180/0 cost=0.00481 undated=false
09:00:09 end succeeded "" cost=0.0125 undated=false
10:00:00 feedback -1 user="anna" "" score=0.5 label="" "slow"
09:00:09 feedback -1 user="" "" score=- label="" "ü"
agent clerk
agent planner
12:00:00 start refund-2 workflow=refund task="" requester="" prompt="" labels=map[] undated=true
12:00:00 fail "no such order" cost=0 undated=true
07:00:00 start refund-3 workflow=refund task="" requester="" prompt="" labels=map[] undated=false
07:00:00 step 0 "plan" activity agent="" tool="" model="" in=-1 on=[] labels=map[] undated=true
07:00:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=true
07:00:01 step 1 "wait" activity agent="" tool="" model="" in=-1 on=[] labels=map[] undated=false
07:00:01 done 1 succeeded "" model="" tokens=0/0/0 cost=0 undated=true
07:00:01 cancel "anna left" cost=0 undated=false
`
	var got strings.Builder
	for i, r := range mustParse(t, sample(t, "runs.jsonl"), "runs.jsonl", importing("")) {
		got.WriteString(tell(r))
		if line := []int{1, 3, 4}[i]; r.Line != line || r.File != "runs.jsonl" {
			t.Errorf("record %s is at %s:%d", r.Name, r.File, r.Line)
		}
	}
	if got.String() != want {
		t.Errorf("got\n%s", got.String())
	}
}

// run is a line that is right but for what is put into it.
func runLine(members, step string) string {
	return `{"run":"r","workflow":"w","outcome":"succeeded"` + members + `,"steps":[{"step":"a","started_at":"2026-03-01T09:00:00Z"},{"step":"b"` + step + `}]}`
}

// badRuns are lines that can't be taken, and why. schema tells that the JSON Schema refuses the line, too.
var badRuns = map[string]struct {
	line, want string
	schema     bool
}{
	"no JSON":              {`{"run":"r"`, `the JSON is cut off`, true},
	"an array":             {`[]`, `the line is a list, not a run`, true},
	"more behind":          {`{} {}`, `more text follows the end of the value`, true},
	"NUL":                  {"{\"run\":\"r\x00\"}", `run: a text holds the control character 0x00`, true},
	"NUL escaped":          {`{"run":"r\u0000"}`, `run: a text holds a NUL character`, true},
	"half a surrogate":     {`{"run":"r\ud800"}`, `run: a text holds half of a surrogate pair (\ud800)`, true},
	"not UTF-8":            {"{\"run\":\"r\xff\"}", `run: holds a byte that is not UTF-8 (0xff); convert the file to UTF-8`, true},
	"Latin-1":              {"{\"run\":\"M\xfcller\"}", `run: holds a byte that is not UTF-8 (0xfc); convert the file to UTF-8`, true},
	"deep":                 {`{"x":` + strings.Repeat("[", 5000), `nests deeper than 200 levels`, true},
	"deep objects":         {strings.Repeat(`{"a":`, 201), `nests deeper than 200 levels`, true},
	"twice the same key":   {`{"run":"r","run":"s"}`, `run: stands twice in the same object`, true},
	"unknown key":          {runLine(`,"costs":1`, ``), `record r: costs: is no key of a run: those are run, workflow, task, requester, started_at, ended_at, outcome, error, cost_usd, labels, steps, feedback`, true},
	"unknown key of step":  {runLine(``, `,"name":"x"`), `record r: steps[1].name: is no key of a step: those are step, agent, tool, model, started_at, ended_at, outcome, error, input_tokens, output_tokens, cost_usd, depends_on`, true},
	"no run":               {`{"workflow":"w","outcome":"failed","steps":[]}`, `run: is missing; it names the run`, true},
	"no workflow":          {`{"run":"r","outcome":"failed","steps":[]}`, `record r: workflow: is missing; it names what the run is a run of`, true},
	"no outcome":           {`{"run":"r","workflow":"w","steps":[]}`, `record r: outcome: is missing; it is succeeded, failed or cancelled`, true},
	"no steps":             {`{"run":"r","workflow":"w","outcome":"failed"}`, `record r: steps: is missing; it is a list, which may be empty`, true},
	"steps no list":        {`{"run":"r","workflow":"w","outcome":"failed","steps":{}}`, `record r: steps: is an object, not a list`, true},
	"step without name":    {`{"run":"r","workflow":"w","outcome":"failed","steps":[{}]}`, `record r: steps[0].step: is missing; it names the step`, true},
	"empty name":           {`{"run":"","workflow":"w","outcome":"failed","steps":[]}`, `run: is empty`, true},
	"name a number":        {`{"run":7,"workflow":"w","outcome":"failed","steps":[]}`, `run: is a number, not a text`, true},
	"long name":            {`{"run":"` + strings.Repeat("x", 513) + `","workflow":"w","outcome":"failed","steps":[]}`, `is 513 bytes long; 512 are the most`, true},
	"control in a name":    {`{"run":"a\nb","workflow":"w","outcome":"failed","steps":[]}`, `record a\nb: run: holds the control character U+000A`, true},
	"unknown outcome":      {`{"run":"r","workflow":"w","outcome":"ok","steps":[]}`, `record r: outcome: "ok" is unknown; it is succeeded, failed or cancelled`, true},
	"unrated":              {`{"run":"r","workflow":"w","outcome":"unrated","steps":[]}`, `record r: outcome: "unrated" is unknown; it is succeeded, failed or cancelled`, true},
	"unknown step outcome": {runLine(``, `,"outcome":"meh"`), `record r: steps[1].outcome: "meh" is unknown; it is succeeded, failed or cancelled`, true},
	"negative tokens":      {runLine(``, `,"input_tokens":-1`), `record r: steps[1].input_tokens: -1 is negative`, true},
	"too many tokens":      {runLine(``, `,"output_tokens":9007199254740993`), `record r: steps[1].output_tokens: 9007199254740993 is beyond 2^53`, true},
	"tokens beyond int64":  {runLine(``, `,"input_tokens":99999999999999999999`), `record r: steps[1].input_tokens: 99999999999999999999 is beyond 2^53`, true},
	"infinite tokens":      {runLine(``, `,"input_tokens":1e400`), `record r: steps[1].input_tokens: "1e400" is not a number of tokens from 0 to 2^53`, true},
	"half a token":         {runLine(``, `,"input_tokens":1.5`), `record r: steps[1].input_tokens: "1.5" is not a whole number`, true},
	"tokens as text":       {runLine(``, `,"input_tokens":"7"`), `record r: steps[1].input_tokens: is a text, not a number`, true},
	"NaN":                  {runLine(``, `,"input_tokens":NaN`), `steps[1].input_tokens: "N" can't start a JSON value`, true},
	"negative cost":        {runLine(`,"cost_usd":"-1"`, ``), `record r: cost_usd: the cost -1 is negative`, true},
	"infinite cost":        {runLine(`,"cost_usd":1e400`, ``), `record r: cost_usd: "1e400": amount out of range`, false},
	"cost too fine":        {runLine(`,"cost_usd":"0.0000000001"`, ``), `record r: cost_usd: "0.0000000001": more than nine decimals: the smallest amount kept is 0.000000001 USD`, false},
	"number too fine":      {runLine(`,"cost_usd":0.12345678901`, ``), `record r: cost_usd: "0.12345678901": more than nine decimals: the smallest amount kept is 0.000000001 USD`, false},
	"cost no number":       {runLine(`,"cost_usd":"1,50"`, ``), `record r: cost_usd: "1,50" is not a decimal amount`, true},
	"cost in hex":          {runLine(`,"cost_usd":"0x10"`, ``), `record r: cost_usd: "0x10" is not a decimal amount`, true},
	"cost a list":          {runLine(`,"cost_usd":[]`, ``), `record r: cost_usd: is a list; an amount is decimal text or a number`, true},
	"costs overflow":       {runLine(`,"cost_usd":9000000000`, `,"cost_usd":9000000000`), `record r: cost_usd: the costs sum up beyond what can be kept (9.2 billion USD)`, false},
	"run ends too early":   {runLine(`,"started_at":"2026-03-01T09:00:00Z","ended_at":"2026-03-01T08:59:59Z"`, ``), `record r: the run ends at 2026-03-01T08:59:59Z, before it starts at 2026-03-01T09:00:00Z`, false},
	"step ends too early":  {runLine(``, `,"started_at":"2026-03-01T09:00:00Z","ended_at":"2026-03-01T08:59:59Z"`), `record r: steps[1]: step "b" ends at 2026-03-01T08:59:59Z, before it starts at 2026-03-01T09:00:00Z`, false},
	"time without zone":    {runLine(`,"started_at":"2026-03-01T09:00:00"`, ``), `record r: started_at: "2026-03-01T09:00:00" is not a time like 2026-11-01T09:30:00Z (RFC 3339)`, true},
	"time a number":        {runLine(`,"started_at":1772355600`, ``), `record r: started_at: is a number; a time is a text like 2026-11-01T09:30:00Z`, true},
	"time far away":        {runLine(`,"started_at":"3026-03-01T09:00:00Z"`, ``), `record r: started_at: the year 3026 is out of range; 1678 to 2262 can be kept`, false},
	"depends on later":     {runLine(``, `,"depends_on":["c"]`), `record r: steps[1].depends_on: no earlier step is named "c"`, false},
	"depends on itself":    {runLine(``, `,"depends_on":[1]`), `record r: steps[1].depends_on: 1 is no earlier step; steps are counted from 0`, false},
	"depends on minus 1":   {runLine(``, `,"depends_on":[-1]`), `record r: steps[1].depends_on: -1 is no earlier step; steps are counted from 0`, true},
	"depends on null":      {runLine(``, `,"depends_on":[null]`), `record r: steps[1].depends_on: holds null; a step is named by its name or its number`, true},
	"started after":        {runLine(``, `,"started_at":"2026-03-01T08:00:00Z","depends_on":["a"]`), `record r: steps[1]: step "b" depends on "a", which starts later`, false},
	"label a number":       {runLine(`,"labels":{"a":1}`, ``), `record r: labels.a: is a number, not a text`, true},
	"feedback of nothing":  {runLine(`,"feedback":[{"user":"anna"}]`, ``), `record r: feedback[0]: has neither a score nor a text`, true},
	"feedback unknown":     {runLine(`,"feedback":[{"text":"x","stars":5}]`, ``), `record r: feedback[0].stars: is no key of a feedback: those are user, score, text, at`, true},
	"feedback infinite":    {runLine(`,"feedback":[{"score":1e999}]`, ``), `record r: feedback[0].score: "1e999" is not a number that can be kept`, false},
	"no room for feedback": {`{"run":"` + strings.Repeat("x", 505) + `","workflow":"w","outcome":"failed","steps":[],"feedback":[{"score":1}]}`, `run: is too long to carry feedback: 503 bytes are the most`, false},
}

// goodRuns are lines that must be taken.
var goodRuns = map[string]string{
	"least":            `{"run":"r","workflow":"w","outcome":"failed","steps":[]}`,
	"nulls":            `{"run":"r","workflow":"w","outcome":"failed","steps":[{"step":"a","agent":null,"tool":null,"model":null,"started_at":null,"ended_at":null,"outcome":null,"error":null,"input_tokens":null,"output_tokens":null,"cost_usd":null,"depends_on":null}],"task":null,"requester":null,"started_at":null,"ended_at":null,"error":null,"cost_usd":null,"labels":null,"feedback":null}`,
	"whole floats":     runLine(``, `,"input_tokens":12.0,"output_tokens":1.2e3`),
	"most tokens":      runLine(``, `,"input_tokens":9007199254740992`),
	"numbers of money": runLine(`,"cost_usd":0`, `,"cost_usd":1.2e-5`),
	"depends":          runLine(``, `,"depends_on":["a",0]`),
	"deep but known":   `{"run":"r","workflow":"w","outcome":"failed","steps":[],"labels":{"ä":"\u00fc\ud83d\ude00"}}`,
}

func TestRunsRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range badRuns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The lines around it are taken all the same.
			data := goodRuns["least"] + "\n\n" + c.line + "\r\n" + goodRuns["depends"]
			records, problems, fatal := parseAll(t, data, "f.jsonl", importing("runs"))
			if len(records) != 2 || fatal != nil || len(problems) != 1 {
				t.Fatalf("%d records, problems %v, %v", len(records), problems, fatal)
			}
			if got := problems[0].Error(); !strings.HasPrefix(got, "f.jsonl:3: ") || !strings.HasSuffix(got, c.want) {
				t.Errorf("got  %s\nwant f.jsonl:3: … %s", got, c.want)
			}
		})
	}
}

func TestRunsSchemaAgreesWithTheParser(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(RunsSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("runs.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("runs.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(line string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}
	for name, line := range goodRuns {
		if err := valid(line); err != nil {
			t.Errorf("%s: the schema refuses it: %v", name, err)
		}
		mustParse(t, line, "f.jsonl", importing("runs"))
	}
	for _, line := range strings.Split(strings.TrimSpace(sample(t, "runs.jsonl")), "\n") {
		if err := valid(line); line != "" && err != nil {
			t.Errorf("the schema refuses a sample: %v", err)
		}
	}
	for name, b := range badRuns {
		if got := valid(b.line) != nil; got != b.schema {
			t.Errorf("%s: the schema refuses it: %v, want %v", name, got, b.schema)
		}
	}
}

func TestMoneyIsExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]events.Nanos{
		`"0.0125"`: 12_500_000, `0.0125`: 12_500_000, `"1.2e-5"`: 12_000, `1e-9`: 1, `0.30000000000000004`: 300_000_000,
		`0.00023444999999999998`: 234_450, `9000000000`: 9_000_000_000_000_000_000, `"0"`: 0, `123456789.123456789`: 123_456_789_123_456_789,
		`2.5e-7`: 250, `"000"`: -1, `0.0000000015`: -1, `"1e-10"`: -1, `""`: -1, `"."`: -1, `"+1"`: -1, `9300000000`: -1,
	} {
		v, syntax := new(document).parse(text)
		if syntax != nil {
			t.Fatal(text, syntax)
		}
		got, f := exactUSD("cost_usd", v)
		if f != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%s is %d nano-dollars, want %d (%v)", text, got, want, f)
		}
	}
}

func TestSameRecordSameIDs(t *testing.T) {
	t.Parallel()
	const line = `{"run":"r","workflow":"w","outcome":"failed","steps":[{"step":"a","agent":"x"}],"feedback":[{"text":"no"}]}`
	const shuffled = ` { "outcome" : "failed", "feedback":[ {"text":"n\u006f"}], "workflow":"w","steps":[{"agent":"x","step":"a"}],"run":"r"}`
	ids := func(data, name string, o Options) (out []string) {
		r := mustParse(t, data, name, o)[0]
		for _, c := range r.Run {
			out = append(out, c.About().ID.String())
		}
		return append(out, r.Feedback[0].ID.String(), r.Feedback[0].Feedback, r.Agents[0].ID.String(), r.Run[0].(commands.StartRun).Source.Digest)
	}
	want := fmt.Sprint(ids(line, "a", importing("runs")))
	later := importing("runs")
	later.Now = func() time.Time { return noon.Add(1e9) }
	if got := fmt.Sprint(ids("\n"+shuffled, "b", later)); got != want {
		t.Errorf("the same record is\n%s\nand\n%s", want, got)
	}
	other := importing("runs")
	other.Workspace = "team"
	for name, got := range map[string][]string{
		"other content":   ids(strings.Replace(line, "no", "yes", 1), "a", importing("runs")),
		"other workspace": ids(line, "a", other),
	} {
		if got[0] == ids(line, "a", importing("runs"))[0] {
			t.Errorf("%s has the same ids", name)
		}
	}
}

func TestUndatedNeedsNow(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"runs", "chat"} {
		line := map[string]string{"runs": goodRuns["least"], "chat": `{"messages":[]}`}[format]
		_, problems, _ := parseAll(t, line, "f", Options{Format: format})
		if len(problems) != 1 || problems[0].Reason != "the record gives no time, and none was given for it" {
			t.Errorf("%s: %v", format, problems)
		}
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	long := strings.Replace(goodRuns["least"], `"r"`, `"long","error":"`+strings.Repeat("x", 10<<20)+`"`, 1)
	data := goodRuns["least"] + "\n" + long + "\n" + goodRuns["depends"]
	if got := len(mustParse(t, data, "f", importing("runs"))); got != 3 {
		t.Errorf("%d records", got)
	}
	for _, limit := range []int{len(long) - 1, 1 << 20} {
		o := importing("runs")
		o.MaxRecordBytes = limit
		records, problems, fatal := parseAll(t, data, "f", o)
		want := fmt.Sprintf("f:2: longer than %d bytes, the most that one record may have", limit)
		if len(records) != 2 || len(problems) != 1 || fatal != nil || problems[0].Error() != want {
			t.Errorf("%d records, %v, %v", len(records), problems, fatal)
		}
	}
	o := importing("runs")
	o.MaxRecordBytes = len(long)
	if got := len(mustParse(t, data, "f", o)); got != 3 {
		t.Errorf("at the bound: %d records", got)
	}
}

func TestFilesAsTheyCome(t *testing.T) {
	t.Parallel()
	plain := goodRuns["least"] + "\n"
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := io.WriteString(w, plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	utf16 := []byte{0xff, 0xfe}
	for _, c := range []byte(plain) {
		utf16 = append(utf16, c, 0)
	}
	for name, c := range map[string]struct{ data, want string }{
		"plain":             {plain, ""},
		"no break at end":   {strings.TrimSpace(plain), ""},
		"byte order mark":   {"\xef\xbb\xbf" + plain, ""},
		"gzip":              {z.String(), ""},
		"gzip cut off":      {z.String()[:z.Len()-12], "the compressed data is cut off"},
		"gzip header":       {"\x1f\x8b\x00", "the gzip header is damaged"},
		"UTF-16":            {string(utf16), "it is written in UTF-16; convert it, for example by: iconv -f UTF-16 -t UTF-8"},
		"UTF-16 without it": {string(utf16[2:]), "it is written in UTF-16"},
		"empty":             {"", "the file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records, _, fatal := parseAll(t, c.data, "f", importing("runs"))
			switch {
			case c.want == "" && (fatal != nil || len(records) != 1):
				t.Errorf("%d records, %v", len(records), fatal)
			case c.want != "" && (!errors.Is(fatal, ErrUnreadable) || !strings.Contains(fatal.Error(), c.want)):
				t.Errorf("%v", fatal)
			}
		})
	}
	var fatal error
	for _, err := range Parse(io.MultiReader(strings.NewReader(plain), iotest.ErrReader(errors.New("disk on fire"))), "f", importing("runs")) {
		fatal = err
	}
	if !errors.Is(fatal, ErrUnreadable) || !strings.Contains(fatal.Error(), "f:2: disk on fire") {
		t.Error(fatal)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(path, []byte(manyRuns(100)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r, err := range s.Records() {
		if err != nil || r.File != path {
			t.Fatal(r.File, err)
		}
		if n++; n == 1 {
			if read, total := s.Progress(); read == 0 || read > total {
				t.Errorf("%d of %d bytes", read, total)
			}
		}
	}
	if read, total := s.Progress(); n != 100 || read != total {
		t.Errorf("%d records, %d of %d bytes", n, read, total)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(filepath.Dir(path), Options{}); err == nil || !strings.Contains(err.Error(), "is a folder: name the files in it") {
		t.Error(err)
	}
	if _, err := Open(path+"x", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestReaderMayStop(t *testing.T) {
	t.Parallel()
	for file, format := range samples {
		for range Parse(strings.NewReader(sample(t, file)), file, importing(format)) {
			break
		}
	}
}

// manyRuns is a file of n runs of six steps each, about as large as real ones.
func manyRuns(n int) string {
	var b strings.Builder
	for i := range n {
		clock := fmt.Sprintf("2026-03-01T%02d:%02d:%02d", i/3600%24, i/60%60, i%60)
		fmt.Fprintf(&b, `{"run":"r-%07d","workflow":"refund","task":"task-%d","requester":"anna","started_at":"%s.250Z","ended_at":"2026-03-02T00:00:00Z","outcome":"succeeded","cost_usd":"0.0123","labels":{"env":"prod"},"steps":[`, i, i%40, clock)
		for s := range 6 {
			if s > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"step":"step-%d","agent":"agent-%d","model":"gpt-4o-mini","started_at":"%s.%03dZ","ended_at":"%s.%03dZ","outcome":"succeeded","input_tokens":%d,"output_tokens":%d,"cost_usd":"0.00205"}`,
				s, s%3, clock, 300+s*100, clock, 380+s*100, 1000+s, 100+s)
		}
		b.WriteString(`],"feedback":[]}` + "\n")
	}
	return b.String()
}

func BenchmarkRuns(b *testing.B) {
	data := manyRuns(2000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Parse(strings.NewReader(data), "bench.jsonl", Options{Format: "runs"}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 2000 {
			b.Fatal(n)
		}
	}
}

// The keys that a refusal names are those of the schema.
func TestRefusedKeysNameTheOthers(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile("runs.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type members struct{ Properties map[string]json.RawMessage }
	var whole struct {
		members
		Defs map[string]members `json:"$defs"`
	}
	if err := json.Unmarshal(schema, &whole); err != nil {
		t.Fatal(err)
	}
	for line, of := range map[string]members{
		runLine(`,"x":1`, ``):                           whole.members,
		runLine(``, `,"x":1`):                           whole.Defs["step"],
		runLine(`,"feedback":[{"text":"x","x":5}]`, ``): whole.Defs["feedback"],
	} {
		_, problems, _ := parseAll(t, line, "f", importing(""))
		if len(problems) != 1 {
			t.Fatalf("%s: %v", line, problems)
		}
		_, named, _ := strings.Cut(problems[0].Error(), "those are ")
		got, want := strings.Split(named, ", "), slices.Collect(maps.Keys(of.Properties))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s names %q, the schema %q", line, got, want)
		}
	}
}
