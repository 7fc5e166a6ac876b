package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// environment is the library that these tests work with, a port of this machine that is free, and what a test adds.
func environment(t *testing.T, more map[string]string) func(string) string {
	t.Helper()
	values := map[string]string{}
	for _, name := range []string{"EMAIL_VALIDATOR_LIBRARY", "SEALED_BOX_LIBRARY", "SIGNAL_STATS_LIBRARY"} {
		if values[name] = os.Getenv(name); values[name] == "" {
			t.Fatal(name + " has to name the native library")
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := free.Addr().String()
	free.Close()
	values["SERVICE_LISTEN"] = listen
	return func(name string) string {
		if value, given := more[name]; given {
			return value
		}
		return values[name]
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "domains")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestItServesUntilItIsToldToEnd(t *testing.T) {
	getenv := environment(t, map[string]string{
		"EMAIL_VALIDATOR_BLOCK":        "FREE, DISPOSABLE",
		"EMAIL_VALIDATOR_FREE_DOMAINS": file(t, "# free\nmail.example\n"), "EMAIL_VALIDATOR_DISPOSABLE_DOMAINS": file(t, ""),
	})
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan int)
	var log bytes.Buffer
	go func() { ended <- run(ctx, nil, getenv, &log, io.Discard) }()
	patient, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for run(t.Context(), []string{"-health"}, getenv, io.Discard, io.Discard) != 0 {
		if patient.Err() != nil {
			t.Fatal("it does not get ready")
		}
		time.Sleep(10 * time.Millisecond)
	}
	base := "http://" + getenv("SERVICE_LISTEN")
	for address, want := range map[string]string{
		"joe@example.com":  `{"decision":"Allowed"}`,
		"joe@Mail.Example": `{"decision":"Denied","blocked":["FREE"]}`,
		"joe":              `{"decision":"Denied","blocked":["INVALID"]}`,
	} {
		if status, text := get(t, base+"/check?address="+address); status != 200 || text != want+"\n" {
			t.Errorf("%s: %d %s", address, status, text)
		}
	}
	var about Version
	if status, text := get(t, base+"/telemetry"); status != 200 || !strings.Contains(text, `"email_validator_check"`) {
		t.Error(status, text)
	}
	if _, text := get(t, base+"/version"); json.Unmarshal([]byte(text), &about) != nil ||
		about.Library.Path != getenv("EMAIL_VALIDATOR_LIBRARY") || !strings.Contains(string(about.Library.BuildInfo), "interface") {
		t.Error(text)
	}
	end()
	select {
	case code := <-ended:
		if code != 0 || strings.Contains(log.String(), "joe") {
			t.Error(code, log.String())
		}
	case <-time.After(2 * time.Second):
		t.Error("it does not end")
	}
	if code := run(t.Context(), []string{"-health"}, getenv, io.Discard, io.Discard); code != 1 {
		t.Error("what has ended is healthy")
	}
}

func TestWhatCannotWorkIsSaidAtTheStart(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		more map[string]string
		code int
		says string
	}{
		"no flag":           {map[string]string{"EMAIL_VALIDATOR_ALLOW_DOMAIN_LITERAL": "maybe"}, 1, "is true or false"},
		"no list":           {map[string]string{"EMAIL_VALIDATOR_BLOCK": "FREE"}, 1, "EMAIL_VALIDATOR_FREE_DOMAINS"},
		"no other list":     {map[string]string{"EMAIL_VALIDATOR_BLOCK": "DISPOSABLE"}, 1, "EMAIL_VALIDATOR_DISPOSABLE_DOMAINS"},
		"no gravatar":       {map[string]string{"EMAIL_VALIDATOR_BLOCK": "NO_GRAVATAR"}, 1, "NO_GRAVATAR is refused"},
		"a long line":       {map[string]string{"EMAIL_VALIDATOR_FREE_DOMAINS": file(t, strings.Repeat("a", 1<<16))}, 1, "too long to be a domain"},
		"a pipe":            {map[string]string{"SEALED_BOX_KEY_FILE": pipe}, 1, "SEALED_BOX_KEY_FILE: " + pipe + " is no file"},
		"a pipe of domains": {map[string]string{"EMAIL_VALIDATOR_FREE_DOMAINS": pipe}, 1, pipe + " is no file"},
		"no such type":      {map[string]string{"EMAIL_VALIDATOR_BLOCK": "FREEE"}, 1, "FREEE"},
		"no file":           {map[string]string{"EMAIL_VALIDATOR_FREE_DOMAINS": "/nowhere"}, 1, "/nowhere"},
		"no library":        {map[string]string{"EMAIL_VALIDATOR_LIBRARY": "/nowhere.so"}, 1, "/nowhere.so"},
		"no box":            {map[string]string{"SEALED_BOX_LIBRARY": "/nowhere.so"}, 1, "/nowhere.so"},
		"no stats":          {map[string]string{"SIGNAL_STATS_LIBRARY": "/nowhere.so"}, 1, "/nowhere.so"},
		"no key file":       {map[string]string{"SEALED_BOX_KEY_FILE": "/nowhere"}, 1, "/nowhere"},
		"a short key":       {map[string]string{"SEALED_BOX_KEY_FILE": file(t, strings.Repeat("k", 31))}, 1, "exactly 32 bytes"},
		"a long key":        {map[string]string{"SEALED_BOX_KEY_FILE": file(t, strings.Repeat("k", 33))}, 1, "exactly 32 bytes"},
		"no collector":      {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, 1, "http://collector:4318"},
		"no interval":       {map[string]string{"OTEL_METRIC_EXPORT_INTERVAL": "0"}, 1, "milliseconds"},
		"no port":           {map[string]string{"SERVICE_LISTEN": "127.0.0.1:99999"}, 1, "99999"},
	} {
		var said bytes.Buffer
		code := run(t.Context(), nil, environment(t, want.more), io.Discard, &said)
		if code != want.code || !strings.Contains(said.String(), want.says) {
			t.Errorf("%s: %d %s", name, code, said.String())
		}
	}
	var said bytes.Buffer
	if code := run(t.Context(), []string{"-helth"}, environment(t, nil), io.Discard, &said); code != 2 {
		t.Error(code, said.String())
	}
}

func TestAServiceIsReachedByTheNameOfItsPortToo(t *testing.T) {
	for listen, want := range map[string]string{
		":http": "127.0.0.1:80", "0.0.0.0:8080": "127.0.0.1:8080", "[::]:1": "127.0.0.1:1", "[::1]:https": "[::1]:443",
	} {
		if address, err := reached(t.Context(), listen); err != nil || address != want {
			t.Error(listen, address, err)
		}
	}
	for _, listen := range []string{"127.0.0.1", ":no-such-service", ":65536"} {
		if address, err := reached(t.Context(), listen); err == nil {
			t.Error(listen, address)
		}
	}
}

func TestWhereTelemetryIsSent(t *testing.T) {
	for _, one := range []struct{ name, value, want string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", "http://c:4318/v1/metrics"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/", "http://c:4318/v1/metrics"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/a/?b=c/", "https://c/a/v1/metrics?b=c/"},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://c/a/", "https://c/a/"},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://c", "https://c"},
	} {
		settings, err := settingsOf(environment(t, map[string]string{one.name: one.value}))
		if err != nil || settings.Collector != one.want {
			t.Error(one, settings.Collector, err)
		}
	}
}
