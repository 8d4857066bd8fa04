// Package bench measures the product against the raw engine below it, in the same run: statements that a caller would
// write by hand, in turns with ours, so that what else the machine does falls on both. `make bench` prints the table.
package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	sizes  = flag.String("sizes", "100000,1000000", "how many events the replays are measured with; 3000000 takes some minutes more")
	rounds = flag.Int("rounds", 3, "how often each measurement is taken; the table shows medians")
	part   = flag.String("part", "", "append, replay, growth, look, lag, lanes, dispatch, pace, reads, registry or slack: measure only that part")
	only   = flag.String("on", "", "SQLite or PostgreSQL: measure only there")
)

// BenchmarkTable measures all rows once, whatever b.N is, and prints them as one table.
func BenchmarkTable(b *testing.B) {
	t := table{histories: make(map[int]string)}
	all, stop := engines(b)
	defer stop()
	for _, p := range []struct {
		name    string
		measure func(*testing.B, engine, *table)
	}{{"append", appends}, {"replay", replays}, {"growth", growth}, {"look", looks}, {"lag", lags}, {"dispatch", dispatches}, {"pace", paces}, {"reads", reads}, {"registry", registries}, {"slack", acknowledgements}} {
		for _, e := range all {
			if (*part == "" || *part == p.name) && (*only == "" || *only == e.name) {
				before := len(t.rows)
				p.measure(b, e, &t)
				for i := range t.rows[before:] {
					t.rows[before+i].engine = e.name
				}
			}
		}
	}
	if (*part == "" || *part == "lanes") && *only == "" {
		lanes(b, &t)
	}
	slices.SortStableFunc(t.rows, func(a, b row) int { return -strings.Compare(a.engine, b.engine) })
	t.print()
	b.ReportMetric(0, "ns/op")
}

// table collects rows.
type table struct {
	rows []row
	// histories are the files of the simulated logs so far, by their size.
	histories map[int]string
}

// row is one line. raw and ours are events a second, target the least wanted of their ratio; zero stands for what has
// none.
type row struct {
	engine, name, note string
	raw, ours, target  float64
	p50, p99           time.Duration
}

func (t *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "engine\t\traw/s\tours/s\tratio\ttarget\tp50\tp99\tnote\t")
	for _, r := range t.rows {
		ratio, target := "", ""
		if r.raw > 0 {
			ratio = fmt.Sprintf("%.2f", r.ours/r.raw)
		}
		if r.target > 0 {
			target = fmt.Sprintf("%.2f", r.target)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.engine, r.name, rate(r.raw), rate(r.ours), ratio, target, latency(r.p50),
			latency(r.p99), r.note)
	}
	w.Flush()
}

func rate(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func latency(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.Round(10 * time.Microsecond).String()
}

// sample is one measurement.
type sample struct {
	events    int
	wall, cpu time.Duration
	latencies []time.Duration
}

func (s sample) perSecond() float64 { return float64(s.events) / s.wall.Seconds() }

// measure times f.
func measure(f func() int) sample {
	began, cpu := time.Now(), processor()
	n := f()
	return sample{events: n, wall: time.Since(began), cpu: processor() - cpu}
}

// processor is the processor time that the process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// alternate takes each measurement in turn, one round after the other. None pays for what the one before left to be written
// to the disk or collected.
func alternate(n int, all ...func() sample) [][]sample {
	taken := make([][]sample, len(all))
	for range n {
		for i, f := range all {
			syscall.Sync()
			runtime.GC()
			taken[i] = append(taken[i], f())
		}
	}
	return taken
}

// median is the one in the middle by what of gives.
func median[T any](samples []T, of func(T) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// quantiles are the median and the 99th of a hundred.
func quantiles(latencies []time.Duration) (p50, p99 time.Duration) {
	if len(latencies) == 0 {
		return 0, 0
	}
	slices.Sort(latencies)
	return latencies[len(latencies)/2], latencies[len(latencies)*99/100]
}

func pool(samples []sample) []time.Duration {
	var all []time.Duration
	for _, s := range samples {
		all = append(all, s.latencies...)
	}
	return all
}

func sizesWanted(b *testing.B) []int {
	var list []int
	for s := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatalf("-sizes: %v", err)
		}
		list = append(list, n)
	}
	return list
}
