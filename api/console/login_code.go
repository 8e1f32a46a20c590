package console

import (
	"context"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/secondfactor"
)

// wrongCodesMax is how many wrong codes in a row, each with the right password, are allowed. After that one correct code is not
// enough: a code of six digits can be guessed in the end, two in a row cannot. The user can still log in, with two codes.
const wrongCodesMax = 10

func needsTwoCodes(u access.User) bool { return u.WrongCodes >= wrongCodesMax }

// codeCheck is the result of checking the code of a log-in.
type codeCheck struct {
	right  bool   // the code is one of the user's
	enough bool   // the code is right and no second code is needed
	by     string // for the audit: none, authenticator app or recovery code
	left   int    // recovery codes left after this one was used
	proof  postgres.Proof
}

// checkCode checks a code. That is cheap, unlike a password, so it comes first: a log-in with a correct code does not wait in the lane
// of those without.
func (c *Console) checkCode(ctx context.Context, u access.User, code string) (codeCheck, error) {
	code = strings.TrimSpace(code)
	if u.SecondFactor == "" || code == "" {
		return codeCheck{by: "none"}, nil
	}
	if secondfactor.IsRecoveryCode(code) {
		return c.checkRecoveryCode(ctx, u, code)
	}
	secret, err := c.openSeal(u.Name, u.SecondFactor)
	if err != nil {
		return codeCheck{}, err
	}
	step, codes := secondfactor.Match(secret, code, time.Now())
	if codes == 0 {
		return codeCheck{by: "none"}, nil
	}
	return codeCheck{right: true, enough: codes > 1 || !needsTwoCodes(u), by: "authenticator app", proof: postgres.Proof{Step: step}}, nil
}

func (c *Console) checkRecoveryCode(ctx context.Context, u access.User, code string) (codeCheck, error) {
	hash := secondfactor.HashRecoveryCode(u.Name, code)
	left, has, err := c.config.Store.RecoveryCodes(ctx, u.Name, hash)
	if err != nil || !has {
		return codeCheck{by: "none"}, err
	}
	return codeCheck{
		right: true, enough: true, by: "recovery code", proof: postgres.Proof{RecoveryHash: hash},
		left: left - 1,
	}, nil
}

// codesLeft is the notice after a log-in with a recovery code.
func codesLeft(r *request, c codeCheck) string {
	if c.proof.RecoveryHash == nil {
		return ""
	}
	return r.say("You have %d recovery codes left. To make new ones, click your name above.", c.left)
}

// openSeal is the user's secret. If this process cannot open it, the error says so, because no code could be right.
func (c *Console) openSeal(user, sealed string) (string, error) {
	if c.config.Seal == nil {
		return "", &failure.Error{Kind: failure.Unavailable, Message: "second factors cannot be checked: CONSOLE_SECRET is not set"}
	}
	secret, err := c.config.Seal.Open(user, sealed)
	if err != nil {
		return "", &failure.Error{Kind: failure.Unavailable, Err: err,
			Message: "this second factor cannot be checked: CONSOLE_SECRET has changed since it was set up. Remove it with onlywave users reset-second-factor, then the user can set up another"}
	}
	return secret, nil
}
