package web

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// maxKept is how much kept answers may hold together, in bytes. What comes on top is answered and not kept.
const maxKept = 16 << 20

// kept are answers made of the read models as they are now. Whoever asks again what nothing has happened to gets the same bytes,
// and those who ask the same at once share one answer. The first look at newer read models drops all of them.
type kept struct {
	mu      sync.Mutex
	at      readmodel.Checkpoint
	answers map[string]*keptAnswer
	bytes   int
}

// keptAnswer is an answer that somebody makes, or has made. What it holds may be read once done is closed.
type keptAnswer struct {
	done   chan struct{}
	header http.Header
	body   []byte // nil where the answer is not for others
}

// find gives the answer to a question about the read models of a checkpoint, and tells whether the caller has to make it.
func (k *kept) find(at readmodel.Checkpoint, question string) (a *keptAnswer, mine bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.answers == nil || k.at != at {
		k.at, k.answers, k.bytes = at, make(map[string]*keptAnswer), 0
	}
	if a = k.answers[question]; a != nil {
		return a, false
	}
	a = &keptAnswer{done: make(chan struct{})}
	k.answers[question] = a
	return a, true
}

// made tells those who wait that an answer is made, and drops one that can't be kept.
func (k *kept) made(question string, a *keptAnswer) {
	defer close(a.done)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.answers[question] != a { // of read models that are no more
		return
	}
	if size := len(question) + len(a.body); a.body != nil && k.bytes+size <= maxKept {
		k.bytes += size
		return
	}
	delete(k.answers, question)
}

// keep answers reads of the API from what is kept. The checkpoint is looked at first, so that no answer is older than the read
// models were when it was asked for.
func (d *door) keep(next http.Handler) http.Handler {
	var kept kept
	// What the clock or this process has a part in is none of them.
	ofReadModels := map[string]bool{"/api/metrics": true, "/api/runs": true, "/api/patterns": true}
	for _, l := range projections.Lists() {
		ofReadModels["/api/"+l.Name] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		made, ok := w.(*answer)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if !ok || !reads || !ofReadModels[r.URL.Path] || r.URL.Query().Has("as_of") {
			next.ServeHTTP(w, r)
			return
		}
		at, err := d.Reader.Checkpoint(r.Context())
		if err != nil { // the route tells of it
			next.ServeHTTP(w, r)
			return
		}
		question := strings.Join([]string{Workspace(r.Context(), ""), r.URL.RequestURI(), r.Header.Get("Accept")}, "\n")
		a, mine := kept.find(at, question)
		if mine {
			defer kept.made(question, a)
			next.ServeHTTP(w, r)
			if made.status == http.StatusOK && made.file == nil {
				a.header, a.body = maps.Clone(made.header), bytes.Clone(made.memory.Bytes())
			}
			return
		}
		select {
		case <-a.done:
		case <-r.Context().Done():
		}
		if r.Context().Err() != nil || a.body == nil {
			next.ServeHTTP(w, r)
			return
		}
		maps.Copy(w.Header(), a.header)
		if _, err := w.Write(a.body); err != nil { // there is no room for it
			made.again()
			busy(w)
		}
	})
}
