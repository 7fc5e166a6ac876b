package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	emailvalidator "example.org/ferrule/email-validator"
	sealedbox "example.org/ferrule/sealed-box"
	signalstats "example.org/ferrule/signal-stats"
)

const (
	maxBody = 64 << 10
	// maxLarge is for what is sealed or opened, in base64, and for a list of numbers. So many of them are worked on at
	// once that they fit into 64 MB together, with maxBodies and maxConnections.
	maxLarge     = 256 << 10
	largeAtOnce  = 8
	maxQuantiles = 100
	// maxBodies is how much of all requests' bodies is in memory at once.
	maxBodies = 16 << 20
	// patience is how long the look-ups of one request may take, and how long a large one waits for its turn.
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

// sealer is what the handlers need of a vault.
type sealer interface {
	Seal(message, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// statist is what the handlers need of signal-stats.
type statist interface {
	Mean(values []float64) (float64, error)
	Variance(values []float64, degreesOfFreedom uint32) (float64, error)
	Quantiles(quantiles, values, probabilities []float64, between signalstats.Interpolation, scratch []float64) error
}

// libraries are what the service offers.
type libraries struct {
	checker
	sealer
	statist
}

// handler answers every request. No log line holds an address, a message or a part of one: of a request's path only the
// pattern is logged, of an error only what the library says.
func handler(offered libraries, about Version, counted *telemetry, ending *atomic.Bool, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	var bodies atomic.Int64
	route := func(pattern string, result func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			arriving := &arriving{ReadCloser: r.Body, all: &bodies}
			defer arriving.forget() // an answer that is not read yet is in memory as well
			r.Body = arriving
			value, err := result(r)
			if err != nil {
				refuse(w, r, logger, err)
				return
			}
			answer(w, http.StatusOK, value)
		})
	}
	check := func(address func(*http.Request) (string, error)) func(*http.Request) (any, error) {
		return func(r *http.Request) (any, error) {
			candidate, err := address(r)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(r.Context(), patience)
			defer cancel()
			return offered.Check(ctx, candidate)
		}
	}
	route("GET /check", check(fromQuery))
	route("POST /check", check(fromBody))
	turns := make(chan struct{}, largeAtOnce)
	// A turn is taken once the body is there: whoever sends slowly keeps nobody from theirs.
	large := func(result func(body []byte) (any, error)) func(*http.Request) (any, error) {
		return func(r *http.Request) (any, error) {
			body, err := receive(r, maxLarge)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(r.Context(), patience)
			defer cancel()
			select {
			case turns <- struct{}{}:
				defer func() { <-turns }()
				return result(body)
			case <-ctx.Done():
				return nil, busy
			}
		}
	}
	route("POST /seal", large(func(body []byte) (any, error) { return seal(offered, body) }))
	route("POST /open", large(func(body []byte) (any, error) { return unseal(offered, body) }))
	route("POST /statistics", large(func(body []byte) (any, error) { return statisticsOf(offered, body) }))
	route("GET /telemetry", func(*http.Request) (any, error) { return counted.document(serviceName, time.Now()), nil })
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
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, about)
	})
	return logged(inJSON(mux), logger)
}

// inJSON answers in JSON where a mux would in plain text, and sends nobody elsewhere: a path is taken as it is.
func inJSON(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, pattern := mux.Handler(r)
		if pattern != "" && r.URL.Path == path.Clean(r.URL.Path) {
			mux.ServeHTTP(w, r)
			return
		}
		said := &unsaid{header: http.Header{}}
		own.ServeHTTP(said, r)
		if said.status == http.StatusMethodNotAllowed {
			allowed := said.header.Get("Allow")
			w.Header().Set("Allow", allowed)
			answer(w, said.status, map[string]string{"error": "this path takes " + allowed})
			return
		}
		answer(w, http.StatusNotFound, map[string]string{"error": "there is no such path"})
	})
}

// unsaid keeps what a handler answers from everyone.
type unsaid struct {
	header http.Header
	status int
}

func (u *unsaid) Header() http.Header            { return u.header }
func (u *unsaid) WriteHeader(status int)         { u.status = status }
func (u *unsaid) Write(text []byte) (int, error) { return len(text), nil }

// arriving is the body of a request, which counts among all bodies in memory; one too many of them is refused.
type arriving struct {
	io.ReadCloser
	all *atomic.Int64
	own int64
}

func (a *arriving) Read(buffer []byte) (int, error) {
	length, err := a.ReadCloser.Read(buffer)
	a.own += int64(length)
	if a.all.Add(int64(length)) > maxBodies {
		return length, busy
	}
	return length, err
}

func (a *arriving) forget() { a.all.Add(-a.own) }

var busy = &refusal{http.StatusServiceUnavailable, "too many large requests at once; try again"}

func fromQuery(r *http.Request) (string, error) {
	addresses := r.URL.Query()["address"]
	if len(addresses) != 1 {
		return "", &refusal{http.StatusBadRequest, "give one address: /check?address=joe@example.com"}
	}
	return addresses[0], nil
}

func fromBody(r *http.Request) (string, error) {
	var question struct {
		Address *string `json:"address"`
	}
	const example = `{"address": "joe@example.com"}`
	body, err := receive(r, maxBody)
	if err != nil {
		return "", err
	}
	if err := parse(body, example, &question); err != nil {
		return "", err
	}
	if question.Address == nil || halved(body) {
		return "", malformed(example)
	}
	return *question.Address, nil
}

// halved says whether a valid document has half of a surrogate pair among its escapes (RFC 8259, section 7). That is no
// text, and Go would decide about another address than the one that was sent.
func halved(body []byte) bool {
	for {
		_, escape, escaped := bytes.Cut(body, []byte{'\\'})
		switch {
		case !escaped:
			return false
		case escape[0] != 'u':
			body = escape[1:]
			continue
		}
		first := unit(escape)
		if body = escape[5:]; !utf16.IsSurrogate(first) {
			continue
		}
		if !bytes.HasPrefix(body, []byte(`\u`)) || utf16.DecodeRune(first, unit(body[1:])) == utf8.RuneError {
			return true
		}
		body = body[6:]
	}
}

// unit is that of UTF-16 which u0000 to uFFFF stand for.
func unit(escape []byte) rune {
	value, _ := strconv.ParseUint(string(escape[1:5]), 16, 16) // four digits, as the document is valid
	return rune(value)
}

func malformed(example string) error {
	return &refusal{http.StatusBadRequest, "send " + example + ", in UTF-8 and with nothing else in it"}
}

// receive takes the body of a request, which is JSON of at most so many bytes.
func receive(r *http.Request, limit int64) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "send application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "the request is too long"}
	}
	if errors.Is(err, busy) {
		return nil, err
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the request could not be read"}
	}
	return body, nil
}

// parse reads the object that a body is, and nothing else.
func parse(body []byte, example string, question any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if !utf8.Valid(body) || decoder.Decode(question) != nil {
		return malformed(example)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return malformed(example)
	}
	return nil
}

// encoded are bytes in base64: of []byte alone, Go takes a list of numbers too, in which null is 0.
type encoded []byte

// UnmarshalJSON takes a text and nothing else.
func (e *encoded) UnmarshalJSON(text []byte) error {
	var characters *string
	if err := json.Unmarshal(text, &characters); err != nil {
		return err
	}
	if characters == nil {
		return errors.New("null is no text")
	}
	if strings.ContainsAny(*characters, "\r\n") { // which Go leaves out
		return errors.New("a line ends in it")
	}
	bytes, err := base64.StdEncoding.Strict().DecodeString(*characters)
	*e = bytes
	return err
}

func seal(box sealer, body []byte) (any, error) {
	var question struct {
		Message    *encoded `json:"message"`
		Associated encoded  `json:"associated"`
	}
	const example = `{"message": "aGVsbG8=", "associated": "dG8="}`
	if err := parse(body, example, &question); err != nil {
		return nil, err
	}
	if question.Message == nil {
		return nil, malformed(example)
	}
	sealed, err := box.Seal(*question.Message, question.Associated)
	return map[string][]byte{"sealed": sealed}, err
}

func unseal(box sealer, body []byte) (any, error) {
	var question struct {
		Sealed     *encoded `json:"sealed"`
		Associated encoded  `json:"associated"`
	}
	const example = `{"sealed": "U0JPWA==", "associated": "dG8="}`
	if err := parse(body, example, &question); err != nil {
		return nil, err
	}
	if question.Sealed == nil {
		return nil, malformed(example)
	}
	message, err := box.Open(*question.Sealed, question.Associated)
	if message == nil {
		message = []byte{} // in JSON it is a text, not null
	}
	return map[string][]byte{"message": message}, err
}

// summary is what is said of a series; a single value has no variance.
type summary struct {
	Count     int       `json:"count"`
	Mean      float64   `json:"mean"`
	Variance  *float64  `json:"variance,omitempty"`
	Quantiles []float64 `json:"quantiles,omitempty"`
}

func statisticsOf(stats statist, body []byte) (any, error) {
	var question struct {
		Values    []float64 `json:"values"`
		Quantiles []float64 `json:"quantiles"`
	}
	const example = `{"values": [1, 2, 3], "quantiles": [0.5]}`
	if err := parse(body, example, &question); err != nil {
		return nil, err
	}
	// Of what may stand there null alone has these letters, and Go would take it for 0.
	if question.Values == nil || bytes.Contains(body, []byte("null")) {
		return nil, malformed(example)
	}
	values, probabilities := question.Values, question.Quantiles
	if len(question.Quantiles) > maxQuantiles {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too many quantiles are asked for"}
	}
	result := summary{Count: len(values)}
	var err error
	if result.Mean, err = stats.Mean(values); err != nil {
		return nil, err
	}
	if result.Count > 1 {
		variance, err := stats.Variance(values, 1)
		if err != nil {
			return nil, err
		}
		result.Variance = &variance
	}
	if len(probabilities) > 0 {
		result.Quantiles = make([]float64, len(probabilities))
		scratch := make([]float64, len(values))
		if err := stats.Quantiles(result.Quantiles, values, probabilities, signalstats.Linear, scratch); err != nil {
			return nil, err
		}
	}
	if !result.isFinite() {
		return nil, &refusal{http.StatusUnprocessableEntity, "a result is beyond the numbers that JSON can carry"}
	}
	return result, nil
}

func (s summary) isFinite() bool {
	results := append([]float64{s.Mean}, s.Quantiles...)
	if s.Variance != nil {
		results = append(results, *s.Variance)
	}
	return !slices.ContainsFunc(results, func(value float64) bool { return math.IsInf(value, 0) || math.IsNaN(value) })
}

// ofClients are the errors of libraries that a client can act on. Why something cannot be opened is not told apart.
var ofClients = []struct {
	err error
	refusal
}{
	{emailvalidator.ErrNotUTF8, refusal{http.StatusBadRequest, "the address is not UTF-8"}},
	{emailvalidator.ErrTooLong, refusal{http.StatusRequestEntityTooLarge, "the address is too long"}},
	{sealedbox.ErrRejected, cannotBeOpened},
	{sealedbox.ErrMalformed, cannotBeOpened},
	{sealedbox.ErrWrongKey, cannotBeOpened},
	{sealedbox.ErrNotAllowed, cannotBeOpened},
	{sealedbox.ErrUnknownAlgorithm, cannotBeOpened},
	{sealedbox.ErrUnsupportedVersion, cannotBeOpened},
	{signalstats.ErrTooFew, refusal{http.StatusUnprocessableEntity, "there are too few values"}},
	{signalstats.ErrInvalidArgument, refusal{http.StatusBadRequest, "a quantile is between 0 and 1"}},
}

var cannotBeOpened = refusal{http.StatusUnprocessableEntity, "this key, with what is associated, does not open it"}

// refuse answers with an error: the client's own faults in words, those of look-ups and the library in general ones.
func refuse(w http.ResponseWriter, r *http.Request, logger *slog.Logger, err error) {
	failure := (*refusal)(nil)
	for _, one := range ofClients {
		if errors.Is(err, one.err) {
			failure = &one.refusal
		}
	}
	switch {
	case failure != nil, errors.As(err, &failure):
	case errors.Is(err, emailvalidator.ErrLookup), errors.Is(err, context.DeadlineExceeded):
		failure = &refusal{http.StatusServiceUnavailable, "a look-up gave no answer; try again"}
	case r.Context().Err() != nil:
		return // nobody is there to hear it
	default:
		failure = &refusal{http.StatusInternalServerError, "a fault of the service"}
	}
	if failure.status >= http.StatusInternalServerError {
		logger.Error("call failed", "code", codeOf(err))
	}
	if failure.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	answer(w, failure.status, map[string]string{"error": failure.message})
}

// codeOf is what a library says of a failure without anything of its arguments.
func codeOf(err error) string {
	var code emailvalidator.Code
	var sealing *sealedbox.Error
	var statistics *signalstats.Error
	switch {
	case errors.As(err, &code):
		return code.Error()
	case errors.As(err, &sealing):
		return sealing.Status.Error()
	case errors.As(err, &statistics):
		return statistics.Status.Error()
	}
	return "unknown"
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
