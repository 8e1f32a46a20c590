package payment

import "regexp"

// endToEndID is E, the ISPB of the payer's bank (8 digits), the time as yyyyMMddHHmm and 11 letters or digits.
var endToEndID = regexp.MustCompile(`^E[0-9]{20}[0-9A-Za-z]{11}$`)

// ValidEndToEndID says whether a text has the form of the Central Bank's id of one Pix, which the buyer's bank shows on its receipt.
func ValidEndToEndID(s string) bool { return endToEndID.MatchString(s) }
