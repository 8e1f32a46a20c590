package platform

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
)

// The console's user on a platform that only loopback reaches.
const (
	operatorName     = "operator"
	operatorPassword = "onlywave-dev-operator"
)

// thisProgram is the actor that creates keys and users, for the audit.
var thisProgram = audit.Actor{Name: "onlywave-lab dev", Channel: audit.CommandLine, From: "this machine"}

// Operator is a user who may do everything in the console. It is created once for each data folder.
func (p *Platform) Operator(ctx context.Context) (name, password string, err error) {
	store, err := postgres.Open(ctx, p.Stack.PostgresURL(), 1)
	if err != nil {
		return "", "", err
	}
	defer store.Close()
	err = store.AddUser(ctx, thisProgram, access.User{
		Name: operatorName, Role: access.Operator, PasswordHash: access.HashPassword(operatorPassword), CreatedAt: time.Now(),
	})
	if failure.KindOf(err) == failure.Conflict {
		err = nil
	}
	return operatorName, operatorPassword, err
}
