package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
)

// errSettings says that nothing was begun.
var errSettings = errors.New("the configuration is not right")

// settings is the configuration for one part of the program; the error lists every mistake.
func settings(part config.Part, environ []string) (config.Config, error) {
	c, err := config.Load(part, environ)
	if err != nil {
		return c, fmt.Errorf("%w:\n%w", errSettings, err)
	}
	return c, nil
}

// withRecord is what a command does with the record, over one connection.
func withRecord(ctx context.Context, part config.Part, environ []string, use func(config.Config, *postgres.Store) error) error {
	c, err := settings(part, environ)
	if err != nil {
		return err
	}
	record, err := postgres.Open(ctx, string(c.DatabaseURL), 1)
	if err != nil {
		return err
	}
	defer record.Close()
	return use(c, record)
}

// refuseStrangers makes groups of commands fail for a word that is none of theirs; left alone they show their help and are content.
func refuseStrangers(all []*cobra.Command) {
	for _, c := range all {
		if c.HasSubCommands() && !c.Runnable() {
			c.Args = cobra.NoArgs
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}
