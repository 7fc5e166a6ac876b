// Command ferrule-service shows the three libraries in one service over HTTP: whether a sign-up form should take
// an e-mail address, sealing with a key that never leaves it, and statistics of a series.
//
//	GET  /check?address=…            {"decision":"Allowed"}, or "Denied" and why
//	POST /check {"address": "…"}     the same, and no proxy on the way logs the address
//	POST /seal {"message": base64}   {"sealed": base64}; what is "associated" is authenticated, and not in it
//	POST /open {"sealed": base64}    {"message": base64}
//	POST /statistics {"values": []}  count, mean, variance, and the "quantiles" that are asked for
//	GET  /telemetry                  how often the libraries were called and how long it took, as OTLP in JSON
//	GET  /healthz                    the process is alive
//	GET  /readyz                     it takes requests; not any more once it was told to end
//	GET  /version                    what it and its library were built from
//
// Settings come from the environment, see Settings. With -health it asks the service of the same container whether that
// is ready, which is what probes run in images that have no shell.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	signalstats "example.org/ferrule/signal-stats"
)

const (
	// drain is how long requests that are being answered may take when the process is told to end.
	drain = 1500 * time.Millisecond
	probe = 2 * time.Second
	// maxConnections is how many are open at once.
	maxConnections = 512

	serviceName = "ferrule-service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the program: its exit code is 0 for an orderly end, 1 for a failure and 2 for arguments it does not know.
func run(ctx context.Context, arguments []string, getenv func(string) string, stdout, stderr io.Writer) int {
	settings, err := settingsOf(getenv)
	if err == nil {
		switch {
		case len(arguments) == 0:
			err = serve(ctx, settings, stdout)
		case len(arguments) == 1 && arguments[0] == "-health":
			err = healthy(ctx, settings.Listen)
		default:
			fmt.Fprintln(stderr, "usage: ferrule-service [-health]; settings come from the environment")
			return 2
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, settings Settings, stdout io.Writer) error {
	logger := slog.New(slog.NewJSONHandler(stdout, nil))
	counted := newTelemetry()
	validator, err := open(settings, logger, counted.of("email-validator"))
	if err != nil {
		return err
	}
	defer validator.Close()
	sealing, err := openVault(settings, counted.of("sealed-box"))
	if err != nil {
		return err
	}
	defer sealing.Close()
	statistics, err := signalstats.Open(signalstats.Options{Library: settings.Stats, Observe: counted.of("signal-stats")})
	if err != nil {
		return err
	}
	defer statistics.Close()
	listener, err := net.Listen("tcp", settings.Listen)
	if err != nil {
		return err
	}
	listener = limit(listener, maxConnections)
	var ending atomic.Bool
	server := &http.Server{
		Handler:           handler(libraries{validator, sealing, statistics}, version(), counted, &ending, logger),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	defer counted.exporting(settings, logger)()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	logger.Info("serving", "listen", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending.Store(true)
	logger.Info("ending")
	limited, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(limited); errors.Is(err, context.DeadlineExceeded) {
		logger.Warn("requests were cut off")
		return server.Close()
	} else if err != nil {
		return err
	}
	return nil
}

// healthy asks the service that listens in the same container; the error says why it is not ready.
func healthy(ctx context.Context, listen string) error {
	ctx, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	address, err := reached(ctx, listen)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	// No proxy of the environment stands between a container and itself.
	answer, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the service answers %s", answer.Status)
	}
	return nil
}

// reached is where a service that listens there is reached from the same container: a port may have a name.
func reached(ctx context.Context, listen string) (string, error) {
	host, name, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", name)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}
