// Prints what the Go module answers to the vectors of a file by one of its roads: one line of JSON for each.
//
//	vectors FILE native|wasm [GOROUTINES]
//
// Told a number, it has so many goroutines ask each validator, and demands that they agree.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"

	emailvalidator "example.org/ferrule/email-validator"
)

type vector struct {
	Candidate string `json:"candidate"`
	Options   struct {
		RequireTopLevelDomain bool                       `json:"require_top_level_domain"`
		AllowDomainLiteral    bool                       `json:"allow_domain_literal"`
		BlockedEmails         []emailvalidator.EmailType `json:"blocked_emails"`
	} `json:"options"`
	Overrides struct {
		Free       []string `json:"free"`
		Disposable []string `json:"disposable"`
		MX         []string `json:"mx"`
		Gravatar   []string `json:"gravatar"`
	} `json:"overrides"`
}

type result struct {
	OK  string `json:"ok,omitempty"`
	Err string `json:"err,omitempty"`
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3:]...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, road string, workers ...string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var vectors []vector
	if err := json.Unmarshal(content, &vectors); err != nil {
		return err
	}
	count := 1
	if len(workers) > 0 {
		if count, err = strconv.Atoi(workers[0]); err != nil {
			return err
		}
	}
	output := bufio.NewWriter(os.Stdout)
	lines := json.NewEncoder(output)
	lines.SetEscapeHTML(false)
	for _, vector := range vectors {
		answer, err := vector.answer(road, count)
		if err != nil {
			return err
		}
		if err := lines.Encode(answer); err != nil {
			return err
		}
	}
	return output.Flush()
}

// answer gives the decision, or what is wrong with the options; any other error means that nothing works here.
func (v *vector) answer(road string, workers int) (result, error) {
	validator, err := open(road, emailvalidator.Options{
		RequireTopLevelDomain: v.Options.RequireTopLevelDomain,
		AllowDomainLiteral:    v.Options.AllowDomainLiteral,
		BlockedEmails:         v.Options.BlockedEmails,
		Lookups: emailvalidator.LookupFuncs{
			Free:       in(v.Overrides.Free),
			Disposable: in(v.Overrides.Disposable),
			MXRecords:  in(v.Overrides.MX),
			Gravatar:   in(v.Overrides.Gravatar),
		},
	})
	if told := (*emailvalidator.Error)(nil); errors.As(err, &told) && told.Code == emailvalidator.ErrUnknownEmailType {
		return result{Err: told.Message}, nil
	}
	if err != nil {
		return result{}, err
	}
	defer validator.Close()
	decisions, errs := make([]emailvalidator.Decision, workers), make([]error, workers)
	var group sync.WaitGroup
	for at := range workers {
		group.Go(func() { decisions[at], errs[at] = validator.Check(context.Background(), v.Candidate) })
	}
	group.Wait()
	if len(slices.Compact(slices.Clone(decisions))) > 1 {
		return result{}, fmt.Errorf("%q: goroutines came to different decisions", v.Candidate)
	}
	return result{OK: decisions[0].JSON()}, errors.Join(errs...)
}

func open(road string, options emailvalidator.Options) (emailvalidator.Validator, error) {
	switch road {
	case "native":
		return emailvalidator.OpenNative(options)
	case "wasm":
		return emailvalidator.OpenWasm(options)
	}
	return nil, fmt.Errorf("%q is no road", road)
}

func in(texts []string) emailvalidator.Lookup {
	return func(_ context.Context, text string) (bool, error) { return slices.Contains(texts, text), nil }
}
