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

// usersCommand adds, lists, changes and removes the users of the console.
func usersCommand(environ []string, out io.Writer) *cobra.Command {
	users := &cobra.Command{Use: "users", Short: "Add, list, change and remove users of the console"}
	with := func(use func(*cobra.Command, *postgres.Store, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			return withDatabase(cmd.Context(), config.Users, environ, func(_ config.Config, database *postgres.Store) error {
				return use(cmd, database, args)
			})
		}
	}
	var role string
	var by signature
	add := &cobra.Command{Use: "add NAME", Short: "Add a user; the password, of at least 12 characters, is read from the terminal or from standard input", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, database *postgres.Store, args []string) error {
			u := access.User{Name: args[0], Role: access.Role(role), CreatedAt: time.Now()}
			return addUser(cmd.Context(), database, by.administrator(), cmd.InOrStdin(), out, u)
		})}
	add.Flags().StringVar(&role, "role", string(access.Viewer), "operator, who may redrive, discard, settle and set breakers, or viewer, who may only read")
	users.AddCommand(add, &cobra.Command{Use: "list", Short: "List all users", Args: cobra.NoArgs,
		RunE: with(func(cmd *cobra.Command, database *postgres.Store, _ []string) error {
			return listUsers(cmd.Context(), database, out)
		}),
	}, &cobra.Command{Use: "remove NAME", Short: "Remove a user and end all sessions of the user", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, database *postgres.Store, args []string) error {
			return known(args[0], database.RemoveUser(cmd.Context(), by.administrator(), args[0]))
		}),
	}, &cobra.Command{Use: "revoke NAME", Short: "End all sessions of a user; the user may log in again", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, database *postgres.Store, args []string) error {
			return known(args[0], database.RevokeUser(cmd.Context(), by.administrator(), args[0]))
		}),
	}, &cobra.Command{Use: "password NAME", Short: "Set another password and end all sessions of the user", Args: cobra.ExactArgs(1),
		RunE: with(func(cmd *cobra.Command, database *postgres.Store, args []string) error {
			password, err := newPassword(cmd.InOrStdin(), out, args[0])
			if err != nil {
				return err
			}
			_, err = database.SetPassword(cmd.Context(), by.administrator(), args[0], access.HashPassword(password))
			return known(args[0], err)
		}),
	}, &cobra.Command{Use: "reset-second-factor NAME", Args: cobra.ExactArgs(1),
		Short: "Remove the second factor of a user who has lost the app and the recovery codes, and end all sessions of the user",
		RunE: with(func(cmd *cobra.Command, database *postgres.Store, args []string) error {
			return known(args[0], database.ClearSecondFactor(cmd.Context(), by.administrator(), args[0]))
		}),
	})
	for _, c := range users.Commands() {
		if c.Name() != "list" {
			by.actorFlag(c)
		}
	}
	return users
}

func addUser(ctx context.Context, database *postgres.Store, actor audit.Actor, in io.Reader, out io.Writer, u access.User) error {
	if wrong := u.Fields(); len(wrong) > 0 { // before the password is read
		return &failure.Error{Kind: failure.Invalid, Message: "the user is not valid", Fields: wrong}
	}
	password, err := newPassword(in, out, u.Name)
	if err != nil {
		return err
	}
	u.PasswordHash = access.HashPassword(password)
	return database.AddUser(ctx, actor, u)
}

func listUsers(ctx context.Context, database *postgres.Store, out io.Writer) error {
	all, err := database.Users(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tROLE\tSECOND FACTOR\tCREATED")
	for _, u := range all {
		second := "none"
		if u.SecondFactor != "" {
			second = "set up"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", u.Name, u.Role, second, formatTime(u.CreatedAt))
	}
	return table.Flush()
}

// newPassword reads a password: twice from a terminal, or one line from another input.
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
	var typed []string
	for _, question := range []string{"Password: ", "Password again: "} {
		fmt.Fprint(out, question)
		text, err := term.ReadPassword(int(terminal.Fd()))
		fmt.Fprintln(out)
		if err != nil {
			return "", err
		}
		typed = append(typed, string(text))
	}
	if len(slices.Compact(typed)) != 1 {
		return "", errors.New("the two passwords are not the same")
	}
	return typed[0], nil
}

// known adds the name to the error of an unknown user.
func known(name string, err error) error {
	if failure.KindOf(err) == failure.NotFound {
		return fmt.Errorf("there is no user %s", name)
	}
	return err
}
