package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
)

// keysCommand creates, lists and revokes API keys.
func keysCommand(environ []string, out io.Writer) *cobra.Command {
	keys := &cobra.Command{Use: "keys", Short: "Create, list and revoke API keys of client apps"}
	with := func(use func(context.Context, config.Config, *postgres.Store) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd.Context(), config.Keys, environ, func(c config.Config, database *postgres.Store) error {
				return use(cmd.Context(), c, database)
			})
		}
	}
	var clientID string
	list := &cobra.Command{Use: "list", Short: "List API keys, of one client app or of all; the text of a key is only shown when it is created", Args: cobra.NoArgs,
		RunE: with(func(ctx context.Context, _ config.Config, database *postgres.Store) error {
			return listKeys(ctx, database, clientID, out)
		})}
	list.Flags().StringVar(&clientID, "client", "", "only keys of the client app with this ID")

	var id string
	var by signature
	revoke := &cobra.Command{Use: "revoke", Short: "Revoke an API key; every API process refuses it within seconds", Args: cobra.NoArgs,
		RunE: with(func(ctx context.Context, _ config.Config, database *postgres.Store) error {
			return database.RevokeAPIKey(ctx, by.administrator(), id, time.Now())
		})}
	revoke.Flags().StringVar(&id, "id", "", "ID of the key, as list shows it; in the key's text it is the part after ow_test_ or ow_live_ (required)")
	_ = revoke.MarkFlagRequired("id")
	by.actorFlag(revoke)

	keys.AddCommand(createKeyCommand(with, out), list, revoke)
	return keys
}

func createKeyCommand(with func(func(context.Context, config.Config, *postgres.Store) error) func(*cobra.Command, []string) error, out io.Writer) *cobra.Command {
	var request access.KeyRequest
	var scopes []string
	var expires string
	var by signature
	create := &cobra.Command{Use: "create", Short: "Create an API key and print its text, once", Args: cobra.NoArgs,
		Long: "Create an API key and print its text, once.\n\n" +
			"The key is for the environment of the setting ENVIRONMENT (test by default); an API of the other environment refuses it.",
		Example: "  onlywave keys create --client shop --expires 90d",
		RunE: with(func(ctx context.Context, c config.Config, database *postgres.Store) (err error) {
			now := time.Now()
			request.Environment, request.Scopes = c.Environment, scopesOf(scopes)
			if request.ExpiresAt, err = expiry(expires, now); err != nil {
				return err
			}
			text, err := database.IssueAPIKey(ctx, by.administrator(), request, now)
			if err == nil {
				fmt.Fprintln(out, text)
			}
			return err
		})}
	create.Flags().StringVar(&request.ClientID, "client", "", "ID of the client app, such as shop; a new ID adds a client app (required)")
	create.Flags().StringSliceVar(&scopes, "scopes", plain(access.ClientScopes()), "scopes of the key, separated by commas; operators also need operations:read and operations:write")
	create.Flags().StringVar(&expires, "expires", "", "when the key expires: after a `time`, such as 90d or 12h, or at one, such as 2027-01-31 or 2027-01-31T00:00:00Z (default: never)")
	_ = create.MarkFlagRequired("client")
	by.actorFlag(create)
	return create
}

// expiry reads the time of an expiry: days, a duration, a date in UTC or a time.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil && strings.HasSuffix(text, "d") && days <= 36500 {
		return now.AddDate(0, 0, days), nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, &failure.Error{Kind: failure.Invalid, Message: "the API key is not valid", Fields: []failure.Field{
		{Pointer: "expires", Detail: "must look like 90d, 12h, 2027-01-31 or 2027-01-31T00:00:00Z"},
	}}
}

func listKeys(ctx context.Context, database *postgres.Store, clientID string, out io.Writer) error {
	all, err := database.APIKeys(ctx, clientID)
	if err != nil {
		return err
	}
	now := time.Now()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCLIENT\tSTATE\tCREATED\tEXPIRES\tREVOKED\tSCOPES")
	for _, k := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, cell(k.ClientID), k.State(now),
			formatTime(k.CreatedAt), formatTime(k.ExpiresAt), formatTime(k.RevokedAt), strings.Join(plain(k.Scopes), " "))
	}
	return table.Flush()
}

func plain(scopes []access.Scope) []string {
	var words []string
	for _, s := range scopes {
		words = append(words, string(s))
	}
	return words
}

func scopesOf(words []string) []access.Scope {
	var scopes []access.Scope
	for _, word := range words {
		scopes = append(scopes, access.Scope(word))
	}
	return scopes
}
