package config

import (
	"net/mail"
	"net/url"
	"slices"
)

// checkEmail checks the mail server and the addresses.
func (c Config) checkEmail(k *checks) {
	k.that(c.EmailLimit >= 0, "EMAIL_LIMIT", "must be 0, for no limit, or more")
	if c.SMTPURL == "" {
		k.that(len(c.OperatorsEmail) == 0, "OPERATORS_EMAIL", "needs SMTP_URL: no alert can be sent without a mail server")
		return
	}
	u, err := url.Parse(string(c.SMTPURL))
	server := err == nil && (u.Scheme == "smtp" || u.Scheme == "smtps") && isHost(u.Host)
	k.that(server, "SMTP_URL", "must be empty or such as smtp://user:password@host:587")
	k.that(isMailbox(c.EmailFrom), "EMAIL_FROM", "must be set with SMTP_URL, such as Shop <payments@shop.example>")
	k.that(!slices.ContainsFunc(c.OperatorsEmail, func(a string) bool { return !isMailbox(a) }), "OPERATORS_EMAIL",
		"must be addresses such as ops@shop.example, comma-separated")
}

func isMailbox(address string) bool {
	_, err := mail.ParseAddress(address)
	return err == nil
}
