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

// keysCommand makes, lists and ends API keys.
func keysCommand(environ []string, out io.Writer) *cobra.Command {
	keys := &cobra.Command{Use: "keys", Short: "Make, list and revoke client apps' API keys"}
	with := func(use func(context.Context, config.Config, *postgres.Store) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd.Context(), config.Keys, environ, func(c config.Config, record *postgres.Store) error {
				return use(cmd.Context(), c, record)
			})
		}
	}
	var clientID string
	list := &cobra.Command{Use: "list", Short: "List the keys, of one client app or of all; a key itself is never shown again", Args: cobra.NoArgs,
		RunE: with(func(ctx context.Context, _ config.Config, record *postgres.Store) error {
			return listKeys(ctx, record, clientID, out)
		})}
	list.Flags().StringVar(&clientID, "client", "", "only keys of this client app")

	var id string
	var by signature
	revoke := &cobra.Command{Use: "revoke", Short: "End a key; every API process refuses it within seconds", Args: cobra.NoArgs,
		RunE: with(func(ctx context.Context, _ config.Config, record *postgres.Store) error {
			return record.RevokeAPIKey(ctx, by.administrator(), id, time.Now())
		})}
	revoke.Flags().StringVar(&id, "id", "", "the part of the key between its environment and its secret")
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
	create := &cobra.Command{Use: "create", Short: "Make a key and print it, once", Args: cobra.NoArgs,
		Long: "Make a key and print it, once. It is of ENVIRONMENT, test unless that is set, and no API of the other one takes it.",
		RunE: with(func(ctx context.Context, c config.Config, record *postgres.Store) (err error) {
			now := time.Now()
			request.Environment, request.Scopes = c.Environment, scopesOf(scopes)
			if request.ExpiresAt, err = expiry(expires, now); err != nil {
				return err
			}
			text, err := record.IssueAPIKey(ctx, by.administrator(), request, now)
			if err == nil {
				fmt.Fprintln(out, text)
			}
			return err
		})}
	create.Flags().StringVar(&request.ClientID, "client", "", "the client app's ID, made known if it is new")
	create.Flags().StringSliceVar(&scopes, "scopes", plain(access.ClientScopes()), "what the key allows; operators also need operations:read and operations:write")
	create.Flags().StringVar(&expires, "expires", "", "when the key ends by itself: in so many days, such as 90d, or at a time, such as 2027-01-31T00:00:00Z; empty: never")
	_ = create.MarkFlagRequired("client")
	by.actorFlag(create)
	return create
}

// expiry is when something ends: after days, after a duration, on a date in UTC or at a time.
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
		{Pointer: "expires", Detail: "must be such as 90d, 12h, 2027-01-31 or 2027-01-31T00:00:00Z"},
	}}
}

func listKeys(ctx context.Context, record *postgres.Store, clientID string, out io.Writer) error {
	all, err := record.APIKeys(ctx, clientID)
	if err != nil {
		return err
	}
	now := time.Now()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCLIENT\tSTATE\tCREATED\tEXPIRES\tREVOKED\tSCOPES")
	for _, k := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, cell(k.ClientID), k.State(now),
			moment(k.CreatedAt), moment(k.ExpiresAt), moment(k.RevokedAt), strings.Join(plain(k.Scopes), " "))
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
