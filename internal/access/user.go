package access

import (
	"regexp"
	"slices"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// User may log in to the console. The password itself is never stored.
type User struct {
	Name         string // as the audit names the user
	Role         Role
	PasswordHash string
	Generation   string // of the user's sessions: a session of another generation has ended
	CreatedAt    time.Time
	SecondFactor string // the sealed secret of an authenticator app; empty: none is set up
	WrongCodes   int    // wrong codes with the right password since the last log-in
}

// Role is what a user may do.
type Role string

// The roles.
const (
	Operator Role = "operator"
	Viewer   Role = "viewer" // may read and change nothing
)

// roles are the scopes of each role.
var roles = map[Role][]Scope{
	Operator: {ScopeOperationsRead, ScopeOperationsWrite},
	Viewer:   {ScopeOperationsRead},
}

// Roles lists every role.
func Roles() []Role { return []Role{Operator, Viewer} }

// Known says whether r is one of the roles.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Allows says whether the role has the scope.
func (r Role) Allows(s Scope) bool { return slices.Contains(roles[r], s) }

// Fields lists the errors of the user; their pointers are bare names.
func (u User) Fields() []failure.Field {
	var wrong []failure.Field
	if !ValidUserName(u.Name) {
		wrong = append(wrong, failure.Field{Pointer: "name", Detail: "must have 1 to 32 small letters, digits, dots, dashes and underscores"})
	}
	if !u.Role.Known() {
		wrong = append(wrong, failure.Field{Pointer: "role", Detail: "must be operator or viewer"})
	}
	return wrong
}

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// ValidUserName says whether text can be a user's name: up to 32 small letters, digits, dots, dashes and underscores.
func ValidUserName(text string) bool { return userName.MatchString(text) }
