package payment

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The first bytes of each type that the provider takes.
const (
	pdf  = "%PDF-1.7\n"
	png  = "\x89PNG\r\n\x1a\n"
	jpeg = "\xff\xd8\xff\xe0"
)

func TestTheContentOfADocumentSaysItsType(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{pdf: "application/pdf", png: "image/png", jpeg: "image/jpeg"} {
		d := NewDocument("nota.txt", []byte(content))
		require.Equal(t, want, d.Type)
		require.Empty(t, DocumentFields([]Document{d}))
	}
	require.Len(t, NewDocument("a", []byte(pdf)).SHA256, 64)
	require.NotEqual(t, NewDocument("a", []byte(pdf)).SHA256, NewDocument("a", []byte(png)).SHA256)
}

func TestWhatIsWrongWithDocumentsIsNamed(t *testing.T) {
	t.Parallel()
	good := NewDocument("nota.pdf", []byte(pdf))
	for name, row := range map[string]struct {
		documents []Document
		pointer   string
		detail    string
	}{
		"none":               {nil, "/files", "is missing"},
		"too many":           {slicesOf(good, EvidenceMaxFiles+1), "/files", "at most 10"},
		"a text":             {[]Document{good, NewDocument("nota.pdf", []byte("a text"))}, "/files/1", "PDF, a PNG or a JPEG"},
		"a page":             {[]Document{NewDocument("nota.png", []byte("<html>"))}, "/files/0", "by its content"},
		"empty":              {[]Document{NewDocument("nota.pdf", nil)}, "/files/0", "is empty"},
		"without a name":     {[]Document{NewDocument(" ", []byte(pdf))}, "/files/0", "its file name is missing"},
		"a path":             {[]Document{NewDocument("../nota.pdf", []byte(pdf))}, "/files/0", "must not contain /"},
		"a long name":        {[]Document{NewDocument(strings.Repeat("ã", 101), []byte(pdf))}, "/files/0", "at most 100 characters"},
		"a card's number":    {[]Document{NewDocument("5031433215406351.pdf", []byte(pdf))}, "/files/0", "card number"},
		"a line break":       {[]Document{NewDocument("a\nb.pdf", []byte(pdf))}, "/files/0", "control characters"},
		"too large":          {[]Document{NewDocument("a.pdf", []byte(pdf+strings.Repeat(" ", EvidenceMaxBytes)))}, "/files", "at most 10000000"},
		"too large together": {slicesOf(NewDocument("a.pdf", []byte(pdf+strings.Repeat(" ", EvidenceMaxBytes/2))), 2), "/files", "at most 10000000"},
	} {
		wrong := DocumentFields(row.documents)
		require.Len(t, wrong, 1, name)
		require.Equal(t, row.pointer, wrong[0].Pointer, name)
		require.Contains(t, wrong[0].Detail, row.detail, name)
	}
}

func slicesOf(d Document, n int) []Document {
	all := make([]Document, n)
	for i := range all {
		all[i] = d
	}
	return all
}

func TestWhenDocumentsAreWanted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	wanted := Dispute{Kind: Chargeback, Status: DisputeEvidenceWanted, Deadline: now.Add(time.Second)}
	require.Empty(t, wanted.Wants(now))
	require.Contains(t, wanted.Wants(now.Add(time.Second)), "the deadline was 2026-11-27T12:00:01Z")
	for _, s := range DisputeStatuses() {
		d := wanted
		if d.Status = s; s != DisputeEvidenceWanted {
			require.Contains(t, d.Wants(now), "the dispute is "+string(s))
		}
	}
	for _, k := range DisputeKinds() {
		d := wanted
		if d.Kind = k; k != Chargeback {
			require.Contains(t, d.Wants(now), "for a chargeback only")
		}
	}
}

func TestEvidenceIsOneHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	require.Equal(t, EvidenceID("d", "k"), EvidenceID("d", "k"))
	require.NotEqual(t, EvidenceID("d", "k"), EvidenceID("d", "l"))
	require.NotEqual(t, EvidenceID("d", "k"), EvidenceID("e", "k"))
}
