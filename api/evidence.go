package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/evidence"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// What documents may take of a process. They are in memory while they are sent: maxUploads times maxEvidenceBody is 40 MB, which the
// container's limit has room for.
const (
	maxEvidenceBody = payment.EvidenceMaxBytes + maxBody // with what is between the documents
	maxUploads      = 4
	uploadTime      = 45 * time.Second // for the body to arrive, at less than 2 Mbit/s
	evidenceTime    = 40 * time.Second // from then on: Mercado Pago, asked up to three times, and its turn at the provider rate limit
)

// errUploads says that the memory for documents is in use.
var errUploads error = &failure.Error{
	Kind: failure.Limited, Message: "as many documents as may be at once are being sent; retry after Retry-After seconds, with the same key", RetryAfter: 5 * time.Second,
}

// sendEvidence sends documents about a dispute to the provider. A client that leaves does not stop it: it repeats the request.
func (s *Server) sendEvidence(c *gin.Context) error {
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	d, err := s.ownDispute(c)
	if err != nil {
		return err
	}
	boundary, err := formBoundary(c.Request.Header)
	if err != nil {
		return err
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		return errUploads
	}
	documents, err := readDocuments(c, boundary)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(asking(c)), evidenceTime)
	defer cancel()
	sent, replayed, err := s.evidence.Send(ctx, actor(c), d, key, documents)
	switch {
	case errors.Is(err, evidence.ErrKeyReused):
		return refuse(keyReused, evidence.ErrKeyReused.Error())
	case err != nil:
		return err
	}
	if replayed {
		c.Header("Idempotency-Replayed", "true")
	}
	c.PureJSON(http.StatusCreated, evidenceView(sent))
	return nil
}

// ownDispute reads the dispute of the path, if it is the client app's own.
func (s *Server) ownDispute(c *gin.Context) (payment.Dispute, error) {
	unknown := &failure.Error{Kind: failure.NotFound, Message: "there is no dispute with this id"}
	if !payment.ValidID(c.Param("id")) {
		return payment.Dispute{}, unknown
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), databaseTimeout)
	defer cancel()
	d, err := s.config.Database.Dispute(ctx, c.Param("id"))
	if failure.KindOf(err) == failure.NotFound || err == nil && d.ClientID != event(c).clientID {
		return payment.Dispute{}, unknown
	}
	if err == nil {
		event(c).paymentID = d.PaymentID
	}
	return d, err
}

// getDispute shows one dispute, and what was sent about it.
func (s *Server) getDispute(c *gin.Context) error {
	d, err := s.ownDispute(c)
	if err != nil {
		return err
	}
	sent, err := s.config.Database.EvidenceOf(c.Request.Context(), d.ID)
	if err != nil {
		return err
	}
	view := disputeView(d)
	for _, e := range sent {
		view.Evidence = append(view.Evidence, evidenceView(e))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

func formBoundary(h http.Header) (string, error) {
	kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return "", refuse(notAForm, "", failure.Field{Pointer: "#header/Content-Type", Detail: "must be multipart/form-data with its boundary"})
	}
	return parameters["boundary"], nil
}

// readDocuments reads the parts named files. All contents are in one piece of memory.
func readDocuments(c *gin.Context, boundary string) ([]payment.Document, error) {
	tooLarge := refuse(bodyTooLarge, fmt.Sprintf("send at most %d bytes of documents together", payment.EvidenceMaxBytes),
		failure.Field{Pointer: "/files", Detail: fmt.Sprintf("must have at most %d bytes together", payment.EvidenceMaxBytes)})
	size := c.Request.ContentLength
	if size > maxEvidenceBody {
		return nil, tooLarge
	}
	if size < 0 {
		size = maxEvidenceBody
	}
	// The server gives a request less time than that. Where it cannot be given more, as in tests, there is no limit of time either.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(uploadTime))
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(uploadTime + evidenceTime + 5*time.Second))
	contents := bytes.NewBuffer(make([]byte, 0, int(size)+bytes.MinRead))
	form := multipart.NewReader(http.MaxBytesReader(c.Writer, c.Request.Body, maxEvidenceBody), boundary)
	var names []string
	ends := []int{0}
	var wrong failure.Fields
	for {
		part, err := form.NextRawPart()
		switch {
		case err == io.EOF: // the end of the form; an end in its middle is wrapped
			if len(wrong) > 0 {
				return nil, invalid(wrong)
			}
			return cutDocuments(names, contents.Bytes(), ends), nil
		case err != nil:
			return nil, unreadForm(err, tooLarge)
		case part.FormName() != "files":
			wrong.Add("/"+part.FormName(), "is not known here; send each document as a part named files")
			continue
		case len(names) == payment.EvidenceMaxFiles:
			wrong.Add("/files", fmt.Sprintf("has too many documents; send at most %d", payment.EvidenceMaxFiles))
			return nil, invalid(wrong)
		}
		if _, err := contents.ReadFrom(part); err != nil {
			return nil, unreadForm(err, tooLarge)
		}
		names, ends = append(names, part.FileName()), append(ends, contents.Len())
	}
}

func cutDocuments(names []string, contents []byte, ends []int) []payment.Document {
	documents := make([]payment.Document, len(names))
	for i, name := range names {
		documents[i] = payment.NewDocument(name, contents[ends[i]:ends[i+1]])
	}
	return documents
}

func unreadForm(err, tooLarge error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse(bodyTooLate, "the documents did not arrive in time; send the request again")
	}
	return refuse(formInvalid, "the body is not multipart/form-data, or ended before it was complete")
}

func evidenceView(e payment.Evidence) Evidence {
	view := Evidence{
		ID: e.ID, DisputeID: e.DisputeID, Status: EvidenceStatus(e.Status), Files: make([]EvidenceFile, 0, len(e.Files)),
		CreatedAt: e.AskedAt, SentAt: e.SentAt,
	}
	for _, f := range e.Files {
		view.Files = append(view.Files, EvidenceFile{Name: f.Name, Type: f.Type, Size: f.Size, Sha256: f.SHA256})
	}
	return view
}
