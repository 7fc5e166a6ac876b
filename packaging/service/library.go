package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	emailvalidator "example.org/ferrule/email-validator"
)

// open opens the library of the image and makes a validator by the settings. Look-ups that were given no answer are
// left out, so that settings which need them are refused when the service starts and not when somebody asks.
func open(settings Settings, logger *slog.Logger, observe func(string, time.Duration, error)) (emailvalidator.Validator, error) {
	return emailvalidator.OpenNative(emailvalidator.Options{
		RequireTopLevelDomain: settings.RequireTopLevelDomain,
		AllowDomainLiteral:    settings.AllowDomainLiteral,
		BlockedEmails:         settings.Block,
		Lookups: emailvalidator.LookupFuncs{
			Free:       listed(settings.Free),
			Disposable: listed(settings.Disposable),
			MXRecords:  mailExchange,
		},
		Logger:  logger,
		Observe: observe,
	}, emailvalidator.LibraryAt(settings.Library))
}

func listed(domains map[string]bool) emailvalidator.Lookup {
	if domains == nil {
		return nil
	}
	return func(_ context.Context, domain string) (bool, error) { return domains[domain], nil }
}

// mailExchange asks the domain name system. A domain that does not exist receives no mail; a null MX says that it wants
// none (RFC 7505).
func mailExchange(ctx context.Context, domain string) (bool, error) {
	records, err := net.DefaultResolver.LookupMX(ctx, domain)
	if failure := (*net.DNSError)(nil); errors.As(err, &failure) && failure.IsNotFound {
		return false, nil
	}
	if err != nil && len(records) == 0 {
		return false, errors.New("the domain name system did not answer")
	}
	for _, record := range records {
		if record.Host != "." {
			return true, nil
		}
	}
	return false, nil
}

// Version is what /version answers: the Go that built the service, its modules, and the library with its fingerprints.
type Version struct {
	Go      string            `json:"go"`
	Modules map[string]string `json:"modules"`
	Library LibraryVersion    `json:"library"`
}

// LibraryVersion is the file of the native library, how it was found, and what it says of itself.
type LibraryVersion struct {
	Path      string          `json:"path"`
	Origin    string          `json:"origin"`
	BuildInfo json.RawMessage `json:"build_info"`
}

func version() Version {
	about := Version{Modules: map[string]string{}}
	if library, opened := emailvalidator.NativeLibrary(); opened {
		about.Library = LibraryVersion(library)
	}
	if built, known := debug.ReadBuildInfo(); known {
		about.Go = built.GoVersion
		for _, module := range built.Deps {
			about.Modules[module.Path] = module.Version
		}
	}
	return about
}
