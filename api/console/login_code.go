package console

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/secondfactor"
)

// wrongCodesMax is after how many wrong codes in a row, each with the right password, one right code is not enough: one of six
// digits could be guessed in the end, two in a row cannot. So nobody's guesses keep the user out, and none gets in.
const wrongCodesMax = 10

func isGuessedAt(u access.User) bool { return u.WrongCodes >= wrongCodesMax }

// shown is what somebody has shown beside a password.
type shown struct {
	right  bool   // a code of the user's
	enough bool   // and all that is asked for
	by     string // for people: none, an app or a recovery code
	note   string // for the user
	proof  postgres.Proof
}

// shown looks at a code. It is cheap, unlike a password, so that whoever has one need not wait in the lane of those who guess.
func (c *Console) shown(ctx context.Context, u access.User, code string) (shown, error) {
	code = strings.TrimSpace(code)
	if u.SecondFactor == "" || code == "" {
		return shown{by: "none"}, nil
	}
	if secondfactor.IsRecoveryCode(code) {
		return c.shownRecovery(ctx, u, code)
	}
	secret, err := c.open(u.Name, u.SecondFactor)
	if err != nil {
		return shown{}, err
	}
	step, codes := secondfactor.Match(secret, code, time.Now())
	if codes == 0 {
		return shown{by: "none"}, nil
	}
	return shown{right: true, enough: codes > 1 || !isGuessedAt(u), by: "authenticator app", proof: postgres.Proof{Step: step}}, nil
}

func (c *Console) shownRecovery(ctx context.Context, u access.User, code string) (shown, error) {
	hash := secondfactor.HashRecoveryCode(u.Name, code)
	left, has, err := c.config.Record.RecoveryCodes(ctx, u.Name, hash)
	if err != nil || !has {
		return shown{by: "none"}, err
	}
	return shown{
		right: true, enough: true, by: "recovery code", proof: postgres.Proof{RecoveryHash: hash},
		note: fmt.Sprintf("You have %d recovery codes left; new ones are made under your name above.", left-1),
	}, nil
}

// open is a user's secret. One that this process cannot open says so, as no code would ever be right.
func (c *Console) open(user, sealed string) (string, error) {
	if c.config.Seal == nil {
		return "", &failure.Error{Kind: failure.Unavailable, Message: "second factors cannot be checked: CONSOLE_SECRET is not set"}
	}
	secret, err := c.config.Seal.Open(user, sealed)
	if err != nil {
		return "", &failure.Error{Kind: failure.Unavailable, Err: err,
			Message: "this second factor cannot be checked: CONSOLE_SECRET has changed since; onlywave users reset-second-factor lets the user set up another"}
	}
	return secret, nil
}
