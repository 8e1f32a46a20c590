package console

import (
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/access"
)

// userCommands are the commands for users, the same in every language.
var userCommands = strings.Join([]string{
	"onlywave users add ana --role operator",
	"onlywave users add vera --role viewer",
	"onlywave users password ana",
	"onlywave users revoke ana",
	"onlywave users reset-second-factor ana",
	"onlywave users remove ana",
}, "\n")

type usersPage struct {
	Users      []access.User
	LastLogIns map[string]time.Time
	Commands   string
}

// listUsers shows who may log in. The console changes no user: an operator's stolen session must not make another one.
func (c *Console) listUsers(r *request) (response, error) {
	users, err := c.config.Store.Users(r.Context())
	if err != nil {
		return response{}, err
	}
	seen, err := c.config.Store.LastLogIns(r.Context())
	return response{page: "users", title: "Users", data: usersPage{users, seen, userCommands}}, err
}
