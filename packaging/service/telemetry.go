package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// bounds are those of the histogram, in seconds: a call of a library takes less than a microsecond, a look-up in the
// domain name system up to seconds.
var bounds = []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 1e-2, 0.1, 1, 10}

// lastExport is how long the collector may take when the process ends.
const lastExport = time.Second

// call is what is told apart: a function of a library, and what its calls came to, empty for success.
type call struct {
	library, function, failure string
}

// taken is how long the calls took.
type taken struct {
	counts []uint64
	sum    time.Duration
}

// telemetry counts the calls of the libraries, as OpenTelemetry does with a histogram: cumulative, since the start.
type telemetry struct {
	started time.Time
	lock    sync.Mutex
	calls   map[call]*taken
}

func newTelemetry() *telemetry { return &telemetry{started: time.Now(), calls: map[call]*taken{}} }

// of gives what a library is to tell of its calls. No argument and no result of a call is among it.
func (t *telemetry) of(library string) func(function string, took time.Duration, failure error) {
	return func(function string, took time.Duration, failure error) {
		one := call{library: library, function: function}
		if failure != nil {
			one.failure = failure.Error() // of a closed set
		}
		bucket, _ := slices.BinarySearch(bounds, took.Seconds())
		t.lock.Lock()
		defer t.lock.Unlock()
		known := t.calls[one]
		if known == nil {
			known = &taken{counts: make([]uint64, len(bounds)+1)}
			t.calls[one] = known
		}
		known.counts[bucket]++
		known.sum += took
	}
}

// The document is OTLP's ExportMetricsServiceRequest in JSON: numbers of 64 bits are texts, and 2 is cumulative.

type attribute struct {
	Key   string `json:"key"`
	Value struct {
		Text string `json:"stringValue"`
	} `json:"value"`
}

func named(key, value string) (result attribute) {
	result.Key, result.Value.Text = key, value
	return result
}

type dataPoint struct {
	Attributes []attribute `json:"attributes"`
	Start      string      `json:"startTimeUnixNano"`
	Time       string      `json:"timeUnixNano"`
	Count      string      `json:"count"`
	Sum        float64     `json:"sum"`
	Counts     []string    `json:"bucketCounts"`
	Bounds     []float64   `json:"explicitBounds"`
}

type histogram struct {
	Temporality int         `json:"aggregationTemporality"`
	Points      []dataPoint `json:"dataPoints"`
}

type metric struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Unit        string    `json:"unit"`
	Histogram   histogram `json:"histogram"`
}

type scopeMetrics struct {
	Scope struct {
		Name string `json:"name"`
	} `json:"scope"`
	Metrics []metric `json:"metrics"`
}

type resourceMetrics struct {
	Resource struct {
		Attributes []attribute `json:"attributes"`
	} `json:"resource"`
	Scopes []scopeMetrics `json:"scopeMetrics"`
}

type exported struct {
	Resources []resourceMetrics `json:"resourceMetrics"`
}

// document is all that was counted: a scope for each library, a point for each function and outcome.
func (t *telemetry) document(service string, now time.Time) exported {
	t.lock.Lock()
	defer t.lock.Unlock()
	keys := make([]call, 0, len(t.calls))
	for key := range t.calls {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b call) int {
		return cmp.Or(cmp.Compare(a.library, b.library), cmp.Compare(a.function, b.function), cmp.Compare(a.failure, b.failure))
	})
	scopes := []scopeMetrics{}
	for _, key := range keys {
		if len(scopes) == 0 || scopes[len(scopes)-1].Scope.Name != key.library {
			scope := scopeMetrics{Metrics: []metric{{
				Name: "ferrule.call.duration", Description: "Duration of calls of the library.", Unit: "s",
				Histogram: histogram{Temporality: 2},
			}}}
			scope.Scope.Name = key.library
			scopes = append(scopes, scope)
		}
		points := &scopes[len(scopes)-1].Metrics[0].Histogram.Points
		*points = append(*points, t.point(key, now))
	}
	resource := resourceMetrics{Scopes: scopes}
	resource.Resource.Attributes = []attribute{named("service.name", service)}
	return exported{[]resourceMetrics{resource}}
}

func (t *telemetry) point(key call, now time.Time) dataPoint {
	known := t.calls[key]
	point := dataPoint{
		Attributes: []attribute{named("code.function.name", key.function)},
		Start:      strconv.FormatInt(t.started.UnixNano(), 10),
		Time:       strconv.FormatInt(now.UnixNano(), 10),
		Sum:        known.sum.Seconds(),
		Bounds:     bounds,
	}
	if key.failure != "" {
		point.Attributes = append(point.Attributes, named("error.type", key.failure))
	}
	var count uint64
	for _, one := range known.counts {
		count += one
		point.Counts = append(point.Counts, strconv.FormatUint(one, 10))
	}
	point.Count = strconv.FormatUint(count, 10)
	return point
}

// export sends the document to a collector by OTLP over HTTP.
func (t *telemetry) export(ctx context.Context, client *http.Client, url, service string) error {
	body, err := json.Marshal(t.document(service, time.Now()))
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answered, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answered.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answered.Body, 1<<16))
	if answered.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector answers %s", answered.Status)
	}
	return nil
}

// exporting sends the document again and again, and once more at the end; the function it gives waits for that.
func (t *telemetry) exporting(settings Settings, logger *slog.Logger) (end func()) {
	if settings.Collector == "" {
		return func() {}
	}
	ticker := time.NewTicker(settings.Interval)
	sent := t.exportingAt(ticker.C, settings, logger)
	return func() { ticker.Stop(); sent() }
}

// exportingAt is exporting at these times. What is being sent at the end is broken off: a collector that does not answer
// would keep the process.
func (t *telemetry) exportingAt(times <-chan time.Time, settings Settings, logger *slog.Logger) (end func()) {
	send := func(parent context.Context, patience time.Duration) {
		ctx, cancel := context.WithTimeout(parent, patience)
		defer cancel()
		if err := t.export(ctx, http.DefaultClient, settings.Collector, serviceName); err != nil && parent.Err() == nil {
			logger.Warn("telemetry was not taken", "reason", err.Error())
		}
	}
	running, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for running.Err() == nil {
			select {
			case <-times:
				send(running, settings.Interval)
			case <-running.Done():
			}
		}
		send(context.Background(), lastExport)
	}()
	return func() { stop(); <-stopped }
}
