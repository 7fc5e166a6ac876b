package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"sync/atomic"
	"time"
	"unicode/utf8"

	emailvalidator "example.org/ferrule/email-validator"
)

const (
	maxBody = 64 << 10
	// patience is how long the look-ups of one request may take.
	patience = 5 * time.Second
)

// checker is what the handlers need of a validator.
type checker interface {
	Check(ctx context.Context, candidate string) (emailvalidator.Decision, error)
}

// refusal is an answer that a client can act on.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

// handler answers every request. No log line holds an address or a part of one: of a request's path only the pattern
// is logged, of an error only what the library says.
func handler(validator checker, about Version, counted *telemetry, ending *atomic.Bool, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	check := func(address func(*http.Request) (string, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			candidate, err := address(r)
			var decision emailvalidator.Decision
			if err == nil {
				ctx, cancel := context.WithTimeout(r.Context(), patience)
				defer cancel()
				decision, err = validator.Check(ctx, candidate)
			}
			if err != nil {
				refuse(w, r, logger, err)
				return
			}
			answer(w, http.StatusOK, decision)
		}
	}
	mux.HandleFunc("GET /check", check(fromQuery))
	mux.HandleFunc("POST /check", check(fromBody))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ending.Load() {
			answer(w, http.StatusServiceUnavailable, map[string]string{"status": "ending"})
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /telemetry", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, counted.document(serviceName, time.Now()))
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, about)
	})
	return logged(mux, logger)
}

func fromQuery(r *http.Request) (string, error) {
	addresses := r.URL.Query()["address"]
	if len(addresses) != 1 {
		return "", &refusal{http.StatusBadRequest, "give one address: /check?address=joe@example.com"}
	}
	return addresses[0], nil
}

func fromBody(r *http.Request) (string, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return "", &refusal{http.StatusUnsupportedMediaType, "send application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return "", &refusal{http.StatusRequestEntityTooLarge, "the request is too long for one address"}
	}
	if err != nil {
		return "", &refusal{http.StatusBadRequest, "the request could not be read"}
	}
	malformed := &refusal{http.StatusBadRequest, `send {"address": "joe@example.com"}, in UTF-8 and with nothing else in it`}
	var question struct {
		Address *string `json:"address"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if !utf8.Valid(body) || decoder.Decode(&question) != nil || question.Address == nil {
		return "", malformed
	}
	if _, err := decoder.Token(); err != io.EOF {
		return "", malformed
	}
	// Half of a surrogate pair is no text, and Go would decide about another address than the one that was sent.
	if bytes.ContainsRune([]byte(*question.Address), utf8.RuneError) && !bytes.ContainsRune(body, utf8.RuneError) &&
		!bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`)) {
		return "", malformed
	}
	return *question.Address, nil
}

// refuse answers with an error: the client's own faults in words, those of look-ups and the library in general ones.
func refuse(w http.ResponseWriter, r *http.Request, logger *slog.Logger, err error) {
	failure := (*refusal)(nil)
	switch {
	case errors.As(err, &failure):
	case errors.Is(err, emailvalidator.ErrNotUTF8):
		failure = &refusal{http.StatusBadRequest, "the address is not UTF-8"}
	case errors.Is(err, emailvalidator.ErrTooLong):
		failure = &refusal{http.StatusRequestEntityTooLarge, "the address is too long"}
	case errors.Is(err, emailvalidator.ErrLookup), errors.Is(err, context.DeadlineExceeded):
		failure = &refusal{http.StatusServiceUnavailable, "a look-up gave no answer; try again"}
		w.Header().Set("Retry-After", "1")
	case r.Context().Err() != nil:
		return // nobody is there to hear it
	default:
		failure = &refusal{http.StatusInternalServerError, "the address could not be checked"}
	}
	if failure.status >= http.StatusInternalServerError {
		code := emailvalidator.ErrInternal
		errors.As(err, &code)
		logger.Error("check failed", "code", code.Error())
	}
	answer(w, failure.status, map[string]string{"error": failure.message})
}

func answer(w http.ResponseWriter, status int, value any) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The client may be gone, which is nobody's fault.
	_ = json.NewEncoder(w).Encode(value)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func logged(next http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		answered := &recorder{ResponseWriter: w}
		defer func() {
			if value := recover(); value != nil {
				// What it says is not logged: it could hold an address.
				logger.Error("panic")
				if answered.status == 0 {
					answer(answered, http.StatusInternalServerError, map[string]string{"error": "a fault of the service"})
				}
			}
			if r.Pattern == "GET /healthz" || r.Pattern == "GET /readyz" {
				return
			}
			logger.Info("request", "route", r.Pattern, "status", answered.status,
				"microseconds", time.Since(started).Microseconds())
		}()
		next.ServeHTTP(answered, r)
	})
}
