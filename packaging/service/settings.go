package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	emailvalidator "example.org/ferrule/email-validator"
)

// Settings are what the environment says.
type Settings struct {
	// Listen is where requests are taken: SERVICE_LISTEN, by default :8080.
	Listen string
	// Library is the file of the native library: EMAIL_VALIDATOR_LIBRARY, by default the one that the image installs.
	Library string
	// Box and Stats are the files of the other libraries: SEALED_BOX_LIBRARY and SIGNAL_STATS_LIBRARY, by default those
	// that the image installs.
	Box, Stats string
	// KeyFile holds the key that seals, 32 bytes: SEALED_BOX_KEY_FILE. By default a key is made at the start,
	// and nothing that it sealed can be opened after the end.
	KeyFile string
	// Collector takes telemetry by OTLP over HTTP: OTEL_EXPORTER_OTLP_METRICS_ENDPOINT as it is, or
	// OTEL_EXPORTER_OTLP_ENDPOINT with /v1/metrics behind it; by default nothing is sent.
	Collector string
	// Interval is how often: OTEL_METRIC_EXPORT_INTERVAL in milliseconds, by default a minute.
	Interval time.Duration
	// RequireTopLevelDomain refuses localhost: EMAIL_VALIDATOR_REQUIRE_TOP_LEVEL_DOMAIN, by default true.
	RequireTopLevelDomain bool
	// AllowDomainLiteral accepts [192.0.2.1]: EMAIL_VALIDATOR_ALLOW_DOMAIN_LITERAL, by default false.
	AllowDomainLiteral bool
	// Block are the types to refuse, with commas between them: EMAIL_VALIDATOR_BLOCK, by default none but INVALID.
	Block []emailvalidator.EmailType
	// Free and Disposable are domains, one a line of the files that EMAIL_VALIDATOR_FREE_DOMAINS and
	// EMAIL_VALIDATOR_DISPOSABLE_DOMAINS name; needed where these types are refused.
	Free, Disposable map[string]bool
}

const prefix = "EMAIL_VALIDATOR_"

func settingsOf(getenv func(string) string) (Settings, error) {
	settings := Settings{
		Listen:  or(getenv("SERVICE_LISTEN"), ":8080"),
		Library: or(getenv(prefix+"LIBRARY"), "/usr/lib/libemail_validator.so"),
		Box:     or(getenv("SEALED_BOX_LIBRARY"), "/usr/lib/libsealed_box.so"),
		Stats:   or(getenv("SIGNAL_STATS_LIBRARY"), "/usr/lib/libsignal_stats.so"),
		KeyFile: getenv("SEALED_BOX_KEY_FILE"),
	}
	var err error
	if settings.Collector, settings.Interval, err = collector(getenv); err != nil {
		return Settings{}, err
	}
	if settings.RequireTopLevelDomain, err = flag(getenv, "REQUIRE_TOP_LEVEL_DOMAIN", true); err != nil {
		return Settings{}, err
	}
	if settings.AllowDomainLiteral, err = flag(getenv, "ALLOW_DOMAIN_LITERAL", false); err != nil {
		return Settings{}, err
	}
	for name := range strings.SplitSeq(getenv(prefix+"BLOCK"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			settings.Block = append(settings.Block, emailvalidator.EmailType(name))
		}
	}
	if settings.Free, err = domains(getenv, "FREE_DOMAINS"); err != nil {
		return Settings{}, err
	}
	if settings.Disposable, err = domains(getenv, "DISPOSABLE_DOMAINS"); err != nil {
		return Settings{}, err
	}
	return settings, answerable(settings)
}

// answerable refuses types that nothing answers for, in the words of the settings: the library knows none of them.
func answerable(settings Settings) error {
	switch blocks := func(one emailvalidator.EmailType) bool { return slices.Contains(settings.Block, one) }; {
	case blocks(emailvalidator.Free) && settings.Free == nil:
		return errors.New("EMAIL_VALIDATOR_BLOCK: FREE needs the file that EMAIL_VALIDATOR_FREE_DOMAINS names")
	case blocks(emailvalidator.Disposable) && settings.Disposable == nil:
		return errors.New("EMAIL_VALIDATOR_BLOCK: DISPOSABLE needs the file that EMAIL_VALIDATOR_DISPOSABLE_DOMAINS names")
	case blocks(emailvalidator.NoGravatar):
		return errors.New("EMAIL_VALIDATOR_BLOCK: NO_GRAVATAR is refused, as the service asks nobody but the domain name system")
	}
	return nil
}

// collector is read as the specification of OpenTelemetry names its variables.
func collector(getenv func(string) string) (string, time.Duration, error) {
	name, path := "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", ""
	if getenv(name) == "" {
		name, path = "OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/metrics"
	}
	interval, err := strconv.ParseUint(or(getenv("OTEL_METRIC_EXPORT_INTERVAL"), "60000"), 10, 31)
	if err != nil || interval == 0 {
		return "", 0, fmt.Errorf("OTEL_METRIC_EXPORT_INTERVAL is a number of milliseconds, not %q", getenv("OTEL_METRIC_EXPORT_INTERVAL"))
	}
	address := getenv(name)
	if address == "" {
		return "", time.Duration(interval) * time.Millisecond, nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "", 0, fmt.Errorf("%s is an address such as http://collector:4318", name)
	}
	if path != "" { // which an address of its own has already
		address = parsed.JoinPath(path).String()
	}
	return address, time.Duration(interval) * time.Millisecond, nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func flag(getenv func(string) string, name string, otherwise bool) (bool, error) {
	text := getenv(prefix + name)
	if text == "" {
		return otherwise, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s%s is true or false, not %q", prefix, name, text)
	}
	return value, nil
}

// opened is the file that a variable names. Nothing else is opened: a pipe would be waited for, and no signal would end that.
func opened(variable, path string) (*os.File, error) {
	about, err := os.Stat(path)
	if err == nil && !about.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return file, nil
}

// domains reads a list: one domain a line, in the ASCII form (xn--…), lines that begin with # are left out.
func domains(getenv func(string) string, name string) (map[string]bool, error) {
	path := getenv(prefix + name)
	if path == "" {
		return nil, nil
	}
	file, err := opened(prefix+name, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found := map[string]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := strings.ToLower(strings.TrimSpace(lines.Text())); line != "" && !strings.HasPrefix(line, "#") {
			found[line] = true
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s%s: a line of %s is too long to be a domain", prefix, name, path)
	} else if err != nil {
		return nil, fmt.Errorf("%s%s: %w", prefix, name, err)
	}
	return found, nil
}
