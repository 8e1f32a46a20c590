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

//go:embed templates/message.html templates/message.txt
var files embed.FS

var (
	htmlTemplate = htmltemplate.Must(htmltemplate.ParseFS(files, "templates/message.html"))
	textTemplate = texttemplate.Must(texttemplate.ParseFS(files, "templates/message.txt"))
)

// content is what one e-mail says, in its language. Empty fields are left out.
type content struct {
	Language string
	Heading  string
	Tone     string // colour of the heading's bar
	Greeting string
	Intro    string
	Amount   string
	Facts    []fact
	Code     string // what the buyer copies or types to pay
	CodeHint string
	Image    string // describes the code's QR code, for mail programs that show no images; "": there is none
	Link     string
	LinkText string
	Notes    []string
	Footer   string
}

type fact struct{ Label, Value string }

// message renders the content, as text and as HTML.
func (c content) message(m Message) (Message, error) {
	if c.Code != "" && c.Image != "" {
		image, err := qrcode.PNG(c.Code)
		if err == nil {
			m.Image = image
		} else {
			c.Image = "" // the text alone is enough to pay
		}
	}
	var text, html strings.Builder
	if err := textTemplate.Execute(&text, c); err != nil {
		return m, fmt.Errorf("write the e-mail's text: %w", err)
	}
	if err := htmlTemplate.Execute(&html, c); err != nil {
		return m, fmt.Errorf("write the e-mail's HTML: %w", err)
	}
	m.Text, m.HTML = text.String(), html.String()
	return m, nil
}

// ToBuyer is the e-mail about a payment, to the buyer's address and in the language that the payment was created with. How to pay links to our
// page, or to the provider's when page is empty.
func ToBuyer(p payment.Payment, n payment.Notice, id, page string) (Message, error) {
	w := languages[p.Payer.Language]
	method := methods[payment.Language(w.tag)][p.Method.Type]
	c := content{
		Language: w.tag, Tone: calm, Greeting: w.greet(greetable(p.Payer.Name)), Amount: w.money(p.Gross()),
		Footer: fmt.Sprintf(w.footer, p.ID),
	}
	facts := func(label, value string) {
		if value != "" {
			c.Facts = append(c.Facts, fact{label, value})
		}
	}
	facts(w.description, quotable(p.Description, longestQuote))
	facts(w.reference, quotable(p.Reference, longestQuote))
	subject := ""
	switch n {
	case payment.HowToPay:
		howTo, known := codes[p.Method.Type]
		if !known {
			return Message{}, fmt.Errorf("a %s needs no e-mail about how to pay", p.Method.Type)
		}
		code, until := howTo(w, p)
		subject, c.Heading, c.Intro, c.Notes = method.pay, w.payHeading, method.intro, method.notes
		facts(method.until, until)
		c.Code, c.CodeHint, c.Image = code, method.codeHint, method.image
		c.Link, c.LinkText = followed(p.Instructions.TicketURL), method.link
		if page != "" {
			c.Link, c.LinkText = page, w.payPage
		}
	case payment.Receipt:
		subject, c.Heading, c.Intro, c.Tone = w.paid, w.paidHeading, w.paidIntro, good
		facts(w.method, p.Method.Type.Name(payment.Language(w.tag)))
		if !p.Provider.UpdatedAt.IsZero() {
			facts(w.paidAt, w.time(p.Provider.UpdatedAt))
		}
		facts(w.providerID, p.Provider.PaymentID)
	case payment.RefundNotice:
		subject, c.Heading, c.Intro, c.Notes = w.refund, w.refundHeading, w.refundIntro, method.refundNotes
		c.Amount = w.money(p.Refunded)
		facts(w.refundOf, w.money(p.Gross()))
	default:
		return Message{}, fmt.Errorf("buyers get no e-mail about %q", n)
	}
	return c.message(Message{ID: id, Notice: n, To: p.Payer.Email, Subject: fmt.Sprintf(subject, c.Amount)})
}
