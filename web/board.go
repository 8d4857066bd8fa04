package web

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// The board is for people who would rather look than read: pages without scripts, made from the read models alone.

//go:embed board
var boardFiles embed.FS

var boardPages = template.Must(template.New("board").Funcs(template.FuncMap{
	"percent": percent, "spent": spent, "seconds": seconds,
	"took": func(ns int64) string { return took(time.Duration(ns)) }, "when": whenText, "clip": clipTo, "path": url.PathEscape,
	"join": func(s []string) string { return strings.Join(s, ", ") }, "sum": func(a, b int64) int64 { return a + b }, "tone": tone, "count": count,
}).ParseFS(boardFiles, "board/*.html"))

// The sizes of the overview: one screen, the rest on demand.
const (
	boardDays, boardRuns, boardProposals, boardWorkflows = 30, 20, 5, 12
	chartWidth, chartHeight, chartBottom                 = 900, 150, 18
)

// page is what every page has.
type page struct {
	Title    string
	Position uint64
	// API are where the same is as JSON.
	API []string
}

type homePage struct {
	page
	Metrics      projections.Metrics
	Chart        *chart
	Loop         projections.LoopRow
	Improvements []boardProposal
	Workflows    []boardWorkflow
	Runs         []projections.RunRow
}

type boardProposal struct {
	projections.ImprovementRow
	Brings string
}

type boardWorkflow struct {
	Name string
	projections.Metrics
}

type runPage struct {
	page
	Run      projections.RunRow
	Steps    []boardStep
	Feedback []boardFeedback
}

// boardStep is a step with its place in the run's time, 200 wide.
type boardStep struct {
	projections.StepRow
	Left, Wide int64
}

type boardFeedback struct{ From, Text string }

// board registers the pages.
func (d *door) board(router chi.Router) {
	router.Get("/", func(w http.ResponseWriter, r *http.Request) { d.show(w, r, "home.html", d.home) })
	router.Get("/runs/{run}", func(w http.ResponseWriter, r *http.Request) {
		d.show(w, r, "run.html", func(ctx context.Context) (any, error) {
			run, err := url.PathUnescape(chi.URLParam(r, "run"))
			if err != nil {
				return nil, projections.ErrNotFound
			}
			return d.runPage(ctx, run)
		})
	})
	router.Get("/board.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, boardFiles, "board/style.css")
	})
}

// show renders a page whole before a byte of it is sent.
func (d *door) show(w http.ResponseWriter, r *http.Request, name string, data func(context.Context) (any, error)) {
	var out bytes.Buffer
	values, err := data(r.Context())
	if err == nil {
		err = boardPages.ExecuteTemplate(&out, name, values)
	}
	if err != nil {
		status, says := http.StatusInternalServerError, "the page could not be made; the log of the server tells why"
		switch {
		case errors.Is(err, projections.ErrNotFound):
			status, says = http.StatusNotFound, "there is nothing by this name"
		case errors.Is(err, projections.ErrAmbiguous):
			status, says = http.StatusNotFound, err.Error()
		case d.Away(err):
			status, says = http.StatusServiceUnavailable, "the store does not answer for now"
		default:
			d.Log.ErrorContext(r.Context(), "a page could not be made", "path", r.URL.Path, "error", err)
		}
		writeProblem(w, status, says)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(out.Bytes()) // who asked may have left
}

func (d *door) home(ctx context.Context) (any, error) {
	report, err := d.own(ctx).Report(ctx, projections.MetricsFilter{})
	if err != nil {
		return nil, err
	}
	daily, err := d.own(ctx).Daily(ctx, projections.ByWorkflow)
	if err != nil {
		return nil, err
	}
	proposed, err := d.own(ctx).Improvements(ctx, projections.Proposed)
	if err != nil {
		return nil, err
	}
	p := homePage{Metrics: report.Metrics, Chart: draw(daily)}
	p.Title, p.API = "Overview", []string{"/api/metrics", "/api/runs", "/api/improvements", "/openapi.json"}
	if p.Position, err = d.own(ctx).Position(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(proposed, projections.ByWorth)
	for _, row := range proposed[:min(len(proposed), boardProposals)] {
		p.Improvements = append(p.Improvements, boardProposal{row, brings(row)})
	}
	if p.Loop, err = d.own(ctx).Loop(ctx); err != nil {
		return nil, err
	}
	names := slices.SortedFunc(maps.Keys(report.ByWorkflow), func(a, b string) int {
		return cmp.Or(cmp.Compare(report.ByWorkflow[b].Runs, report.ByWorkflow[a].Runs), cmp.Compare(a, b))
	})
	for _, name := range names[:min(len(names), boardWorkflows)] {
		p.Workflows = append(p.Workflows, boardWorkflow{name, report.ByWorkflow[name]})
	}
	for row, err := range d.own(ctx).Runs(ctx, projections.RunFilter{Limit: boardRuns}) {
		if err != nil {
			return nil, err
		}
		p.Runs = append(p.Runs, row)
	}
	return p, nil
}

func (d *door) runPage(ctx context.Context, run string) (any, error) {
	row, steps, err := projections.FindRun(ctx, d.own(ctx), run)
	if err == nil && d.Texts != nil {
		err = d.Texts(ctx, &row)
	}
	if err != nil {
		return nil, err
	}
	run = row.Run
	feedback, err := d.own(ctx).Feedback(ctx, run)
	if err != nil {
		return nil, err
	}
	p := runPage{Run: row}
	p.Title, p.API = "Run "+clipTo(run, 60), []string{"/api/runs/" + url.PathEscape(run)}
	if p.Position, err = d.own(ctx).Position(ctx); err != nil {
		return nil, err
	}
	for _, s := range steps {
		b := boardStep{StepRow: s, Wide: 2}
		if whole := row.DurationNS; whole > 0 && !s.StartedAt.IsZero() {
			b.Left = min(max(int64(s.StartedAt.Sub(row.StartedAt))*200/whole, 0), 198)
			b.Wide = min(max(max(s.DurationNS, 0)*200/whole, 2), 200-b.Left)
		}
		p.Steps = append(p.Steps, b)
	}
	for _, f := range feedback {
		said := []string{f.Label, f.Text}
		if f.Score != nil {
			said = append(said, fmt.Sprintf("%s %g", cmp.Or(f.Name, "score"), *f.Score))
		}
		if f.Better != "" {
			said = append(said, "better: "+f.Better)
		}
		if f.Wish != "" {
			said = append(said, "wish: "+f.Wish)
		}
		p.Feedback = append(p.Feedback, boardFeedback{f.User, strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), "; ")})
	}
	return p, nil
}

// chart is the success and the number of runs, day by day.
type chart struct {
	Width, Height, Foot int
	Most                int64
	First, Last         string
	Line                string
	Days                []chartDay
}

type chartDay struct {
	Day                     string
	Runs, Succeeded, Failed int64
	X, Top, Width, Height   int64
	Middle, Rate            int64
	Rated                   bool
}

// draw lays out the latest days on which runs ended. nil is too few to draw.
func draw(rows []projections.MetricRow) *chart {
	byDay := map[string]*chartDay{}
	for _, row := range rows {
		if row.Day == "" || row.Day == projections.AllDays {
			continue
		}
		day := byDay[row.Day]
		if day == nil {
			day = &chartDay{Day: row.Day}
			byDay[row.Day] = day
		}
		day.Runs += row.Runs
		day.Succeeded += row.Succeeded
		day.Failed += row.Failed
	}
	names := slices.Sorted(maps.Keys(byDay))
	names = names[max(len(names)-boardDays, 0):]
	if len(names) < 2 {
		return nil
	}
	c := &chart{Width: chartWidth, Height: chartHeight, Foot: chartHeight - 4, First: names[0], Last: names[len(names)-1]}
	for _, name := range names {
		c.Most = max(c.Most, byDay[name].Runs)
	}
	const room = chartHeight - chartBottom - 16
	step := int64(chartWidth / len(names))
	var line []string
	for i, name := range names {
		day := *byDay[name]
		day.Width = min(max(step-2, 1), 60)
		day.X = int64(i)*step + (step-day.Width)/2
		day.Height = day.Runs * room / max(c.Most, 1)
		day.Top, day.Middle = chartHeight-chartBottom-day.Height, day.X+day.Width/2
		if ended := day.Succeeded + day.Failed; ended > 0 {
			day.Rated, day.Rate = true, chartHeight-chartBottom-day.Succeeded*room/ended
			line = append(line, fmt.Sprintf("%d,%d", day.Middle, day.Rate))
		}
		c.Days = append(c.Days, day)
	}
	c.Line = strings.Join(line, " ")
	return c
}

// brings is what a proposal may bring, or what its analyst expects of it where nobody recorded that.
func brings(row projections.ImprovementRow) string {
	e := row.Expected
	switch {
	case row.Worth != nil:
		return answers.Gain(row.Worth)
	case e.Metric == "":
		return ""
	case e.Metric == "success_rate":
		return fmt.Sprintf("%+.0f points (%+.0f to %+.0f)", 100*e.Change, 100*e.Low, 100*e.High)
	}
	return fmt.Sprintf("%s %+.3g (%+.3g to %+.3g)", e.Metric, e.Change, e.Low, e.High)
}

// spent is what something cost.
func spent(c events.Cost) string { return c.Mark("$" + money(c.CostNanos)) }

// money is dollars to the cent, or to the hundredth of one where it is less.
func money(n events.Nanos) string {
	if n > 0 && n < 10_000_000 {
		return fmt.Sprintf("%.4f", float64(n)/1e9)
	}
	return fmt.Sprintf("%.2f", float64(n)/1e9)
}

// count writes a number with its thousands apart.
func count(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func percent(succeeded, failed int64) string {
	if succeeded+failed == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(succeeded)/float64(succeeded+failed))
}

func seconds(s *float64) string {
	if s == nil {
		return "-"
	}
	return took(time.Duration(*s * 1e9))
}

func took(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func whenText(t time.Time) string {
	if t.IsZero() {
		return "no time was given"
	}
	return t.UTC().Format("2 January 2006 15:04:05 UTC")
}

func tone(o events.Outcome) string {
	switch o {
	case events.Succeeded:
		return "good"
	case events.Failed:
		return "bad"
	}
	return "soft"
}

// clipTo shortens a text to so many characters, on one line.
func clipTo(s string, most int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}
