package email

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/qrcode"
)

//go:embed templates/letter.html templates/letter.txt
var files embed.FS

var (
	htmlLetter = htmltemplate.Must(htmltemplate.ParseFS(files, "templates/letter.html"))
	textLetter = texttemplate.Must(texttemplate.ParseFS(files, "templates/letter.txt"))
)

// letter is what one e-mail says, in its language. All that is empty is left out.
type letter struct {
	Language string
	Heading  string
	Tone     string // colour of the heading's bar
	Greeting string
	Intro    string
	Amount   string
	Facts    []fact
	Code     string // Pix "copia e cola"
	CodeHint string
	Image    string // what the QR code is, for those who do not see it
	Link     string
	LinkText string
	Notes    []string
	Footer   string
}

type fact struct{ Label, Value string }

// message writes the letter down, as text and as HTML.
func (l letter) message(m Message) (Message, error) {
	if l.Code != "" {
		image, err := qrcode.PNG(l.Code)
		if err == nil {
			m.Image = image
		} else {
			l.Image = "" // the text alone is enough to pay
		}
	}
	var text, html strings.Builder
	if err := textLetter.Execute(&text, l); err != nil {
		return m, fmt.Errorf("write the e-mail's text: %w", err)
	}
	if err := htmlLetter.Execute(&html, l); err != nil {
		return m, fmt.Errorf("write the e-mail's HTML: %w", err)
	}
	m.Text, m.HTML = text.String(), html.String()
	return m, nil
}

// ToBuyer writes what a buyer is told of his payment, to the address and in the language that it was made with.
func ToBuyer(p payment.Payment, n payment.Notice, id string) (Message, error) {
	w := languages[p.Payer.Language]
	l := letter{
		Language: w.tag, Tone: calm, Greeting: w.greet(greetable(p.Payer.Name)), Amount: w.money(p.Amount.Centavos),
		Footer: fmt.Sprintf(w.footer, p.ID),
	}
	facts := func(label, value string) {
		if value != "" {
			l.Facts = append(l.Facts, fact{label, value})
		}
	}
	facts(w.description, quotable(p.Description, longestQuote))
	facts(w.reference, quotable(p.Reference, longestQuote))
	subject := ""
	switch n {
	case payment.Instructions:
		subject, l.Heading, l.Intro, l.Notes = w.pay, w.payHeading, w.payIntro, w.payNotes
		if !p.Method.ExpiresAt.IsZero() {
			facts(w.payUntil, w.time(p.Method.ExpiresAt))
		}
		l.Code, l.CodeHint, l.Image = p.Method.QRCode, w.codeHint, w.image
		l.Link, l.LinkText = followed(p.Method.TicketURL), w.link
	case payment.Receipt:
		subject, l.Heading, l.Intro, l.Tone = w.paid, w.paidHeading, w.paidIntro, good
		facts(w.method, "Pix")
		if !p.Provider.UpdatedAt.IsZero() {
			facts(w.paidAt, w.time(p.Provider.UpdatedAt))
		}
		facts(w.providerID, p.Provider.PaymentID)
	case payment.RefundNotice:
		subject, l.Heading, l.Intro, l.Notes = w.refund, w.refundHeading, w.refundIntro, w.refundNotes
		l.Amount = w.money(p.Refunded)
		facts(w.refundOf, w.money(p.Amount.Centavos))
	default:
		return Message{}, fmt.Errorf("no buyer is told of %q", n)
	}
	return l.message(Message{ID: id, Notice: n, To: p.Payer.Email, Subject: fmt.Sprintf(subject, l.Amount)})
}
