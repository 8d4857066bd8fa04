package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virtuous6/virtuous6/web"
)

// What is described is what is served: every answer is valid under the schema that /openapi.json gives for it, and the
// schemas say something.
func TestAnswersFollowTheirDescription(t *testing.T) {
	t.Parallel()
	cfg := config(reader{runs: threeRuns()}, &log{})
	cfg.Load = busyModel
	door := web.New(cfg)
	description := request(door, "GET", "/openapi.json", "")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(description.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	if version := doc.(map[string]any)["openapi"]; version != "3.1.0" {
		t.Errorf("OpenAPI %v", version)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := func(path, method, status, kind string) *jsonschema.Schema {
		path, _, _ = strings.Cut(path, "?")
		if strings.HasPrefix(path, "/api/runs/r1") {
			path = strings.Replace(path, "r1", "{run}", 1)
		}
		path = strings.NewReplacer("~", "~0", "/", "~1").Replace(path)
		s, err := compiler.Compile("openapi.json#/paths/" + path + "/" + method + "/responses/" + status + "/content/" + kind + "/schema")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	valid := func(s *jsonschema.Schema, w *httptest.ResponseRecorder) {
		t.Helper()
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(w.Body.String()))
		if err == nil {
			err = s.Validate(value)
		}
		if err != nil {
			t.Errorf("%d %s\n%v", w.Code, w.Body, err)
		}
	}
	for _, path := range append([]string{"/healthz", "/readyz", "/api/metrics/load"}, reads...) {
		w := request(door, "GET", path, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Header())
		}
		valid(schema(path, "get", "200", "application~1json"), w)
	}
	valid(schema("/api/runs", "post", "202", "application~1json"), request(door, "POST", "/api/runs", `{"prompt":"hi"}`))
	valid(schema("/api/runs/r1/feedback", "post", "202", "application~1json"), request(door, "POST", "/api/runs/r1/feedback", `{"text":"good"}`))
	valid(schema("/api/runs", "post", "422", "application~1problem+json"), request(door, "POST", "/api/runs", `{}`))

	metrics := schema("/api/metrics", "get", "200", "application~1json")
	for _, wrong := range []string{`{"runs":"four"}`, `{}`, `[]`} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(wrong))
		if err != nil {
			t.Fatal(err)
		}
		if metrics.Validate(value) == nil {
			t.Errorf("the description of metrics accepts %s", wrong)
		}
	}
}
