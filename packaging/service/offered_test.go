package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	signalstats "example.org/ferrule/signal-stats"
)

// offered are the true libraries, with a key of a file, and what is counted of their calls.
func offered(t *testing.T, key string) (libraries, *telemetry) {
	t.Helper()
	settings, err := settingsOf(environment(t, map[string]string{"SEALED_BOX_KEY_FILE": key}))
	if err != nil {
		t.Fatal(err)
	}
	counted := newTelemetry()
	validator, err := open(settings, slog.New(slog.DiscardHandler), counted.of("email-validator"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { validator.Close() })
	sealing, err := openVault(settings, counted.of("sealed-box"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sealing.Close)
	statistics, err := signalstats.Open(signalstats.Options{Library: settings.Stats, Observe: counted.of("signal-stats")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(statistics.Close)
	return libraries{validator, sealing, statistics}, counted
}

func post(t *testing.T, handlers http.Handler, path, body string) (int, string) {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answered := httptest.NewRecorder()
	handlers.ServeHTTP(answered, request)
	return answered.Code, strings.TrimSpace(answered.Body.String())
}

func sealedBy(t *testing.T, handlers http.Handler, body string) string {
	t.Helper()
	status, text := post(t, handlers, "/seal", body)
	var result struct{ Sealed string }
	if err := json.Unmarshal([]byte(text), &result); status != http.StatusOK || err != nil || !strings.HasPrefix(result.Sealed, "U0JPW") {
		t.Fatal(status, text, err)
	}
	return result.Sealed
}

func TestWhatWasSealedIsOpenedByTheSameKeyAlone(t *testing.T) {
	var log bytes.Buffer
	key := file(t, strings.Repeat("k", keyLength))
	first, _ := offered(t, key)
	again, _ := offered(t, key)
	other, _ := offered(t, "")
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	handlers := offering(first, new(atomic.Bool), logger)
	sealed := sealedBy(t, handlers, `{"message":"c2VjcmV0","associated":"dG8="}`)
	question := `{"sealed":"` + sealed + `","associated":"dG8="}`
	for name, one := range map[string]libraries{"the same process": first, "another with this key": again} {
		if status, text := post(t, offering(one, new(atomic.Bool), logger), "/open", question); status != 200 || text != `{"message":"c2VjcmV0"}` {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	const refused = `{"error":"this key, with what is associated, does not open it"}`
	digit := "A"
	if sealed[60] == 'A' {
		digit = "B"
	}
	altered := sealed[:60] + digit + sealed[61:]
	for name, question := range map[string]string{
		"other associated": `{"sealed":"` + sealed + `","associated":"dG9v"}`,
		"altered":          `{"sealed":"` + altered + `","associated":"dG8="}`,
		"cut":              `{"sealed":"` + sealed[:80] + `","associated":"dG8="}`,
		"nothing":          `{"sealed":""}`,
	} {
		if status, text := post(t, handlers, "/open", question); status != 422 || text != refused {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, text := post(t, offering(other, new(atomic.Bool), logger), "/open", question); status != 422 || text != refused {
		t.Error(status, text)
	}
	if strings.Contains(log.String(), "c2VjcmV0") || strings.Contains(log.String(), "secret") || strings.Contains(log.String(), sealed[:20]) {
		t.Error(log.String())
	}
}

func TestAnEmptyMessageIsOpenedAsOne(t *testing.T) {
	one, _ := offered(t, "")
	handlers := offering(one, new(atomic.Bool), slog.New(slog.DiscardHandler))
	sealed := sealedBy(t, handlers, `{"message":""}`)
	if status, text := post(t, handlers, "/open", `{"sealed":"`+sealed+`"}`); status != 200 || text != `{"message":""}` {
		t.Error(status, text)
	}
}

func TestStatistics(t *testing.T) {
	one, _ := offered(t, "")
	handlers := offering(one, new(atomic.Bool), slog.New(slog.DiscardHandler))
	for question, want := range map[string]struct {
		status int
		answer string
	}{
		`{"values":[3,1,2],"quantiles":[0.5,1]}`: {200, `{"count":3,"mean":2,"variance":1,"quantiles":[2,3]}`},
		`{"values":[1e100,1,-1e100,3]}`:          {200, `{"count":4,"mean":1,"variance":6.666666666666667e+199}`},
		`{"values":[7]}`:                         {200, `{"count":1,"mean":7}`},
		`{"values":[]}`:                          {422, `{"error":"there are too few values"}`},
		`{"values":[1,2],"quantiles":[2]}`:       {400, `{"error":"a quantile is between 0 and 1"}`},
		`{"values":[1e308,-1e308]}`:              {422, `{"error":"a result is beyond the numbers that JSON can carry"}`},
		`{"values":[1e999]}`:                     {400, `{"error":"send {\"values\": [1, 2, 3], \"quantiles\": [0.5]}, in UTF-8 and with nothing else in it"}`},
		`{"values":[1],"quantiles":[` + strings.Repeat("0,", maxQuantiles) + `0]}`: {413, `{"error":"too many quantiles are asked for"}`},
		`{"values":[` + strings.Repeat("1,", maxLarge/2) + `1]}`:                   {413, `{"error":"the request is too long"}`},
	} {
		if status, text := post(t, handlers, "/statistics", question); status != want.status || text != want.answer {
			t.Errorf("%.60s: %d %s", question, status, text)
		}
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	handlers := offering(libraries{}, new(atomic.Bool), slog.New(slog.DiscardHandler))
	for _, request := range [][2]string{
		{"/seal", `{}`}, {"/seal", `{"message":7}`}, {"/seal", `{"message":"?"}`}, {"/seal", `{"message":[1,null]}`},
		{"/seal", `{"message":"","associated":null}`}, {"/seal", `{"message":"aGk"}`}, {"/seal", `{"message":"aGl="}`},
		{"/seal", `{"message":"aGk=\n"}`}, {"/seal", `{"message":"","key":""}`}, {"/seal", `{"message":""}{}`},
		{"/open", `{}`}, {"/open", `{"sealed":null}`}, {"/open", `[]`},
		{"/statistics", `{"values":["1"]}`}, {"/statistics", `{"values":{}}`}, {"/statistics", `1`},
		{"/statistics", `{}`}, {"/statistics", `{"values":null}`}, {"/statistics", `{"values":[1,null]}`},
		{"/statistics", `{"values":[1],"quantiles":[null]}`}, {"/statistics", `{"values":[NaN]}`},
		{"/seal", ``}, {"/open", `{"sealed":"U0JPWA=="`}, {"/statistics", strings.Repeat("[", 100_000)},
	} {
		if status, text := post(t, handlers, request[0], request[1]); status != http.StatusBadRequest {
			t.Errorf("%s %s: %d %s", request[0], request[1], status, text)
		}
	}
}

// slowly waits for a test before it gives the first byte.
type slowly struct {
	asked chan<- struct{}
	going <-chan struct{}
	io.Reader
}

func (s slowly) Read(buffer []byte) (int, error) {
	s.asked <- struct{}{}
	<-s.going
	return s.Reader.Read(buffer)
}

// working is a library that says when it is called, and waits for a test.
type working struct {
	asked chan<- struct{}
	going <-chan struct{}
}

func (w working) Seal(_, _ []byte) ([]byte, error) {
	w.asked <- struct{}{}
	<-w.going
	return nil, nil
}

func (w working) Open(_, _ []byte) ([]byte, error) { return nil, nil }

func TestLargeRequestsWaitForTheirTurn(t *testing.T) {
	asked, going, statuses := make(chan struct{}, 10*largeAtOnce), make(chan struct{}), make(chan int)
	handlers := offering(libraries{sealer: working{asked, going}}, new(atomic.Bool), slog.New(slog.DiscardHandler))
	for range 3 * largeAtOnce {
		go func() {
			status, _ := post(t, handlers, "/seal", `{"message":""}`)
			statuses <- status
		}()
	}
	for range largeAtOnce {
		<-asked
	}
	select {
	case <-asked:
		t.Error("one more is worked on")
	case <-time.After(50 * time.Millisecond):
	}
	close(going)
	for range 3 * largeAtOnce {
		if status := <-statuses; status != http.StatusOK {
			t.Error(status)
		}
	}
}

func TestALargeRequestThatGetsNoTurnIsToldToComeAgain(t *testing.T) {
	asked, going := make(chan struct{}), make(chan struct{})
	defer close(going)
	handlers := offering(libraries{sealer: working{asked, going}}, new(atomic.Bool), slog.New(slog.DiscardHandler))
	for range largeAtOnce {
		go post(t, handlers, "/seal", `{"message":""}`)
		<-asked
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/seal", strings.NewReader("{}"))
	request.Header.Set("Content-Type", "application/json")
	answered := httptest.NewRecorder()
	handlers.ServeHTTP(answered, request)
	if answered.Code != http.StatusServiceUnavailable || answered.Header().Get("Retry-After") != "1" {
		t.Error(answered.Code, answered.Body)
	}
}

func TestWhoeverSendsSlowlyKeepsNobodyFromTheirTurn(t *testing.T) {
	one, _ := offered(t, "")
	handlers := offering(one, new(atomic.Bool), slog.New(slog.DiscardHandler))
	asked, going := make(chan struct{}), make(chan struct{})
	defer close(going)
	for range 2 * largeAtOnce {
		request := httptest.NewRequest(http.MethodPost, "/seal", slowly{asked, going, strings.NewReader("")})
		request.Header.Set("Content-Type", "application/json")
		go handlers.ServeHTTP(httptest.NewRecorder(), request)
		<-asked
	}
	sealedBy(t, handlers, `{"message":""}`)
}

// lasting gives a body, and no end of it before a test says so.
func lasting(asked chan<- struct{}, going <-chan struct{}, body string) io.Reader {
	return io.MultiReader(strings.NewReader(body), slowly{asked, going, strings.NewReader("")})
}

func TestAllBodiesInMemoryAreBounded(t *testing.T) {
	handlers := offering(libraries{checker: checkerFunc(allow)}, new(atomic.Bool), slog.New(slog.DiscardHandler))
	asked, going, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	const body = `{"address":"a@b.c"}`
	full := body + strings.Repeat(" ", maxBody-len(body))
	const requests = maxBodies / maxBody
	for range requests {
		request := httptest.NewRequest(http.MethodPost, "/check", lasting(asked, going, full))
		request.Header.Set("Content-Type", "application/json")
		go func() {
			handlers.ServeHTTP(httptest.NewRecorder(), request)
			ended <- struct{}{}
		}()
		<-asked
	}
	if status, text := post(t, handlers, "/check", body); status != http.StatusServiceUnavailable {
		t.Error(status, text)
	}
	close(going)
	for range requests {
		<-ended
	}
	if status, text := post(t, handlers, "/check", body); status != http.StatusOK {
		t.Error(status, text)
	}
}

func TestCallsOfAllLibrariesAreCounted(t *testing.T) {
	one, counted := offered(t, "")
	handlers := handler(one, Version{}, counted, new(atomic.Bool), slog.New(slog.DiscardHandler))
	post(t, handlers, "/check", `{"address":"joe@example.com"}`)
	post(t, handlers, "/check", `{"address":"joe"}`)
	post(t, handlers, "/open", `{"sealed":"U0JPWA=="}`)
	post(t, handlers, "/statistics", `{"values":[1,2]}`)
	answered := httptest.NewRecorder()
	handlers.ServeHTTP(answered, httptest.NewRequest(http.MethodGet, "/telemetry", nil))
	var document exported
	if err := json.Unmarshal(answered.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	counts := map[string]string{}
	for _, scope := range document.Resources[0].Scopes {
		for _, point := range scope.Metrics[0].Histogram.Points {
			name := scope.Scope.Name
			for _, one := range point.Attributes {
				name += " " + one.Value.Text
			}
			counts[name] = point.Count
			if len(point.Counts) != len(point.Bounds)+1 || point.Start > point.Time || scope.Metrics[0].Histogram.Temporality != 2 {
				t.Error(point)
			}
		}
	}
	for name, count := range map[string]string{
		"email-validator email_validator_check": "2",
		"sealed-box sealed_box_open malformed":  "1",
		"sealed-box sealed_box_key_generate":    "1",
		"signal-stats signal_stats_mean":        "1",
		"signal-stats signal_stats_variance":    "1",
	} {
		if counts[name] != count {
			t.Error(name, counts)
		}
	}
}
