package api

import (
	"fmt"

	"rsc.io/qr"
)

// qrModule is how many pixels wide one of the code's squares is: enough for a telephone to read it off a screen.
const qrModule = 4

// drawQR is the code as a PNG image. Every answer about a Pix carries one, so it has to be quick: this library takes 0.4 ms
// where skip2/go-qrcode, which tries all eight masks, takes 5.
func drawQR(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code of %d bytes: %w", len(text), err)
	}
	code.Scale = qrModule
	return code.PNG(), nil
}
