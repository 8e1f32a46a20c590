package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Evidence is a document that the seller has sent about a chargeback.
type Evidence struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int    `json:"size"`
}

// documentsSize is how many bytes all documents of a request may have together.
const documentsSize = 10_000_000

// EvidenceOf lists the documents that were sent about a chargeback.
func (s *Simulator) EvidenceOf(id string) []Evidence {
	d, _ := s.book.dispute(id)
	return slices.Clone(d.evidence)
}

// sendDocuments takes documents about a chargeback that waits for them. Mercado Pago looks at them then.
func (s *Simulator) sendDocuments(c *call) answer {
	if d, ok := s.book.dispute(c.request.PathValue("id")); !ok || d.stage != "" {
		return c.refuse(http.StatusNotFound, causeNoChargeback)
	}
	documents, wrong := readDocuments(c.request.Header.Get("Content-Type"), c.body)
	if wrong != nil {
		return c.refuse(http.StatusBadRequest, *wrong)
	}
	s.hold(c)
	d, err := s.book.changeDispute(c.request.PathValue("id"), time.Now(), func(d *dispute) error {
		if now := time.Now(); d.documents != "pending" || d.coverage != nil || now.After(d.deadline) {
			return fmt.Errorf("documents are %s, until %s", d.documents, d.deadline)
		}
		d.documents, d.evidence = "review_pending", append(slices.Clone(d.evidence), documents...)
		return nil
	})
	if err != nil {
		return c.refuse(http.StatusBadRequest, causeState)
	}
	s.notifyChargeback(d)
	return jsonAnswer(http.StatusOK, s.chargebackAnswer(c, d))
}

// readDocuments reads the parts files[] of a request.
func readDocuments(contentType string, body []byte) ([]Evidence, *cause) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return nil, &causeNoDocuments
	}
	var found []Evidence
	sum := 0
	for parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]); ; {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF) && len(found) > 0:
			return found, nil
		case err != nil || part.FormName() != "files[]" || part.FileName() == "":
			return nil, &causeNoDocuments
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, &causeNoDocuments
		}
		kind := http.DetectContentType(content)
		if !slices.Contains([]string{"application/pdf", "image/png", "image/jpeg"}, kind) {
			return nil, &causeDocumentType
		}
		if sum += len(content); sum > documentsSize {
			return nil, &causeDocumentsSize
		}
		found = append(found, Evidence{Name: part.FileName(), Type: kind, Size: len(content)})
	}
}

// MoveDeadline sets how long documents about a chargeback may still be sent; below zero, the time is over.
func (s *Simulator) MoveDeadline(chargeback string, in time.Duration) error {
	d, err := s.book.changeDispute(chargeback, time.Now(), func(d *dispute) error {
		if d.stage != "" {
			return errUnknownDispute
		}
		d.deadline = time.Now().Add(in).Truncate(time.Second)
		return nil
	})
	if err != nil {
		return fmt.Errorf("move the deadline of %s: %w", chargeback, err)
	}
	s.notifyChargeback(d)
	return nil
}

func (s *Simulator) adminDeadline(w http.ResponseWriter, r *http.Request) {
	in, err := time.ParseDuration(r.FormValue("in"))
	if err != nil {
		adminError(w, http.StatusBadRequest, err)
		return
	}
	s.adminDecide(func(id string) error { return s.MoveDeadline(id, in) })(w, r)
}

// documentAnswers are the documents of a chargeback as Mercado Pago shows them.
func (s *Simulator) documentAnswers(c *call, d dispute) []document {
	shown := []document{}
	for i, e := range d.evidence {
		shown = append(shown, document{e.Type, s.publicURL(c.request) + "/documents/" + d.id + "/" + strconv.Itoa(i), e.Name})
	}
	return shown
}
