package platform

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
)

// The person who may log in to the console of a stack that only loopback reaches.
const (
	operatorName     = "operator"
	operatorPassword = "onlywave-dev-operator"
)

// thisProgram is who makes keys and users of a stack that is only a rehearsal.
var thisProgram = audit.Actor{Name: "onlywave-lab dev", Channel: audit.CommandLine, From: "this machine"}

// Operator is a person who may do everything in the console: made once for each data folder.
func (p *Platform) Operator(ctx context.Context) (name, password string, err error) {
	record, err := postgres.Open(ctx, p.Stack.PostgresURL(), 1)
	if err != nil {
		return "", "", err
	}
	defer record.Close()
	err = record.AddUser(ctx, thisProgram, access.User{
		Name: operatorName, Role: access.Operator, PasswordHash: access.HashPassword(operatorPassword), CreatedAt: time.Now(),
	})
	if failure.KindOf(err) == failure.Conflict {
		err = nil
	}
	return operatorName, operatorPassword, err
}
