package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// keysCommand makes and ends API keys.
func keysCommand(environ []string, out io.Writer) *cobra.Command {
	keys := &cobra.Command{Use: "keys", Short: "Make and revoke client apps' API keys"}
	with := func(use func(context.Context, config.Config, *postgres.Store) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			return withRecord(cmd.Context(), config.Keys, environ, func(c config.Config, record *postgres.Store) error {
				return use(cmd.Context(), c, record)
			})
		}
	}

	var clientID string
	var scopes []string
	create := &cobra.Command{Use: "create", Short: "Make a key and print it, once", Args: cobra.NoArgs,
		Long: "Make a key and print it, once. It is of ENVIRONMENT, test unless that is set, and no API of the other one takes it.",
		RunE: with(func(ctx context.Context, c config.Config, record *postgres.Store) error {
			var wanted []payment.Scope
			for _, s := range scopes {
				if !slices.Contains(plain(payment.Scopes()), s) {
					return fmt.Errorf("there is no scope %q, only %s", s, strings.Join(plain(payment.Scopes()), ", "))
				}
				wanted = append(wanted, payment.Scope(s))
			}
			text, err := record.IssueAPIKey(ctx, c.Environment, clientID, wanted, time.Now())
			if err == nil {
				fmt.Fprintln(out, text)
			}
			return err
		})}
	create.Flags().StringVar(&clientID, "client", "", "the client app's ID, made known if it is new")
	create.Flags().StringSliceVar(&scopes, "scopes", plain(payment.ClientScopes()), "what the key allows; operators also need operations:read and operations:write")
	_ = create.MarkFlagRequired("client")

	var id string
	revoke := &cobra.Command{Use: "revoke", Short: "End a key; every API process refuses it within seconds", Args: cobra.NoArgs,
		RunE: with(func(ctx context.Context, _ config.Config, record *postgres.Store) error {
			return record.RevokeAPIKey(ctx, id, time.Now())
		})}
	revoke.Flags().StringVar(&id, "id", "", "the part of the key between its environment and its secret")
	_ = revoke.MarkFlagRequired("id")

	keys.AddCommand(create, revoke)
	return keys
}

func plain(scopes []payment.Scope) []string {
	var words []string
	for _, s := range scopes {
		words = append(words, string(s))
	}
	return words
}
