package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	emailvalidator "example.org/ferrule/email-validator"
)

// checkerFunc decides as a test says.
type checkerFunc func(candidate string) (emailvalidator.Decision, error)

func (f checkerFunc) Check(_ context.Context, candidate string) (emailvalidator.Decision, error) {
	return f(candidate)
}

func allow(string) (emailvalidator.Decision, error) { return emailvalidator.Decision{}, nil }

func fail(err error) checkerFunc {
	return func(string) (emailvalidator.Decision, error) { return emailvalidator.Decision{}, err }
}

func offering(offered libraries, ending *atomic.Bool, logger *slog.Logger) http.Handler {
	return handler(offered, Version{}, newTelemetry(), ending, logger)
}

// ask sends a request to the handlers, and gives the answer and what was logged.
func ask(t *testing.T, check checkerFunc, method, target, body string) (*http.Response, string, string) {
	t.Helper()
	var log bytes.Buffer
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	answered := httptest.NewRecorder()
	offering(libraries{checker: check}, new(atomic.Bool), slog.New(slog.NewJSONHandler(&log, nil))).ServeHTTP(answered, request)
	result := answered.Result()
	text, err := io.ReadAll(result.Body)
	if err != nil {
		t.Fatal(err)
	}
	return result, string(text), log.String()
}

func TestBothWaysToAskGiveTheLibraryTheAddressAsItIs(t *testing.T) {
	const address = `"joe+a b"@bücher.example`
	body, _ := json.Marshal(map[string]string{"address": address})
	for _, request := range [][3]string{
		{http.MethodGet, "/check?address=%22joe%2Ba%20b%22%40b%C3%BCcher.example", ""},
		{http.MethodPost, "/check", string(body)},
	} {
		var asked string
		check := func(candidate string) (emailvalidator.Decision, error) {
			asked = candidate
			return emailvalidator.Decision{}, nil
		}
		result, text, log := ask(t, check, request[0], request[1], request[2])
		if result.StatusCode != http.StatusOK || text != "{\"decision\":\"Allowed\"}\n" || asked != address {
			t.Errorf("%s: %d %q, asked for %q", request[0], result.StatusCode, text, asked)
		}
		if result.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the answer may be cached", request[0])
		}
		if strings.Contains(log, "joe") || strings.Contains(log, "example") || !strings.Contains(log, `/check","status":200`) {
			t.Errorf("%s: logged %q", request[0], log)
		}
	}
}

func TestWhatIsNoQuestionIsRefused(t *testing.T) {
	for name, request := range map[string]struct {
		method, target, body string
		status               int
	}{
		"no address":                        {http.MethodGet, "/check", "", 400},
		"two addresses":                     {http.MethodGet, "/check?address=a&address=b", "", 400},
		"no JSON":                           {http.MethodPost, "/check", "joe@example.com", 400},
		"an empty object":                   {http.MethodPost, "/check", "{}", 400},
		"null":                              {http.MethodPost, "/check", `{"address":null}`, 400},
		"a number":                          {http.MethodPost, "/check", `{"address":7}`, 400},
		"another key":                       {http.MethodPost, "/check", `{"address":"a@b.c","addres":"x"}`, 400},
		"something after it":                {http.MethodPost, "/check", `{"address":"a@b.c"}{}`, 400},
		"not UTF-8":                         {http.MethodPost, "/check", "{\"address\":\"\xff@b.c\"}", 400},
		"half a surrogate pair":             {http.MethodPost, "/check", `{"address":"\ud800@b.c"}`, 400},
		"half of one beside a replacement":  {http.MethodPost, "/check", `{"address":"\ufffdx\uD800@b.c"}`, 400},
		"half a pair at the end":            {http.MethodPost, "/check", `{"address":"\n\u0041\ud83d"}`, 400},
		"half a pair before another escape": {http.MethodPost, "/check", `{"address":"\ud83d\n\ude00"}`, 400},
		"two second halves":                 {http.MethodPost, "/check", `{"address":"\udc00\udc00@b.c"}`, 400},
		"too long":                          {http.MethodPost, "/check", `{"address":"` + strings.Repeat("a", maxBody) + `"}`, 413},
		"another method":                    {http.MethodPut, "/check", "", 405},
		"another place":                     {http.MethodGet, "/chec", "", 404},
		"a slash more":                      {http.MethodGet, "http://service//check?address=a", "", 404},
		"a slash behind it":                 {http.MethodGet, "/check/?address=a", "", 404},
		"slashes alone":                     {http.MethodGet, "http://service//", "", 404},
		"a dot":                             {http.MethodGet, "/./check?address=a", "", 404},
	} {
		result, text, _ := ask(t, allow, request.method, request.target, request.body)
		var said struct{ Error string }
		if err := json.Unmarshal([]byte(text), &said); err != nil || said.Error == "" || result.StatusCode != request.status ||
			result.Header.Get("Content-Type") != "application/json" || result.Header.Get("Location") != "" ||
			(result.StatusCode == 405) != (result.Header.Get("Allow") == "GET, HEAD, POST") {
			t.Errorf("%s: %d %s %v", name, result.StatusCode, text, result.Header)
		}
	}
}

func TestCharactersThatWereSentAreAsked(t *testing.T) {
	for _, body := range []string{`{"address":"a` + "\uFFFD" + `@b.c"}`, `{"address":"a\uFFFD@b.c"}`, `{"address":"\ud83d\uDE00\\ud800@b.c"}`} {
		if result, text, _ := ask(t, allow, http.MethodPost, "/check", body); result.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", body, result.StatusCode, text)
		}
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	request := httptest.NewRequest(http.MethodPost, "/check", strings.NewReader(`{"address":"a@b.c"}`))
	answered := httptest.NewRecorder()
	offering(libraries{checker: checkerFunc(allow)}, new(atomic.Bool), slog.New(slog.DiscardHandler)).ServeHTTP(answered, request)
	if answered.Code != http.StatusUnsupportedMediaType {
		t.Error(answered.Code)
	}
}

func TestFailuresSayWhoseTheyAreAndNothingOfTheAddress(t *testing.T) {
	const secret = "joe@secret.example"
	for _, failure := range []struct {
		err    error
		status int
	}{
		{&emailvalidator.Error{Code: emailvalidator.ErrNotUTF8, Message: secret}, 400},
		{&emailvalidator.Error{Code: emailvalidator.ErrTooLong, Message: secret}, 413},
		{&emailvalidator.Error{Code: emailvalidator.ErrLookup, Message: secret, Cause: errors.New(secret)}, 503},
		{context.DeadlineExceeded, 503},
		{&emailvalidator.Error{Code: emailvalidator.ErrInternal, Message: secret}, 500},
		{errors.New(secret), 500},
	} {
		result, text, log := ask(t, fail(failure.err), http.MethodGet, "/check?address="+secret, "")
		if result.StatusCode != failure.status || strings.Contains(text+log, "secret") {
			t.Errorf("%v: %d %s %s", failure.err, result.StatusCode, text, log)
		}
	}
}

func TestAPanicEndsOneRequestOnly(t *testing.T) {
	panics := func(candidate string) (emailvalidator.Decision, error) { panic(candidate) }
	result, text, log := ask(t, panics, http.MethodGet, "/check?address=joe@secret.example", "")
	if result.StatusCode != http.StatusInternalServerError || strings.Contains(text+log, "secret") {
		t.Errorf("%d %s %s", result.StatusCode, text, log)
	}
}

func TestNotReadyAnyMoreButAlive(t *testing.T) {
	var ending atomic.Bool
	handlers := offering(libraries{checker: checkerFunc(allow)}, &ending, slog.New(slog.DiscardHandler))
	for _, want := range []struct {
		ending bool
		path   string
		status int
	}{{false, "/readyz", 200}, {false, "/healthz", 200}, {true, "/readyz", 503}, {true, "/healthz", 200}} {
		ending.Store(want.ending)
		answered := httptest.NewRecorder()
		handlers.ServeHTTP(answered, httptest.NewRequest(http.MethodGet, want.path, nil))
		if answered.Code != want.status {
			t.Errorf("%s while ending is %v: %d", want.path, want.ending, answered.Code)
		}
	}
}
