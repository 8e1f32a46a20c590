package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
)

// usersCommand makes and ends the people who may log in to the console.
func usersCommand(environ []string, out io.Writer) *cobra.Command {
	users := &cobra.Command{Use: "users", Short: "Make, list and end the people who may log in to the console"}
	with := func(use func(*cobra.Command, *postgres.Store, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			return withDatabase(cmd.Context(), config.Users, environ, func(_ config.Config, record *postgres.Store) error {
				return use(cmd, record, args)
			})
		}
	}
	var role string
	var by signature
	add := &cobra.Command{Use: "add NAME", Short: "Make a user; the password is asked for, or read from the input", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, record *postgres.Store, args []string) error {
			u := access.User{Name: args[0], Role: access.Role(role), CreatedAt: time.Now()}
			return addUser(cmd.Context(), record, by.administrator(), cmd.InOrStdin(), out, u)
		})}
	add.Flags().StringVar(&role, "role", string(access.Viewer), "operator, who may change things, or viewer")
	users.AddCommand(add, &cobra.Command{Use: "list", Short: "List all users", Args: cobra.NoArgs,
		RunE: with(func(cmd *cobra.Command, record *postgres.Store, _ []string) error {
			return listUsers(cmd.Context(), record, out)
		}),
	}, &cobra.Command{Use: "remove NAME", Short: "End a user and all sessions of the user", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, record *postgres.Store, args []string) error {
			return known(args[0], record.RemoveUser(cmd.Context(), by.administrator(), args[0]))
		}),
	}, &cobra.Command{Use: "revoke NAME", Short: "End all sessions of a user, who may log in again", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, record *postgres.Store, args []string) error {
			return known(args[0], record.RevokeUser(cmd.Context(), by.administrator(), args[0]))
		}),
	}, &cobra.Command{Use: "password NAME", Short: "Give a user another password, which ends all sessions of the user", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, record *postgres.Store, args []string) error {
			password, err := newPassword(cmd.InOrStdin(), out, args[0])
			if err != nil {
				return err
			}
			_, err = record.SetPassword(cmd.Context(), by.administrator(), args[0], access.HashPassword(password))
			return known(args[0], err)
		}),
	}, &cobra.Command{Use: "reset-second-factor NAME", Args: cobra.ExactArgs(1),
		Short: "Take a user's authenticator app and recovery codes away, when both are lost; it ends all sessions of the user",
		RunE: with(func(cmd *cobra.Command, record *postgres.Store, args []string) error {
			return known(args[0], record.ClearSecondFactor(cmd.Context(), by.administrator(), args[0]))
		}),
	})
	for _, c := range users.Commands() {
		if c.Name() != "list" {
			by.actorFlag(c)
		}
	}
	return users
}

func addUser(ctx context.Context, record *postgres.Store, actor audit.Actor, in io.Reader, out io.Writer, u access.User) error {
	if wrong := u.Fields(); len(wrong) > 0 { // before a password is asked for
		return &failure.Error{Kind: failure.Invalid, Message: "the user is not valid", Fields: wrong}
	}
	password, err := newPassword(in, out, u.Name)
	if err != nil {
		return err
	}
	u.PasswordHash = access.HashPassword(password)
	return record.AddUser(ctx, actor, u)
}

func listUsers(ctx context.Context, record *postgres.Store, out io.Writer) error {
	all, err := record.Users(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tROLE\tSECOND FACTOR\tSINCE")
	for _, u := range all {
		second := "none"
		if u.SecondFactor != "" {
			second = "set up"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", u.Name, u.Role, second, moment(u.CreatedAt))
	}
	return table.Flush()
}

// newPassword asks for one twice where a person sits at a terminal, and else reads a line.
func newPassword(in io.Reader, out io.Writer, user string) (string, error) {
	password, err := readPassword(in, out)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if wrong := access.CheckPassword(password, user); wrong != "" {
		return "", errors.New("the password " + wrong)
	}
	return password, nil
}

func readPassword(in io.Reader, out io.Writer) (string, error) {
	terminal, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var said []string
	for _, question := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(out, question)
		text, err := term.ReadPassword(int(terminal.Fd()))
		fmt.Fprintln(out)
		if err != nil {
			return "", err
		}
		said = append(said, string(text))
	}
	if len(slices.Compact(said)) != 1 {
		return "", errors.New("the two are not the same")
	}
	return said[0], nil
}

// known says who it was that nobody knows.
func known(name string, err error) error {
	if failure.KindOf(err) == failure.NotFound {
		return fmt.Errorf("there is no user %s", name)
	}
	return err
}
