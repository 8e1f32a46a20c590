package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"rsc.io/qr"
	"rsc.io/qr/coding"
)

const (
	merchantName = "Loja Simulada"
	merchantCity = "Sao Paulo"

	// A code of version 8 at level L holds 192 bytes, and the texts have about 150. All have one size, so the plan of the
	// code, which is most of the work, is made once.
	qrVersion = 8
	qrScale   = 3

	// Reads need a payment's image again soon after its creation; older images are drawn again.
	keptImages = 4096
)

// A Pix is valid for 24 hours by default, and for 30 minutes to 30 days. The minimum is a minute shorter, because a request for 30 minutes
// takes time to arrive.
const (
	defaultExpiry = 24 * time.Hour
	shortestPix   = 29 * time.Minute
	longestPix    = 30 * 24 * time.Hour
)

// pixMethod is a payment that waits for a transfer. Its fee is 0.99 %.
var pixMethod = method{
	feeRate: 99,
	read: func(in createRequest, p *payment, now time.Time) (wrong []cause) {
		p.status, p.detail = "pending", "pending_waiting_transfer"
		p.expires, wrong = expiry(in.DateOfExpiration, now, defaultExpiry, shortestPix, longestPix)
		return wrong
	},
	show: (*Simulator).showPix,
}

var dateText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?[+-]\d\d:\d\d$`)

func expiry(date string, now time.Time, otherwise, shortest, longest time.Duration) (time.Time, []cause) {
	if date == "" {
		return now.Add(otherwise).Truncate(time.Millisecond), nil
	}
	expires, err := time.Parse(time.RFC3339Nano, date)
	if err != nil || !dateText.MatchString(date) {
		return time.Time{}, []cause{causeDate}
	}
	if wait := expires.Sub(now); wait < shortest || wait > longest {
		return time.Time{}, []cause{causeExpiry}
	}
	return expires, nil
}

// The objects of point_of_interaction that are the same for every Pix.
var (
	businessInfo = json.RawMessage(`{"unit":"online_payments","sub_unit":"default","branch":"Merchant Services"}`)
	location     = json.RawMessage(`{"state_id":null,"source":null}`)
	application  = json.RawMessage(`{"name":null,"version":null,"operating_system":null}`)
	bankInfo     = json.RawMessage(`{"payer":{"account_id":null,"id":null,"long_name":null,"external_account_id":null},` +
		`"collector":{"account_id":null,"long_name":null,"account_holder_name":"` + merchantName + `","transfer_account_id":null},` +
		`"is_same_bank_account_owner":null,"origin_bank_id":null,"origin_wallet_id":null}`)
)

const pixIssuer = "12501"

// showPix adds what only a Pix has: the code, and after the payment its end-to-end id.
func (s *Simulator) showPix(c *call, p payment, a *paymentAnswer) {
	a.IssuerID, a.PaymentTypeID = pixIssuer, "bank_transfer"
	a.PaymentMethod = methodAnswer{p.method, a.PaymentTypeID, pixIssuer}
	a.PointOfInteraction = pointOfInteraction{Type: "PIX", BusinessInfo: businessInfo, Location: location, ApplicationData: application}
	pix := &a.PointOfInteraction.TransactionData
	pix.QRCode = s.codes.text(p)
	pix.QRCodeBase64 = s.codes.image(pix.QRCode)
	pix.TicketURL = s.publicURL(c.request) + "/pay/" + p.id
	pix.BankInfo = bankInfo
	if !p.approved.IsZero() {
		unique := strings.Repeat("0", 11) + p.id
		id := "PIXE18236120" + p.approved.UTC().Format("200601021504") + unique[len(unique)-11:]
		pix.TransactionID, a.TransactionDetails.TransactionID = &id, &id // and no e2e_id, as real accounts show it
	}
}

// pixCodes makes the Pix "copia e cola" texts of one seller, and their QR images.
type pixCodes struct {
	key    string
	plan   *coding.Plan
	images *lru.Cache[string, string]
}

func newPixCodes(collector int64) *pixCodes {
	plan, err := coding.NewPlan(qrVersion, coding.L, 0)
	if err != nil {
		panic(err) // constants: cannot fail
	}
	images, err := lru.New[string, string](keptImages)
	if err != nil {
		panic(err) // constants: cannot fail
	}
	// The seller's key is the same in each process, so a payment's code never changes.
	key := uuid.NewSHA1(uuid.NameSpaceOID, strconv.AppendInt(nil, collector, 10)).String()
	return &pixCodes{key: key, plan: plan, images: images}
}

// text is the BR Code of a payment: the EMV fields of the Central Bank's Pix manual, ended by their CRC.
func (c *pixCodes) text(p payment) string {
	text := tlv("00", "01") + // payload format
		tlv("26", tlv("00", "br.gov.bcb.pix")+tlv("01", c.key)) + // merchant account
		tlv("52", "0000") + // merchant category
		tlv("53", "986") + // BRL
		tlv("54", fmt.Sprintf("%d.%02d", p.amount/100, p.amount%100)) +
		tlv("58", "BR") + tlv("59", merchantName) + tlv("60", merchantCity) +
		tlv("62", tlv("05", "mpqrinter"+p.id)) + // txid, as Mercado Pago forms it
		"6304" // the CRC covers its own id and length
	return text + fmt.Sprintf("%04X", crc16(text))
}

// image is the QR code of a text as base64 of a PNG.
func (c *pixCodes) image(text string) string {
	if image, ok := c.images.Get(text); ok {
		return image
	}
	code, err := c.plan.Encode(coding.String(text))
	if err != nil {
		panic(err) // the text is ours, and short enough
	}
	drawn := &qr.Code{Bitmap: code.Bitmap, Size: code.Size, Stride: code.Stride, Scale: qrScale}
	image := base64.StdEncoding.EncodeToString(drawn.PNG())
	c.images.Add(text, image)
	return image
}

// tlv is one EMV field: id, length in two digits, value. All our values are ASCII and shorter than 100.
func tlv(id, value string) string { return fmt.Sprintf("%s%02d%s", id, len(value), value) }

// crc16 is CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, as ISO/IEC 13239 is used in the BR Code.
func crc16(text string) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range []byte(text) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
