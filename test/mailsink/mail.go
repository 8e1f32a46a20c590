package mailsink

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// maxDepth is how deep parts may be nested.
const maxDepth = 5

// Mail is a received e-mail.
type Mail struct {
	ID        string    `json:"id"` // its number in the sink
	MessageID string    `json:"message_id"`
	Sender    string    `json:"sender"` // of the envelope
	To        []string  `json:"to"`     // of the envelope
	From      string    `json:"from"`
	Subject   string    `json:"subject"`
	At        time.Time `json:"at"`
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	Problem   string    `json:"problem,omitempty"` // why it could not be parsed completely

	Images map[string][]byte `json:"-"` // PNGs by Content-ID
	Raw    []byte            `json:"-"`
}

// parse reads as much of the message as it can.
func parse(raw []byte, sender string, to []string, at time.Time) Mail {
	m := Mail{Sender: sender, To: to, At: at.UTC(), Raw: raw, Images: map[string][]byte{}}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		m.Problem = err.Error()
		return m
	}
	m.MessageID = strings.Trim(message.Header.Get("Message-ID"), "<>")
	m.From, m.Subject = decoded(message.Header.Get("From")), decoded(message.Header.Get("Subject"))
	if err := m.read(textproto.MIMEHeader(message.Header), message.Body, 0); err != nil {
		m.Problem = err.Error()
	}
	return m
}

func decoded(header string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		return header
	}
	return text
}

// read reads a part and the parts inside it.
func (m *Mail) read(header textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && depth < maxDepth {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.read(part.Header, part, depth+1); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	switch kind {
	case "text/plain":
		m.Text += string(content)
	case "text/html":
		m.HTML += string(content)
	case "image/png":
		m.Images[strings.Trim(header.Get("Content-ID"), "<>")] = content
	}
	return err
}
