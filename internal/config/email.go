package config

import (
	"errors"
	"net/mail"
	"net/url"
)

// validateEmail finds what is wrong with the mail server and the addresses, if there is to be any.
func (c Config) validateEmail() []error {
	var mistakes []error
	wrong := func(text string) { mistakes = append(mistakes, errors.New(text)) }
	if c.SMTPURL == "" {
		if len(c.OperatorsEmail) > 0 {
			wrong("OPERATORS_EMAIL: nobody is alerted without SMTP_URL")
		}
		return mistakes
	}
	u, err := url.Parse(string(c.SMTPURL))
	switch {
	case err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "":
		wrong("SMTP_URL: must be empty or such as smtp://user:password@host:587")
	case c.Environment == "live" && u.Query().Get("tls") == "none":
		wrong("SMTP_URL: must not have tls=none when ENVIRONMENT is live: buyers' addresses would go out readable")
	}
	if _, err := mail.ParseAddress(c.EmailFrom); err != nil {
		wrong("EMAIL_FROM: must be set with SMTP_URL, such as Shop <payments@shop.example>")
	}
	for _, operator := range c.OperatorsEmail {
		if _, err := mail.ParseAddress(operator); err != nil {
			wrong("OPERATORS_EMAIL: must be addresses such as ops@shop.example, comma-separated")
			break
		}
	}
	return mistakes
}
