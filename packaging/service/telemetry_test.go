package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCallsAreCountedByLibraryFunctionAndOutcome(t *testing.T) {
	counted := newTelemetry()
	counted.of("b")("open", 3*time.Microsecond, nil)
	counted.of("b")("open", time.Minute, nil)
	counted.of("b")("open", time.Second, errors.New("rejected"))
	counted.of("a")("check", 0, nil)
	document := counted.document("service", time.Now())
	var rows []string
	for _, scope := range document.Resources[0].Scopes {
		for _, point := range scope.Metrics[0].Histogram.Points {
			row := []string{scope.Scope.Name, point.Count, strings.Join(point.Counts, "")}
			for _, one := range point.Attributes {
				row = append(row, one.Key, one.Value.Text)
			}
			rows = append(rows, strings.Join(row, " "))
			if len(point.Counts) != len(point.Bounds)+1 || point.Start > point.Time || scope.Metrics[0].Histogram.Temporality != 2 {
				t.Error(point)
			}
		}
	}
	want := []string{
		"a 1 10000000000000 code.function.name check",
		"b 2 00100000000001 code.function.name open",
		"b 1 00000000000100 code.function.name open error.type rejected",
	}
	if strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Error(strings.Join(rows, "\n"))
	}
}

func TestTelemetryIsSentAndSentOnceMoreAtTheEnd(t *testing.T) {
	bodies := make(chan string, 100)
	status := http.StatusOK
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
		w.WriteHeader(status)
	}))
	defer collector.Close()
	settings, err := settingsOf(environment(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_METRIC_EXPORT_INTERVAL": "5"}))
	if err != nil {
		t.Fatal(err)
	}
	counted := newTelemetry()
	counted.of("library")("function", 3*time.Microsecond, nil)
	end := counted.exporting(settings, slog.New(slog.DiscardHandler))
	first := <-bodies
	if !strings.HasPrefix(first, "POST /v1/metrics application/json {") || !strings.Contains(first, `"bucketCounts":["0","0","1",`) {
		t.Error(first)
	}
	end()
	if last := len(bodies); last == 0 {
		t.Error("nothing was sent at the end")
	}
	status = http.StatusServiceUnavailable
	if err := counted.export(context.Background(), collector.Client(), collector.URL, "service"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Error(err)
	}
}

func TestACollectorThatDoesNotAnswerDoesNotKeepTheProcess(t *testing.T) {
	asked, going := make(chan struct{}, 2), make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-going
	}))
	defer collector.Close()
	defer close(going)
	times := make(chan time.Time, 2)
	end := newTelemetry().exportingAt(times, Settings{Collector: collector.URL, Interval: time.Hour}, slog.New(slog.DiscardHandler))
	times <- time.Now()
	<-asked
	times <- time.Now() // comes together with the end
	end()
}
