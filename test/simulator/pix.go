package simulator

import (
	"encoding/base64"
	"fmt"
	"strconv"

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
