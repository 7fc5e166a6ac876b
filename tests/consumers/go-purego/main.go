// Prints what the Go module answers by its native road to the vectors of a file: one line of JSON for each.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

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
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var vectors []vector
	if err := json.Unmarshal(content, &vectors); err != nil {
		return err
	}
	output := bufio.NewWriter(os.Stdout)
	lines := json.NewEncoder(output)
	lines.SetEscapeHTML(false)
	for _, vector := range vectors {
		answer, err := vector.answer()
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
func (v *vector) answer() (result, error) {
	validator, err := emailvalidator.OpenNative(emailvalidator.Options{
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
	decision, err := validator.Check(context.Background(), v.Candidate)
	return result{OK: decision.JSON()}, err
}

func in(texts []string) emailvalidator.Lookup {
	return func(_ context.Context, text string) (bool, error) { return slices.Contains(texts, text), nil }
}
